import type { Events, OutgoingEvent } from "../../functions/clients/eventbridge.ts";
import type { Objects } from "../../functions/clients/s3.ts";
import type { Secrets } from "../../functions/clients/secrets-manager.ts";

export type MemoryObjects = Objects & { keys(): string[]; remove(key: string): void };

/** A bucket in memory, with copies in and out. */
export function memoryObjects(): MemoryObjects {
  const objects = new Map<string, Uint8Array>();
  return {
    async put(key, bytes) {
      objects.set(key, new Uint8Array(bytes));
    },
    async get(key) {
      const bytes = objects.get(key);
      return bytes === undefined ? undefined : new Uint8Array(bytes);
    },
    keys: () => [...objects.keys()],
    remove: (key) => void objects.delete(key),
  };
}

/** EventBridge: entries a call, and bytes of all of them. */
const maxEntries = 10;
const maxBytes = 1_000_000;

export interface MemoryEvents extends Events {
  /** What the bus took, in order. */
  taken: OutgoingEvent[];
}

/** A bus in memory, which reads entry by entry: `isRefused` says which of them it does not take. */
export function memoryEvents(isRefused: (event: OutgoingEvent) => boolean = () => false): MemoryEvents {
  const taken: OutgoingEvent[] = [];
  return {
    taken,
    async put(events) {
      if (events.length === 0 || events.length > maxEntries) throw new Error(`ValidationException: ${events.length}`);
      const bytes = events.reduce((sum, { detail }) => sum + Buffer.byteLength(detail), 0);
      if (bytes > maxBytes) throw new Error(`ValidationException: ${bytes} bytes`);
      return events.map((event) => {
        const isTaken = isObject(event.detail) && !isRefused(event);
        if (isTaken) taken.push(event);
        return isTaken;
      });
    },
  };
}

function isObject(text: string): boolean {
  try {
    const detail: unknown = JSON.parse(text);
    return typeof detail === "object" && detail !== null && !Array.isArray(detail);
  } catch {
    return false;
  }
}

/** Secrets in memory, asked at every read. */
export function memorySecrets(values: Record<string, string>): Secrets {
  return {
    async get(secretId) {
      const value = values[secretId];
      if (value === undefined || value === "") throw new Error(`secret ${secretId} has no value`);
      return value;
    },
    forget: () => {},
  };
}
