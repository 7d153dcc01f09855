import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CronJob, dueBetween } from "../../functions/domain/config/index.ts";

/**
 * Runs `work` every so often, as on AWS: a run that fails is told and the next one comes all the same, and one that takes
 * long holds up no other, except that no more than `atOnce` are ever under way.
 */
export function repeat(
  { seconds, atOnce = 1 }: { seconds: number; atOnce?: number },
  work: () => Promise<void>,
  onFailure: (error: unknown) => void,
): { stop(): Promise<void> } {
  const running = new Set<Promise<void>>();
  const run = () => {
    if (running.size >= atOnce) return;
    const one = work()
      .catch(onFailure)
      .finally(() => running.delete(one));
    running.add(one);
  };
  run();
  const timer = setInterval(run, seconds * 1000);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(running);
    },
  };
}

/** How far back a start looks for minutes that passed while nobody was there. */
const catchUpMs = 24 * 3600 * 1000;

/**
 * Fires cron jobs as EventBridge would. The time up to which they were fired is kept on disk, so that a start catches up
 * with what was missed, each job once; firing a minute twice does no harm.
 */
export function cronClock(jobs: readonly CronJob[], home: string, fire: (job: CronJob, time: Date) => Promise<void>) {
  const file = join(home, "cron-fired-until");
  let firedUntil = readTime(file) ?? Date.now();
  return async (): Promise<void> => {
    const now = new Date();
    const after = new Date(Math.max(firedUntil, now.getTime() - catchUpMs));
    for (const job of jobs) {
      const latest = dueBetween(job.schedule, after, now).at(-1);
      if (latest !== undefined) await fire(job, latest);
    }
    firedUntil = now.getTime();
    writeFileSync(file, String(firedUntil));
  };
}

function readTime(file: string): number | undefined {
  try {
    const time = Number(readFileSync(file, "utf8"));
    return Number.isFinite(time) && time > 0 ? time : undefined;
  } catch {
    return undefined;
  }
}
