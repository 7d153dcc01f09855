import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CronJob, dueBetween } from "../../functions/domain/config/index.ts";

/**
 * Runs `work` every so often, one at a time; a run that takes longer than the pause delays the next. A run that fails is
 * told, and the next one comes all the same, as on AWS.
 */
export function repeat(
  seconds: number,
  work: () => Promise<void>,
  onFailure: (error: unknown) => void,
): { stop(): Promise<void> } {
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  const run = () => {
    running = work()
      .catch(onFailure)
      .finally(() => {
        if (!isStopped) timer = setTimeout(run, seconds * 1000);
      });
  };
  run();
  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
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
