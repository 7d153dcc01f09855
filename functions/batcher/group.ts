import { anthropicBatchBytes, anthropicBatchRequests } from "../domain/limits.ts";
import type { Candidate } from "./candidates.ts";

export interface GroupLimits {
  maxBatchRequests: number;
  maxBatchBytes: number;
}

/**
 * What may share a batch: the same beta headers, since headers are a batch's and not a request's, within the lane's
 * limits. Sessions of one agent stay together, for the sake of their cache.
 */
export function formGroups(candidates: readonly Candidate[], limits: GroupLimits): Candidate[][] {
  const byBetas = Map.groupBy(candidates, ({ betas }) => [...betas].sort().join(","));
  return [...byBetas.values()].flatMap((group) => cut(group.toSorted(byAgent), limits));
}

function byAgent(one: Candidate, other: Candidate): number {
  return one.session.agentId.localeCompare(other.session.agentId) || one.session.createdAt - other.session.createdAt;
}

/** A request larger than the limit goes alone; what becomes of it then is the API's decision. */
function cut(candidates: readonly Candidate[], limits: GroupLimits): Candidate[][] {
  const maxRequests = Math.min(limits.maxBatchRequests, anthropicBatchRequests);
  const maxBytes = Math.min(limits.maxBatchBytes, anthropicBatchBytes);
  const groups: Candidate[][] = [];
  let group: Candidate[] = [];
  let bytes = 0;
  for (const candidate of candidates) {
    const isFull = group.length >= maxRequests || (group.length > 0 && bytes + candidate.bytes > maxBytes);
    if (isFull) {
      groups.push(group);
      group = [];
      bytes = 0;
    }
    group.push(candidate);
    bytes += candidate.bytes;
  }
  return group.length === 0 ? groups : [...groups, group];
}
