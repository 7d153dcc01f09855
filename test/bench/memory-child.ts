import { membersPerPage } from "../../functions/domain/limits.ts";
import { peakMegabytes, seconds } from "./measure.ts";
import { manifestId, syntheticRooms } from "./synthetic.ts";

/** One measurement in a process of its own, whose peak is then that of nothing else. */
export interface MemoryTask {
  mode: "submit" | "settle";
  count: number;
  modelUrl: string;
  batchId: string;
}
export interface MemoryResult {
  megabytes: number;
  megabytesBefore: number;
  seconds: number;
}

const task: MemoryTask = JSON.parse(process.argv[2] ?? "");
const status = task.mode === "submit" ? "queued" : "submitted";
const rooms = await syntheticRooms(status, task.count, task.modelUrl);
if (task.mode === "settle") await writeManifest();
const megabytesBefore = peakMegabytes();
const taken = await seconds(() => (task.mode === "submit" ? rooms.batchLane("default") : rooms.poll()));
await checkDone();
const result: MemoryResult = { megabytes: peakMegabytes(), megabytesBefore, seconds: taken };
process.send?.(result);

async function writeManifest(): Promise<void> {
  const { manifests } = rooms.deps;
  const head = {
    manifestId,
    lane: "default",
    createdAt: Date.now(),
    bytes: 0,
    betas: [],
    readFailures: 0,
    credential: {},
  };
  const manifest = {
    ...head,
    state: "preparing" as const,
    count: task.count,
    pages: Math.ceil(task.count / membersPerPage),
  };
  await manifests.create(manifest);
  const submitting = await manifests.move("submit", manifest, { notAfter: Date.now() });
  if (submitting !== undefined) await manifests.accept(submitting, task.batchId, undefined);
}

async function checkDone(): Promise<void> {
  const heads = (await rooms.deps.manifests.open()).length;
  if (task.mode === "submit" && heads === 0) throw new Error("nothing was submitted");
  if (task.mode === "settle" && heads !== 0) throw new Error("it was not settled");
}
