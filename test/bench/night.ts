import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { atMost, type Bench, type BenchTable, type Section, short } from "./measure.ts";
import type { NightProgress, NightResult, NightTask } from "./night-child.ts";

const few = 10_000;
const some = 100_000;
const many = 1_000_000;

/** Whether a session costs the more, the more there were before it. */
export const night: Bench = {
  name: "night",
  title:
    "a night of a million sessions, with all services in memory: bulk spawn → batcher → model → poller → delivered",
  run,
};

/** Whether it takes up the more: the same with services that keep everything. */
export const nightMemory: Bench = {
  name: "night-memory",
  title: "the same night, with services that keep everything",
  run: runKept,
};

/** The small nights run beside the long one, at times spread over it, so that whatever else the machine does meets both. */
async function run(runs: number): Promise<Section> {
  const middle = await nightOf({ sessions: some, keeps: false });
  const beside: Night[] = [];
  const dueBy = (tenth: number) => Math.ceil((tenth * Math.min(runs, 10)) / 10);
  const tenths: number[] = [];
  let last = Promise.resolve();
  const long = await nightOf({ sessions: many, keeps: false }, ({ cpuPerSession }) => {
    tenths.push(cpuPerSession);
    if (dueBy(tenths.length) === dueBy(tenths.length - 1)) return;
    last = last.then(async () => void beside.push(await nightOf({ sessions: few, keeps: false })));
  });
  await last;
  const ratios = beside.map(({ cpuPerSession }) => long.cpuPerSession / cpuPerSession);
  return {
    figures: [
      {
        what: "processor time a session, at 1,000,000 against 10,000",
        unit: "",
        samples: ratios,
        target: atMost(1.1),
      },
      {
        what: "processor time a session in the ninth tenth of the million, against the second",
        unit: "",
        samples: [(tenths[8] ?? 0) / (tenths[1] ?? 0)],
      },
    ],
    tables: [tableOf([...beside.slice(0, 1), middle, long])],
    notes: [
      ...notes,
      "Who was checked is forgotten by the table, as are the bill and result files by the model but for the last 200, which are most of what is left.",
    ],
  };
}

/** Each night in a process of its own, one after the other. */
async function runKept(): Promise<Section> {
  const [small, large] = [
    await nightOf({ sessions: few, keeps: true }),
    await nightOf({ sessions: many, keeps: true }),
  ];
  return {
    figures: [
      {
        what: "memory a session, at 1,000,000 against 10,000",
        unit: "",
        samples: [keptBytes(large) / keptBytes(small)],
        target: atMost(1.1),
      },
    ],
    tables: [tableOf([small, large])],
    notes,
  };
}

function tableOf(nights: readonly Night[]): BenchTable {
  return {
    title: "Each night in a process of its own",
    head: ["sessions", "µs a session", "peak RSS, MB", "left after it, MB", "bytes a session", "minutes"],
    rows: nights.map((one) => [
      one.sessions.toLocaleString("en"),
      short(one.cpuPerSession),
      short(one.peakMegabytes),
      short(one.keptMegabytes),
      short(keptBytes(one)),
      short(one.wallSeconds / 60),
    ]),
  };
}

const notes = [
  "2,084 sessions are accepted a tick, a million in eight hours; batches take 5 to 15 minutes. Tasks are of 100 bytes, so that the time is that of our own steps, " +
    "and the model's, and not of compression. Time is that of all threads of the process, after a night of 10,000 that warms it up.",
  "Of each session it is checked that it is done, delivered, told of once and billed once, with one request and one result, and noted as delivered; at the end, that no message, " +
    "open manifest or mark is left and that the books have every result.",
];

const keptBytes = ({ keptMegabytes, sessions }: Night) => (keptMegabytes * 2 ** 20) / sessions;

type Night = NightResult & NightTask;

function nightOf(task: NightTask, onTenth: (progress: NightProgress) => void = () => {}): Promise<Night> {
  const child = fork(fileURLToPath(new URL("night-child.ts", import.meta.url)), [JSON.stringify(task)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    // A million that are kept are 6 GB.
    execArgv: ["--expose-gc", "--max-old-space-size=16000"],
  });
  return new Promise((resolve, reject) => {
    child.on("message", (told: NightProgress | NightResult) =>
      "tenth" in told ? onTenth(told) : resolve({ ...task, ...told }),
    );
    child.once("exit", () => reject(new Error(`the night of ${task.sessions} ended without a result`)));
  });
}
