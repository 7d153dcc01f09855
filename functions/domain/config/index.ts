export { agentDefaults } from "./agents.ts";
export { identityAudience, noKey } from "./federation.ts";
export { builtInLanes } from "./lanes.ts";
export { type ParsedConfig, parseConfig } from "./parse-config.ts";
export { cronToEventBridge, dueBetween, everyToEventBridge, parseEvery, scheduledMinute } from "./schedule.ts";
export type {
  Agent,
  Budget,
  CacheRetention,
  CacheSetting,
  Config,
  CronJob,
  Federation,
  Hours,
  Lane,
  Schedule,
  SystemBlock,
} from "./types.ts";
