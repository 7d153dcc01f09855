import { bulkDefaults, laneDefaults } from "./limits.ts";
import type { RawLane } from "./schema.ts";
import type { Lane } from "./types.ts";

/** The lanes that are written, and `default` and `bulk`, which exist in any case. */
export function resolveLanes(raw: readonly RawLane[]): Lane[] {
  const missing = ["default", "bulk"].filter((id) => !raw.some((lane) => lane.id === id));
  return [...raw, ...missing.map((id) => ({ id }))].map(resolveLane);
}

function resolveLane(raw: RawLane): Lane {
  const defaults = raw.id === "bulk" ? bulkDefaults : laneDefaults;
  const { hours, deadlineSeconds, workspaceId, apiKeySecret } = raw;
  return {
    id: raw.id,
    priority: raw.priority ?? defaults.priority,
    ...(hours === undefined ? {} : { hours }),
    tz: raw.tz ?? defaults.tz,
    maxInFlightRequests: raw.maxInFlightRequests ?? defaults.maxInFlightRequests,
    maxBatchRequests: raw.maxBatchRequests ?? defaults.maxBatchRequests,
    maxBatchBytes: raw.maxBatchBytes ?? defaults.maxBatchBytes,
    flushEverySeconds: raw.flushEverySeconds ?? defaults.flushEverySeconds,
    ...(deadlineSeconds === undefined ? {} : { deadlineSeconds }),
    onDeadline: raw.onDeadline ?? defaults.onDeadline,
    onBatchUnavailable: raw.onBatchUnavailable ?? defaults.onBatchUnavailable,
    ...(workspaceId === undefined ? {} : { workspaceId }),
    ...(apiKeySecret === undefined ? {} : { apiKeySecret }),
    maxAttempts: raw.maxAttempts ?? defaults.maxAttempts,
  };
}
