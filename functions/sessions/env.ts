/** What the sessions function reads from its environment. */
export const environmentNames = [
  "OFFPEAK_TABLE",
  "OFFPEAK_BUCKET",
  "OFFPEAK_QUEUE_URLS",
  "OFFPEAK_CONFIG",
  "OFFPEAK_TICK_SECONDS",
  "OFFPEAK_EVENT_BUS",
  "OFFPEAK_METRIC_NAMESPACE",
] as const;
