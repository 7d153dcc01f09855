import fc from "fast-check";
import type { Item } from "../../functions/clients/table.ts";
import { kindOf, sampleItems, worldOf } from "../support/every-kind.ts";
import type { TestWorld } from "../support/world.ts";
import { json } from "./arbitraries.ts";
import type { Target } from "./parsers.ts";
import { checked } from "./run-one.ts";

const taken = 1_795_320_700_000;
const items = sampleItems("v1");
/** Of the indexes and of the table itself: DynamoDB would not take others. */
const keys = new Set(["pk", "sk", "due", "dueAt", "byAgent", "byLabel", "listAt"]);

const paths = [
  "/api/sessions",
  "/api/batches",
  "/api/lanes",
  "/api/agents",
  "/api/usage",
  "/api/budgets",
  "/api/advice",
];

/** A damaged item is told of, and harms nobody else: no look at it throws, and no answer is a 5xx but that of its own session. */
export const stored: Target = {
  name: "stored items",
  property() {
    const damage = fc.record({ item: fc.nat(), attribute: fc.nat(), by: fc.option(json, { nil: undefined }) });
    return fc.asyncProperty(damage, async ({ item: place, attribute: which, by }) => {
      const sound = items[place % items.length];
      const attributes = Object.keys(sound ?? {}).filter((name) => !keys.has(name));
      const name = attributes[which % attributes.length];
      if (sound === undefined || name === undefined) return;
      // Of its own, since whoever reads a damaged item may write another.
      const world = await worldOf("v1", taken);
      await spoil(world, sound, name, by);
      await look(world, sound).catch((error: unknown) => {
        throw new Error(`${kindOf(sound)}.${name} as ${JSON.stringify(by)}`, { cause: error });
      });
    });
  },
};

async function spoil(world: TestWorld, sound: Item, name: string, by: unknown): Promise<void> {
  const { [name]: _, ...rest } = sound;
  await world.table.put({
    item: { ...rest, pk: sound.pk, sk: sound.sk, ...(by === undefined ? {} : { [name]: by }) },
    when: [],
  });
}

async function look(world: TestWorld, sound: Item): Promise<void> {
  const id = /^SESSION#(.+)$/.exec(sound.pk)?.[1];
  const manifest = /^MANIFEST#(.+)$/.exec(sound.pk)?.[1];
  // Nobody knows what room is left.
  const worstOf = (path: string) => (path === "/api/budgets" && sound.pk.startsWith("BUDGET#") ? 501 : 500);
  for (const path of paths) await expectAnswer(world, path, worstOf(path));
  if (manifest !== undefined) await expectAnswer(world, `/api/batches/${manifest}`, 500);
  if (id !== undefined) {
    // Its own small item is all that is known of it: where that is gone, there is nothing to show but an alarm.
    const worst = sound.sk === "META" ? 501 : 500;
    await expectAnswer(world, `/api/sessions/${id}`, worst);
    await expectAnswer(world, `/api/sessions/${id}/history`, worst);
  }
  await checked("tick", () => world.ticks(1));
}

async function expectAnswer(world: TestWorld, path: string, below: number): Promise<void> {
  const { status } = await checked(path, () => world.http(path));
  if (status >= below) throw new Error(`${path}: ${status}`);
}
