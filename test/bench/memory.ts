import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { formatCustomId } from "../../functions/domain/ids.ts";
import { boundedMemory } from "../../infra/bounded-memory.ts";
import { atMost, type Bench } from "./measure.ts";
import type { MemoryResult, MemoryTask } from "./memory-child.ts";
import { startBenchModel } from "./model.ts";
import { manifestId, sessionIdOf } from "./synthetic.ts";
import { prose } from "./texts.ts";

const large = 100_000;
const small = 1_000;
const batchId = "msgbatch_bench";

/** Whether memory grows with the work: the store is made up as it is read, so that only ours is there. */
export const submitMemory: Bench = {
  name: "submit-memory",
  title: "100,000 sessions into one batch, in bounded memory",
  async run(runs) {
    const measured: MemoryResult[] = [];
    for (let index = 0; index < runs; index += 1) measured.push(await measure("submit", large));
    const all = (name: keyof MemoryResult) => measured.map((one) => one[name]);
    const figures = [
      { what: "peak RSS", unit: "MB", samples: all("megabytes"), target: atMost(512, " MB") },
      { what: "of that, before it began", unit: "MB", samples: all("megabytesBefore") },
      { what: "with a store that takes no time", unit: "s", samples: all("seconds") },
    ];
    return { figures, tables: [], notes };
  },
};

export const settleMemory: Bench = {
  name: "settle-memory",
  title: "100,000 results of one batch, in bounded memory",
  async run(runs) {
    const measured: { few: MemoryResult; many: MemoryResult }[] = [];
    for (let index = 0; index < runs; index += 1) {
      measured.push({ few: await measure("settle", small), many: await measure("settle", large) });
    }
    const ratios = measured.map(({ few, many }) => many.megabytes / few.megabytes);
    const figures = [
      { what: "peak RSS at 100,000 against 1,000", unit: "", samples: ratios, target: atMost(1.3) },
      { what: "peak RSS at 100,000", unit: "MB", samples: measured.map(({ many }) => many.megabytes) },
      { what: "peak RSS at 1,000", unit: "MB", samples: measured.map(({ few }) => few.megabytes) },
      {
        what: "100,000, with a store that takes no time",
        unit: "s",
        samples: measured.map(({ many }) => many.seconds),
      },
    ];
    return { figures, tables: [], notes };
  },
};

const notes = [
  "Requests and results are about 2.5 KB each, all of them different; the model is in another process. The options of Node and of its allocator are those of the deployed functions.",
];

/** The model is in this process, and what is measured in another. */
async function measure(mode: MemoryTask["mode"], count: number): Promise<MemoryResult> {
  const customIds = Array.from({ length: mode === "settle" ? count : 0 }, (_, place) =>
    formatCustomId({ sessionId: sessionIdOf(place + 1), turn: 1, manifestId }),
  );
  const model = await startBenchModel(prose(2_000, 4), mode === "settle" ? [{ id: batchId, customIds }] : []);
  try {
    return await measureApart({ mode, count, modelUrl: model.url, batchId });
  } finally {
    await model.close();
  }
}

async function measureApart(task: MemoryTask): Promise<MemoryResult> {
  const child = fork(fileURLToPath(new URL("memory-child.ts", import.meta.url)), [JSON.stringify(task)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    env: { ...process.env, ...boundedMemory },
  });
  const [result]: MemoryResult[] = await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => Promise.reject(new Error(`${task.mode} of ${task.count} ended without a result`))),
  ]);
  if (result === undefined) throw new Error("no result");
  return result;
}
