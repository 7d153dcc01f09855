import * as v from "valibot";

const tokens = v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(0)));

const schema = v.pipe(
  v.object({
    input_tokens: tokens,
    output_tokens: tokens,
    cache_read_input_tokens: tokens,
    cache_creation_input_tokens: tokens,
    cache_creation: v.nullish(v.object({ ephemeral_5m_input_tokens: tokens, ephemeral_1h_input_tokens: tokens })),
  }),
  // Some figures may be null, but where both of the main ones are, nothing was counted at all.
  v.check((usage) => usage.input_tokens != null || usage.output_tokens != null),
);

/** Tokens by kind. `input` is uncached input only; `cacheWrite` is the sum of the two TTLs. */
export interface Usage {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
}

export const noUsage: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, cacheWrite5m: 0, cacheWrite1h: 0 };

/**
 * Anthropic's `usage` in our words. Any field of it may be null, which is 0. Writes without a split by TTL are taken
 * as 5 min, the API's default. `undefined` when there is no whole number to read: the cost is then missing, not 0.
 */
export function parseUsage(input: unknown): Usage | undefined {
  const parsed = v.safeParse(schema, input);
  if (!parsed.success) return undefined;
  const usage = parsed.output;
  const cacheWrite1h = usage.cache_creation?.ephemeral_1h_input_tokens ?? 0;
  const cacheWrite = Math.max(
    usage.cache_creation_input_tokens ?? 0,
    cacheWrite1h + (usage.cache_creation?.ephemeral_5m_input_tokens ?? 0),
  );
  return {
    input: usage.input_tokens ?? 0,
    output: usage.output_tokens ?? 0,
    cacheRead: usage.cache_read_input_tokens ?? 0,
    cacheWrite,
    cacheWrite5m: cacheWrite - cacheWrite1h,
    cacheWrite1h,
  };
}
