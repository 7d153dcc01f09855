import * as v from "valibot";

const count = v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(0)));

const schema = v.pipe(
  v.object({
    input_tokens: count,
    output_tokens: count,
    cache_read_input_tokens: count,
    cache_creation_input_tokens: count,
    cache_creation: v.nullish(v.object({ ephemeral_5m_input_tokens: count, ephemeral_1h_input_tokens: count })),
    server_tool_use: v.nullish(v.object({ web_search_requests: count })),
  }),
  // Some figures may be null, but where both of the main ones are, nothing was counted at all.
  v.check((usage) => usage.input_tokens != null || usage.output_tokens != null),
);

/** How it is kept. Results of before searches were counted are without them. */
export const usageSchema = v.object({
  input: v.number(),
  output: v.number(),
  cacheRead: v.number(),
  cacheWrite: v.number(),
  cacheWrite5m: v.number(),
  cacheWrite1h: v.number(),
  webSearches: v.optional(v.number(), 0),
});
/** Tokens by kind, and what else is counted. `input` is uncached input only; `cacheWrite` is the sum of the two TTLs. */
export type Usage = v.InferOutput<typeof usageSchema>;

export const noUsage: Usage = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  webSearches: 0,
};

/** All that was read of a prompt, cached or not: what its price goes by. */
export function promptTokens({ input, cacheRead, cacheWrite }: Usage): number {
  return input + cacheRead + cacheWrite;
}

export function addUsage(one: Usage, other: Usage): Usage {
  return {
    input: one.input + other.input,
    output: one.output + other.output,
    cacheRead: one.cacheRead + other.cacheRead,
    cacheWrite: one.cacheWrite + other.cacheWrite,
    cacheWrite5m: one.cacheWrite5m + other.cacheWrite5m,
    cacheWrite1h: one.cacheWrite1h + other.cacheWrite1h,
    webSearches: one.webSearches + other.webSearches,
  };
}

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
    webSearches: usage.server_tool_use?.web_search_requests ?? 0,
  };
}
