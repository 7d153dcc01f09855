/** Bounds of what may stand in `offpeak.json`, the unit in the name and the source beside it. */

/** Anthropic: 300,000 output tokens with the batch-only beta `output-300k-2026-03-24`; models allow less without it. */
export const maxOutputTokens = 300_000;
export const maxNameCharacters = 128;
export const maxMessageBytes = 256 * 1024;
export const maxAgents = 1_000;
/** CloudFormation takes 500 resources a stack; a job needs two of them, a lane about six. */
export const maxCronJobs = 150;
export const maxLanes = 20;

/** EventBridge: nothing more often than once a minute. */
export const minEverySeconds = 60;
export const maxEverySeconds = 366 * 24 * 3600;
/** What `dueBetween` returns at most, so that a scheduler that was away for months is not lost in minutes long gone. */
export const maxDueAtOnce = 1_000;

/** Anthropic's highest published tier queues 500,000 requests; custom contracts have more. */
export const maxInFlightRequests = 10_000_000;
export const maxFlushSeconds = 24 * 3600;
export const maxLaneAttempts = 10;
export const maxLanePriority = 1_000;

/** AWS: what an event source of a queue takes as its `MaximumConcurrency`. */
export const minRealtimeConcurrency = 2;
export const maxRealtimeConcurrency = 1_000;

/** Ten times the dearest price that was ever published; a larger one is a slip of its unit. */
export const maxUsdPerMTok = 10_000;
export const maxPricedModels = 200;
export const maxWebSearchUsd = 10;

/** A budget below a millionth of a dollar has room for nothing; one above a million is a slip. */
export const minBudgetUsd = 0.000_001;
export const maxBudgetUsd = 1_000_000;
