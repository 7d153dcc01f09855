import { routesOf } from "../domain/routes.ts";

/** What the spawn function reads from its environment. */
export const environmentNames = [
  "OFFPEAK_TABLE",
  "OFFPEAK_BUCKET",
  "OFFPEAK_QUEUE_URLS",
  "OFFPEAK_CONFIG",
  "OFFPEAK_TICK_SECONDS",
] as const;

/** The paths of its own that this function answers; all others are those of sessions. */
export const spawnPaths: readonly string[] = [...routesOf("spawn").keys()];
