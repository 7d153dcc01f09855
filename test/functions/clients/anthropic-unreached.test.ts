import { createServer } from "node:net";
import { expect, it } from "vitest";
import { createAnthropic } from "../../../functions/clients/anthropic.ts";
import { secretKey } from "../../../functions/clients/key.ts";
import { classifyCreateRefusal } from "../../../functions/domain/create-outcome.ts";
import { memorySecrets } from "../../support/memory-services.ts";

/** A port of this machine at which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

it("a connection that was never there proves that nothing was sent: the lane waits, and reconciles nothing", async () => {
  const baseURL = `http://127.0.0.1:${await closedPort()}`;
  const anthropic = createAnthropic({ key: secretKey(memorySecrets({ key: "sk-ant-test" }), "key"), baseURL });
  const call = { betas: [], timeoutMs: 5_000 };
  const batch = await anthropic.createBatch({ ...call, lines: [], bytes: 0 });
  const message = await anthropic.createMessage({ ...call, body: "{}" });
  expect(batch).toMatchObject({ kind: "refused", answer: { status: 0 } });
  expect(message).toMatchObject({ kind: "refused", answer: { status: 0 } });
  expect(batch.kind === "refused" && classifyCreateRefusal(batch.answer, 10)).toMatchObject({
    kind: "park",
    reason: "unreachable",
  });
});
