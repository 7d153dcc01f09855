import { maxRetrySeconds } from "./limits.ts";

/**
 * When to try again after `attempt` attempts: `retrySeconds` × 2^(attempt−1), at most an hour, with full jitter, so that
 * what failed together does not come back together.
 * @param random from 0 to 1
 */
export function retryDelayMs(attempt: number, retrySeconds: number, random: () => number): number {
  const longest = Math.min(maxRetrySeconds, retrySeconds * 2 ** Math.min(attempt - 1, 20));
  return Math.ceil(random() * longest * 1000);
}
