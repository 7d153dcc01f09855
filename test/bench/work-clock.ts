import { night, type VirtualClock } from "../support/virtual-clock.ts";

export interface WorkClock extends VirtualClock {
  /** What is computed until the answer is called takes no time. */
  pause(): () => void;
  /** What this computes takes no time. */
  free<T>(compute: () => T): T;
  /** As if this much had been computed. */
  spend(milliseconds: number): void;
  /** Goes on until the work is done, past every wait at once. */
  run(work: () => Promise<void>): Promise<void>;
}

/**
 * Time that passes by what this thread computes and by what it waits for, and by nothing else that the machine does: a wait is
 * over at once if nothing is left to compute until then.
 */
export function workClock(): WorkClock {
  const waiting: { until: number; go: () => void }[] = [];
  const computed = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  const from = computed();
  let skipped = 0;
  let pausedAt: number | undefined;
  const now = () => night + (pausedAt ?? computed()) - from + skipped;
  const pause = () => {
    const before = computed();
    pausedAt = before;
    return () => {
      pausedAt = undefined;
      skipped -= computed() - before;
    };
  };
  const goOn = () => {
    waiting.sort((one, other) => one.until - other.until);
    const next = waiting.shift();
    if (next === undefined) return;
    skipped += Math.max(0, next.until - now());
    next.go();
  };
  return {
    // A record of the product has whole milliseconds.
    now: () => Math.floor(now()),
    sleep: (milliseconds) => new Promise((go) => waiting.push({ until: now() + milliseconds, go: () => go() })),
    pass: (seconds) => {
      skipped += seconds * 1000;
    },
    pause,
    free(compute) {
      const goOn = pause();
      try {
        return compute();
      } finally {
        goOn();
      }
    },
    spend: (milliseconds) => {
      skipped += milliseconds;
    },
    async run(work) {
      let isDone = false;
      const done = work().finally(() => {
        isDone = true;
      });
      while (!isDone) {
        await new Promise(setImmediate);
        goOn();
      }
      await done;
    },
  };
}
