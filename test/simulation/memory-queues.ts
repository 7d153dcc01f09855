import type { Queues } from "../../functions/clients/sqs.ts";

export type MemoryQueues = Queues & { depth(queue: string): number; deadLetters(queue: string): number };

interface Message {
  body: string;
  visibleAt: number;
  receives: number;
  handle: string;
}

/** A standard queue: at least once, in no order, hidden while somebody holds it, set aside after too many times. */
export function memoryQueues(options: {
  clock: { now(): number };
  visibilitySeconds: number;
  maxReceiveCount: number;
  /** Whether this message is there twice: at least once is not at most once. */
  isDoubled: () => boolean;
}): MemoryQueues {
  const { clock, visibilitySeconds, maxReceiveCount, isDoubled } = options;
  const queues = new Map<string, Message[]>();
  const dead = new Map<string, number>();
  let handles = 0;
  const of = (queue: string): Message[] => {
    const messages = queues.get(queue) ?? [];
    queues.set(queue, messages);
    return messages;
  };
  return {
    async send(queue, messages) {
      for (const message of messages) {
        const copies = isDoubled() ? 2 : 1;
        for (let copy = 0; copy < copies; copy += 1) {
          of(queue).push({ body: JSON.stringify(message), visibleAt: 0, receives: 0, handle: "" });
        }
      }
    },
    async receive(queue) {
      const taken = of(queue)
        .filter(({ visibleAt }) => visibleAt <= clock.now())
        .slice(0, 10);
      const spent = taken.filter(({ receives }) => receives >= maxReceiveCount);
      if (spent.length > 0) {
        dead.set(queue, (dead.get(queue) ?? 0) + spent.length);
        queues.set(
          queue,
          of(queue).filter((message) => !spent.includes(message)),
        );
      }
      return taken
        .filter((message) => !spent.includes(message))
        .map((message) => {
          handles += 1;
          Object.assign(message, {
            visibleAt: clock.now() + visibilitySeconds * 1000,
            receives: message.receives + 1,
            handle: `handle-${handles}`,
          });
          return { body: message.body, handle: message.handle, receives: message.receives };
        });
    },
    async remove(queue, removed) {
      queues.set(
        queue,
        of(queue).filter(({ handle }) => handle === "" || !removed.includes(handle)),
      );
    },
    depth: (queue) => of(queue).length,
    deadLetters: (queue) => dead.get(queue) ?? 0,
  };
}
