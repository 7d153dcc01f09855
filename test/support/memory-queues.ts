import { type Queues, type Received, UnknownQueueError } from "../../functions/clients/sqs.ts";

/** SQS: entries a call. */
const maxEntries = 10;
const maxMessageBytes = 1024 * 1024;

export interface MemoryQueuesOptions {
  clock: { now(): number };
  /** Every other name is a queue that this configuration does not know. Without it, every name is a queue. */
  names?: readonly string[];
  /** How long a message that was received is hidden from others; as deployed (a function's longest run, and a minute). */
  visibilitySeconds?: number;
  /** After this long a message is gone, whether anybody had it or not; as deployed (SQS's default, four days). */
  retentionSeconds?: number;
  /** A message received so often is set aside instead of once more; as deployed. */
  maxReceiveCount?: number;
  /** Whether this message is there twice: at least once is not at most once. */
  isDoubled?: () => boolean;
  /** Which of so many visible messages comes next, from 0; the oldest unless given. */
  pick?: (count: number) => number;
}

export interface MemoryQueues extends Queues {
  /** Puts any text in, as nobody of ours would. */
  put(queue: string, body: string): void;
  /** The bodies that are there, hidden ones too. */
  bodies(queue: string): string[];
  /** The bodies that were received too often. */
  deadLetters(queue: string): string[];
}

interface Message {
  id: number;
  body: string;
  goneAt: number;
  visibleAt: number;
  receives: number;
  handle: string | undefined;
}

/** Standard queues in memory: at least once, hidden while somebody holds a message, set aside after too many receives. */
export function memoryQueues(options: MemoryQueuesOptions): MemoryQueues {
  const { clock, names, visibilitySeconds = 960, retentionSeconds = 345_600, maxReceiveCount = 5 } = options;
  const { isDoubled = () => false, pick = () => 0 } = options;
  const queues = new Map<string, Message[]>();
  const dead = new Map<string, string[]>();
  let count = 0;
  const next = () => {
    count += 1;
    return count;
  };
  const messagesOf = (queue: string): Message[] => {
    if (names !== undefined && !names.includes(queue)) throw new UnknownQueueError(queue);
    const messages = (queues.get(queue) ?? []).filter(({ goneAt }) => goneAt > clock.now());
    queues.set(queue, messages);
    return messages;
  };
  const add = (queue: string, body: string) => {
    checkBody(body);
    const goneAt = clock.now() + retentionSeconds * 1000;
    messagesOf(queue).push({ id: next(), body, goneAt, visibleAt: clock.now(), receives: 0, handle: undefined });
  };
  const take = (queue: string, message: Message): Received[] => {
    if (message.receives >= maxReceiveCount) {
      drop(messagesOf(queue), message);
      dead.set(queue, [...(dead.get(queue) ?? []), message.body]);
      return [];
    }
    message.receives += 1;
    message.visibleAt = clock.now() + visibilitySeconds * 1000;
    message.handle = `${message.id}/${next()}`;
    return [{ body: message.body, handle: message.handle, receives: message.receives }];
  };
  return {
    async send(queue, messages) {
      checkEntries(messages);
      messagesOf(queue);
      for (const message of messages) {
        const body = JSON.stringify(message);
        add(queue, body);
        if (isDoubled()) add(queue, body);
      }
    },
    async receive(queue, most = maxEntries) {
      const visible = messagesOf(queue).filter(({ visibleAt }) => visibleAt <= clock.now());
      const taken = Array.from({ length: Math.min(most, maxEntries, visible.length) }, () =>
        visible.splice(pick(visible.length), 1),
      ).flat();
      return taken.flatMap((message) => take(queue, message));
    },
    async remove(queue, handles) {
      checkEntries(handles);
      const messages = messagesOf(queue);
      // A handle is good for the last receipt of its message; an older one is taken, and changes nothing.
      for (const message of messages.filter(({ handle }) => handle !== undefined && handles.includes(handle)))
        drop(messages, message);
    },
    put: add,
    bodies: (queue) => messagesOf(queue).map(({ body }) => body),
    deadLetters: (queue) => dead.get(queue) ?? [],
  };
}

function drop(messages: Message[], message: Message): void {
  messages.splice(messages.indexOf(message), 1);
}

function checkEntries(entries: readonly unknown[]): void {
  if (entries.length === 0) throw new Error("EmptyBatchRequest");
  if (entries.length > maxEntries) throw new Error("TooManyEntriesInBatchRequest");
}

function checkBody(body: string): void {
  if (body === "" || Buffer.byteLength(body) > maxMessageBytes) throw new Error("InvalidMessageContents");
}
