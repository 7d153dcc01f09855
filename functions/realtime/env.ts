/** What the real-time worker reads from its environment; `ANTHROPIC_BASE_URL` besides, where the API is somewhere else. */
export const environmentNames = [
  "OFFPEAK_TABLE",
  "OFFPEAK_BUCKET",
  "OFFPEAK_CONFIG",
  "OFFPEAK_TICK_SECONDS",
  "OFFPEAK_API_KEY_SECRET",
  "OFFPEAK_RETRY_SECONDS",
  "OFFPEAK_PARK_SECONDS",
  "OFFPEAK_EVENT_BUS",
  "OFFPEAK_METRIC_NAMESPACE",
] as const;
