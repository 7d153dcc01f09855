import type { BusEvent, DueEvent, EventStore } from "./event-store.ts";

type DeliveryDeps = {
  store: EventStore;
  now: () => number;
  log: (line: string) => void;
  onEvents: (events: readonly BusEvent[]) => void | Promise<void>;
};

/** EventBridge's default retry policy: 185 attempts; the waits grow to a minute, the longest one who watches will put up with. */
const maxAttempts = 185;
const maxWaitMs = 60_000;
const pageSize = 10;

/**
 * Hands each waiting event to `onEvents` on its own, so that one which cannot be handled holds up no other. A failed one comes
 * again after 1 s, 2 s, 4 s and so on up to a minute.
 */
export function startDelivery(deps: DeliveryDeps) {
  let started = false;
  let stopped = false;
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const wake = (): void => {
    if (!started || stopped || running !== undefined) return;
    clearTimeout(timer);
    running = deliverDue(deps, () => stopped)
      .catch((error: unknown) => deps.log(`local EventBridge: delivery stopped: ${String(error)}`))
      .finally(() => {
        running = undefined;
        sleep();
      });
  };
  const sleep = (): void => {
    const next = stopped ? undefined : deps.store.nextDueAt();
    if (next === undefined) return;
    timer = setTimeout(wake, Math.max(next - deps.now(), 0));
  };
  return {
    wake,
    /** Events left by an earlier run go out from here on, not before the one who takes them is ready. */
    start: (): void => {
      started = true;
      wake();
    },
    async stop(): Promise<void> {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

async function deliverDue(deps: DeliveryDeps, stopped: () => boolean): Promise<void> {
  for (let due = deps.store.due(pageSize); due.length > 0 && !stopped(); due = deps.store.due(pageSize)) {
    for (const waiting of due) {
      if (stopped()) return;
      await deliverOne(waiting, deps);
    }
  }
}

async function deliverOne({ seq, attempts, event }: DueEvent, deps: DeliveryDeps): Promise<void> {
  try {
    await deps.onEvents([event]);
    deps.store.delivered(seq);
  } catch (error) {
    const givenUp = attempts + 1 >= maxAttempts;
    deps.log(`local EventBridge: event ${event.id} was not taken${givenUp ? ", given up" : ""}: ${String(error)}`);
    if (givenUp) deps.store.delivered(seq);
    else deps.store.tryAgainAt(seq, deps.now() + Math.min(1000 * 2 ** attempts, maxWaitMs));
  }
}
