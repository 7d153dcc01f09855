import { type Queues, type Received, UnknownQueueError } from "../../functions/clients/sqs.ts";
import { type SortedList, sortedList } from "./sorted-list.ts";

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

/** Each message is in `all`, the oldest first, and either visible or hidden, those first that come again first. */
interface Queue {
  all: Map<number, Message>;
  visible: SortedList<Message>;
  hidden: Set<Message>;
  byHandle: Map<string, Message>;
  dead: string[];
}

const newQueue = (): Queue => ({
  all: new Map(),
  visible: sortedList((one, other) => one.id - other.id),
  hidden: new Set(),
  byHandle: new Map(),
  dead: [],
});

/** Standard queues in memory: at least once, hidden while somebody holds a message, set aside after too many receives. */
export function memoryQueues(options: MemoryQueuesOptions): MemoryQueues {
  const { clock, names, visibilitySeconds = 960, retentionSeconds = 345_600, maxReceiveCount = 5 } = options;
  const { isDoubled = () => false, pick = () => 0 } = options;
  const queues = new Map<string, Queue>();
  let count = 0;
  const next = () => {
    count += 1;
    return count;
  };
  const queueOf = (name: string): Queue => {
    if (names !== undefined && !names.includes(name)) throw new UnknownQueueError(name);
    const queue = queues.get(name) ?? newQueue();
    queues.set(name, queue);
    for (const message of queue.all.values()) {
      if (message.goneAt > clock.now()) break;
      drop(queue, message);
    }
    for (const message of queue.hidden) {
      if (message.visibleAt > clock.now()) break;
      queue.hidden.delete(message);
      queue.visible.add(message);
    }
    return queue;
  };
  const add = (name: string, body: string) => {
    checkBody(body);
    const goneAt = clock.now() + retentionSeconds * 1000;
    const message = { id: next(), body, goneAt, visibleAt: clock.now(), receives: 0, handle: undefined };
    const queue = queueOf(name);
    queue.all.set(message.id, message);
    queue.visible.add(message);
  };
  const take = (queue: Queue, message: Message): Received[] => {
    if (message.receives >= maxReceiveCount) {
      drop(queue, message);
      queue.dead.push(message.body);
      return [];
    }
    if (message.handle !== undefined) queue.byHandle.delete(message.handle);
    const handle = `${message.id}/${next()}`;
    message.receives += 1;
    message.visibleAt = clock.now() + visibilitySeconds * 1000;
    message.handle = handle;
    queue.hidden.add(message);
    queue.byHandle.set(handle, message);
    return [{ body: message.body, handle, receives: message.receives }];
  };
  const pickFrom = ({ visible }: Queue): Message[] => {
    const message = visible.at(pick(visible.size));
    if (message !== undefined) visible.remove(message);
    return message === undefined ? [] : [message];
  };
  return {
    async send(name, messages) {
      checkEntries(messages);
      queueOf(name);
      for (const message of messages) {
        const body = JSON.stringify(message);
        add(name, body);
        if (isDoubled()) add(name, body);
      }
    },
    async receive(name, most = maxEntries) {
      const queue = queueOf(name);
      const length = Math.min(most, maxEntries, queue.visible.size);
      const taken = Array.from({ length }, () => pickFrom(queue)).flat();
      return taken.flatMap((message) => take(queue, message));
    },
    async remove(name, handles) {
      checkEntries(handles);
      const queue = queueOf(name);
      // A handle is good for the last receipt of its message; an older one is taken, and changes nothing.
      for (const handle of handles) {
        const message = queue.byHandle.get(handle);
        if (message !== undefined) drop(queue, message);
      }
    },
    put: add,
    bodies: (name) => [...queueOf(name).all.values()].map(({ body }) => body),
    deadLetters: (name) => [...(queues.get(name)?.dead ?? [])],
  };
}

function drop({ all, visible, hidden, byHandle }: Queue, message: Message): void {
  all.delete(message.id);
  visible.remove(message);
  hidden.delete(message);
  if (message.handle !== undefined) byHandle.delete(message.handle);
}

function checkEntries(entries: readonly unknown[]): void {
  if (entries.length === 0) throw new Error("EmptyBatchRequest");
  if (entries.length > maxEntries) throw new Error("TooManyEntriesInBatchRequest");
}

function checkBody(body: string): void {
  if (body === "" || Buffer.byteLength(body) > maxMessageBytes) throw new Error("InvalidMessageContents");
}
