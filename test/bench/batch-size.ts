import { seededRandom } from "../support/chance.ts";
import type { Bench, Section } from "./measure.ts";

const tasks = 100_000;
const sizes = [100, 1_000, 10_000, 100_000];
/** One request in so many is held up, for hours; Anthropic says nothing of it but that a batch may take 24 of them. */
const stragglers = [0, 1 / 100_000, 1 / 10_000, 1 / 1_000];
const expirySeconds = 24 * 3600;
/** Our own reading of a result, one after the other of a batch, as `settle-memory` measures it. */
const settleSeconds = 0.001;

/**
 * A batch's results are to be had when its last request has ended. So one that is held up holds up all that share its batch:
 * how many, is a matter of the batch's size alone.
 */
export const batchSize: Bench = { name: "batch-size", title: "latency against the size of batches, simulated", run };

async function run(): Promise<Section> {
  const rows = stragglers.flatMap((chance) =>
    sizes.map((size) => {
      const waits = night(size, chance).toSorted((a, b) => a - b);
      const at = (share: number) => `${Math.round((waits[Math.floor(waits.length * share)] ?? 0) / 60)}`;
      return [name(chance), String(size), String(tasks / size), at(0.5), at(0.95), at(0.99)];
    }),
  );
  return {
    figures: [],
    tables: [
      {
        title: `${tasks.toLocaleString("en")} tasks: minutes from the batch's creation to delivery`,
        head: ["held up", "size", "batches", "half of them", "95 %", "99 %"],
        rows,
      },
    ],
    notes: [
      "Assumed: a request takes 10 minutes (lognormal, σ 0.5); one that is held up takes 2 to 24 hours. " +
        "A batch of 1,000 keeps all but a tenth out of the way of what holds up one in 10,000, and a hundred batches are still few: hence the default of the lanes but `bulk`.",
    ],
  };
}

const name = (chance: number) => (chance === 0 ? "none" : `1 in ${Math.round(1 / chance).toLocaleString("en")}`);

/** How long each task waits, by the slowest request of its batch. */
function night(size: number, chance: number): number[] {
  const random = seededRandom(17);
  return Array.from({ length: tasks / size }, () => {
    let slowest = 0;
    for (let request = 0; request < size; request += 1) slowest = Math.max(slowest, secondsOf(random, chance));
    return Array.from({ length: size }, (_, place) => slowest + place * settleSeconds);
  }).flat();
}

function secondsOf(random: () => number, chance: number): number {
  if (random() < chance) return 2 * 3600 + random() * (expirySeconds - 2 * 3600);
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return 600 * Math.exp(0.5 * normal);
}
