import { clockSkewSeconds, realtimeLeaseSeconds } from "../functions/domain/limits.ts";

/** Batcher and poller run this often: the shortest rate that EventBridge has. */
export const tickSeconds = 60;
/** After an unanswered create, how long Anthropic's list may lack the batch before a release is thought of. */
export const reconcileGraceSeconds = 600;
/** One create of up to 256 MB; with what comes before it, well inside the batcher's own time. */
export const createTimeoutSeconds = 300;
/** The first pause before a turn is tried again; it doubles from there. */
export const retrySeconds = 30;

/** Lambda's longest run. */
export const longestFunctionSeconds = 900;
/** The worker outlives the lease of its one call by a minute, in which it writes the outcome. */
export const realtimeFunctionSeconds = realtimeLeaseSeconds + 60;

/** Hidden for as long as the function that took it can run, and a clock's error: a crash then costs one visit, not hours. */
export const laneVisibilitySeconds = longestFunctionSeconds + clockSkewSeconds;
/**
 * AWS advises six times the function's timeout, for messages that pollers hold back while the function is throttled.
 * Here the event source is capped instead, and six times would hide a crashed worker's message for over an hour.
 */
export const realtimeVisibilitySeconds = realtimeFunctionSeconds + clockSkewSeconds;
