import type { Anthropic } from "../../functions/clients/anthropic.ts";
import { type Credential, credentialOf } from "../../functions/clients/anthropic-by-lane.ts";
import type { Secrets } from "../../functions/clients/secrets-manager.ts";
import { type Around, withEffects } from "./effects.ts";
import { type MemoryAnthropic, memoryAnthropic } from "./memory-anthropic.ts";
import { type MemoryQueues, memoryQueues } from "./memory-queues.ts";
import {
  type MemoryEvents,
  type MemoryObjects,
  memoryEvents,
  memoryObjects,
  memorySecrets,
} from "./memory-services.ts";
import { type MemoryTable, memoryTable } from "./memory-table.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** Every way out of the rooms: what survives a crash is behind these. */
export interface Ports {
  table: MemoryTable;
  queues: MemoryQueues;
  objects: MemoryObjects;
  events: MemoryEvents;
  secrets: Secrets;
  anthropicFor(credential: Credential): Anthropic;
}

export interface Services extends Ports {
  api: MemoryAnthropic;
}

export interface ServicesOptions {
  clock: VirtualClock;
  lanes: readonly string[];
  indexLagMs?: () => number;
  isRefused?: Parameters<typeof memoryEvents>[0];
  batchSeconds?: { min: number; max: number };
  /** From API key to workspace. */
  keys?: ReadonlyMap<string, string>;
  /** What stands in the table's place, around it. */
  tableBeside?: (memory: MemoryTable) => MemoryTable;
  /** By name; the deployment's own are there already. */
  secrets?: Record<string, string>;
}

export const apiKeySecret = "offpeak/anthropic-api-key";
export const tokenSecret = "offpeak/api-token";
export const token = "the-token-of-the-tests";

/** All services in memory, on one clock. */
export function memoryServices(options: ServicesOptions): Services {
  const { clock, lanes, indexLagMs, isRefused, batchSeconds, keys, tableBeside = (memory) => memory } = options;
  const secrets = memorySecrets({ [apiKeySecret]: "sk-test", [tokenSecret]: token, ...options.secrets });
  const api = memoryAnthropic({
    clock,
    secrets,
    ...(batchSeconds === undefined ? {} : { batchSeconds }),
    ...(keys === undefined ? {} : { keys }),
  });
  const clients = new Map<string, Anthropic>();
  return {
    table: tableBeside(memoryTable({ clock, ...(indexLagMs === undefined ? {} : { indexLagMs }) })),
    queues: memoryQueues({ clock, names: [...lanes, "realtime"] }),
    objects: memoryObjects(),
    events: memoryEvents(isRefused),
    secrets,
    api,
    anthropicFor(credential) {
      const name = credentialOf(credential);
      const made = clients.get(name) ?? api.client(credential.apiKeySecret ?? apiKeySecret, credential.workspaceId);
      clients.set(name, made);
      return made;
    },
  };
}

/** The same services as one process sees them, every call out an effect. */
export function portsOf(services: Ports, around: Around): Ports {
  const { table, queues, objects, events, secrets, anthropicFor } = services;
  return {
    table: withEffects("table", table, around),
    queues: withEffects("queues", queues, around),
    objects: withEffects("objects", objects, around),
    events: withEffects("events", events, around),
    secrets: withEffects("secrets", secrets, around),
    anthropicFor: (credential) => withEffects("anthropic", anthropicFor(credential), around),
  };
}
