import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type TestWorld, testWorld } from "../../support/world.ts";

const answers = Array.from({ length: 12 }, () => randomBytes(1_500).toString("base64"));

/** A batch that has ended, with answers that take more room than an object costs. */
async function ended(): Promise<{ world: TestWorld; ids: string[] }> {
  const world = testWorld();
  const ids: string[] = [];
  for (const answer of answers) ids.push(await world.accept(`[[stand-in: answer ${answer}]]`));
  await world.batch();
  world.pass(600);
  return { world, ids };
}

async function answerOf(world: TestWorld, sessionId: string): Promise<string> {
  const response = await world.http(`/api/sessions/${sessionId}/history`);
  const { messages }: { messages: { content: { text: string }[] }[] } = JSON.parse(await response.text());
  return messages.at(-1)?.content[0]?.text ?? "";
}

describe("the results of a page", () => {
  it("lie in one object, and each is read from there as it was received", async () => {
    const { world, ids } = await ended();
    await world.poll();
    expect(world.objects.keys()).toHaveLength(1);
    for (const [index, id] of ids.entries()) expect(await answerOf(world, id)).toBe(answers[index]);
  });

  it.each(["before", "after"] as const)(
    "are settled once where the process died %s the object was there",
    async (when) => {
      const { world, ids } = await ended();
      const half = world.crashing({ at: (what) => what.startsWith("objects.put"), when });
      expect(await half.process.run(() => half.poll())).toBe(true);
      expect(await world.see(ids[0]!)).toMatchObject({ status: "submitted" });
      await world.ticks(5);
      for (const [index, id] of ids.entries()) {
        expect(await answerOf(world, id)).toBe(answers[index]);
        expect(world.told(id)).toHaveLength(1);
      }
    },
  );

  it("wait for the bucket, and for nothing else, where that is away", async () => {
    const { world, ids } = await ended();
    const { turns } = world.deps;
    await world.poll({ turns: { ...turns, packResults: () => Promise.reject(new Error("ServiceUnavailable")) } });
    expect(await world.see(ids[0]!)).toMatchObject({ status: "submitted" });
    await world.ticks(3);
    expect(await world.see(ids[0]!)).toMatchObject({ status: "done", delivered: true });
  });
});
