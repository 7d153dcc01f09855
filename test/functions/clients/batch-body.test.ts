import { expect, it } from "vitest";
import { batchBody } from "../../../functions/clients/batch-body.ts";

const lines = Array.from({ length: 1_000 }, (_, place) =>
  JSON.stringify({ custom_id: `${place}`, text: "ü".repeat(1_000) }),
);
const lineBytes = Buffer.byteLength(`${lines.join(",")},`);

it("has the length that is said before it is sent, with lines and without", async () => {
  for (const some of [lines, []]) {
    const { stream, bytes } = batchBody(some, some.length === 0 ? 0 : lineBytes);
    const text = await new Response(stream).text();
    expect(text).toBe(`{"requests":[${some.join(",")}]}`);
    expect(Buffer.byteLength(text)).toBe(bytes);
  }
});

it("lets everything else have its turn between two pieces, however fast it is taken", async () => {
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  count();
  let pieces = 0;
  for await (const _piece of batchBody(lines, lineBytes).stream) pieces += 1;
  isOver = true;
  expect(pieces).toBeGreaterThan(3);
  expect(turns).toBeGreaterThanOrEqual(pieces);
});
