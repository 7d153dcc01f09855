import { chunksOf } from "../../functions/domain/concurrently.ts";
import { atMost, type Bench, type Section } from "./measure.ts";
import { type BenchRooms, type BenchSystem, loadRooms, quietly, type Seen, startServices } from "./system.ts";
import { prose } from "./texts.ts";

const count = 10_000;
/** As many as are accepted in the time of one call on a busy machine. */
const bulkTasks = 100;
/** Each takes minutes. */
const maxRuns = 2;
const config = { agents: { list: [{ id: "worker", delivery: "digest" }] } };
const shares = [
  ["p50", 0.5],
  ["p99", 0.99],
  ["the last", 1],
] as const;

/** What a session waits for us beyond the tick, which nobody can wait for longer than it lasts. */
export const delay: Bench = {
  name: "delay",
  title: "10,000 sessions accepted within one tick: the wait that is ours",
  async run(runs): Promise<Section> {
    const services = await startServices(config, { answerBytes: 2_000 });
    try {
      const rooms = await loadRooms();
      const waits: { batched: number[]; delivered: number[] }[] = [];
      for (let no = 0; no < Math.min(runs, maxRuns); no += 1) waits.push(await tickOf(services, rooms));
      const figures = (["batched", "delivered"] as const).flatMap((step) =>
        shares.map(([name, share]) => ({
          what: `${titles[step]}, ${name}`,
          unit: "s",
          samples: waits.map((run) => run[step][Math.ceil(count * share) - 1] ?? Number.NaN),
          ...(share === 1 ? { target: atMost(5, " s") } : {}),
        })),
      );
      return { figures, tables: [], notes };
    } finally {
      await services.stop();
    }
  },
};

const titles = {
  batched: "accepted → in a batch, from the tick on",
  delivered: "batch ended → delivered, from the tick on",
};
const notes = [
  "Whoever is accepted, or whose batch ends, waits for the next tick, a minute at most; from there on it is counted here until its batch exists, and until the bus has its event. " +
    "All 10,000 wait when the tick comes, and all their batches have ended when the next one does: a lane of 1,000 a batch, tasks and answers of 2 KB, digests. " +
    "The functions and the emulators of `npm start` share the machine, so that the store's own pace, which `settle` shows, is in every figure.",
];

/** One tick of the batcher, and one of the poller. @returns the seconds each session waited in them, in order */
async function tickOf(services: BenchSystem, rooms: BenchRooms) {
  const task = prose(2_048, 1);
  let [submitAt, settleAt] = [0, 0];
  await quietly(async () => {
    const all = Array.from({ length: count }, () => ({ task: task() }));
    for (const tasks of chunksOf(all, bulkTasks)) {
      const answer = await rooms.call("/api/sessions/spawn/bulk", { method: "POST", body: JSON.stringify(tasks) });
      const { accepted }: { accepted: number } = JSON.parse(await answer.text());
      if (accepted !== tasks.length) throw new Error(`${accepted} accepted of ${tasks.length}`);
    }
    submitAt = Date.now();
    await rooms.batcher.handler({ lane: "default" }, undefined);
    settleAt = Date.now();
    await rooms.poller.handler(undefined, undefined);
  });
  const { created, told } = await services.enter("");
  return { batched: waitsFrom(submitAt, created), delivered: waitsFrom(settleAt, told) };
}

function waitsFrom(start: number, moments: Seen["told"]): number[] {
  const waits = moments
    .filter(({ at }) => at >= start)
    .flatMap(({ at, count: sessions }) => Array.from({ length: sessions }, () => (at - start) / 1000));
  if (waits.length !== count) throw new Error(`${waits.length} of ${count}`);
  return waits.sort((one, other) => one - other);
}
