import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { atMost, type Bench, type Section, short } from "./measure.ts";
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

/** The small nights run beside the long one, at times spread over it, so that whatever else the machine does meets both. */
async function run(runs: number): Promise<Section> {
  const keptOfFew = await nightOf({ sessions: few, keeps: true });
  const keptOfSome = await nightOf({ sessions: some, keeps: true });
  const middle = await nightOf({ sessions: some, keeps: false });
  const beside: NightResult[] = [];
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
  const row = (sessions: number, keeps: boolean, result: NightResult) => [
    sessions.toLocaleString("en"),
    keeps ? "all" : "who is not delivered",
    short(result.cpuPerSession),
    short(result.peakMegabytes),
    short(result.keptMegabytes),
    short(keptBytes(result, sessions)),
    short(result.wallSeconds / 60),
  ];
  return {
    figures: [
      {
        what: "processor time a session, at 1,000,000 against 10,000",
        unit: "",
        samples: ratios,
        target: atMost(1.1),
      },
      {
        what: "memory a session where all is kept, at 100,000 against 10,000",
        unit: "",
        samples: [keptBytes(keptOfSome, some) / keptBytes(keptOfFew, few)],
        target: atMost(1.1),
      },
      {
        what: "processor time a session in the ninth tenth of the million, against the second",
        unit: "",
        samples: [(tenths[8] ?? 0) / (tenths[1] ?? 0)],
      },
    ],
    tables: [
      {
        title: "Each night in a process of its own",
        head: ["sessions", "kept", "µs a session", "peak RSS, MB", "left after it, MB", "bytes a session", "minutes"],
        rows: [
          row(few, true, keptOfFew),
          row(some, true, keptOfSome),
          ...beside.slice(0, 1).map((result) => row(few, false, result)),
          row(some, false, middle),
          row(many, false, long),
        ],
      },
    ],
    notes,
  };
}

const notes = [
  "2,084 sessions are accepted a tick, a million in eight hours; batches take 5 to 15 minutes. Tasks are of 100 bytes, so that the time is that of our own steps, " +
    "and the model's, and not of compression. Time is that of all threads of the process, after a night of 10,000 that warms it up.",
  "Of each session it is checked that it is done, delivered, told of once and billed once, with one request and one result, and noted as delivered; at the end, that no message, " +
    "open manifest or mark is left and that the books have every result. A million in memory would be gigabytes, so who was checked is forgotten by the table, as are the bill " +
    "and result files by the model but for the last 200, which are most of what is left. Where all is kept, it is for 100,000.",
];

const keptBytes = ({ keptMegabytes }: NightResult, sessions: number) => (keptMegabytes * 2 ** 20) / sessions;

function nightOf(task: NightTask, onTenth: (progress: NightProgress) => void = () => {}): Promise<NightResult> {
  const child = fork(fileURLToPath(new URL("night-child.ts", import.meta.url)), [JSON.stringify(task)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    execArgv: ["--expose-gc"],
  });
  return new Promise((resolve, reject) => {
    child.on("message", (told: NightProgress | NightResult) => ("tenth" in told ? onTenth(told) : resolve(told)));
    child.once("exit", () => reject(new Error(`the night of ${task.sessions} ended without a result`)));
  });
}
