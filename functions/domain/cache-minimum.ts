/**
 * The shortest prefix in tokens that each model caches, read 2026-10-08 from Anthropic's prompt caching guide; that of Fable 5.2
 * is not documented and taken for its siblings'. A marker on less does nothing.
 */
const minimums = new Map([
  ["claude-fable-5-2", 512],
  ["claude-mythos-5-2", 512],
  ["claude-haiku-5-5", 512],
  ["claude-sonnet-5-5", 512],
  ["claude-fable-5-1", 512],
  ["claude-opus-5-5", 512],
  ["claude-mythos-5-1", 512],
  ["claude-sonnet-5", 1_024],
  ["claude-fable-5", 512],
  ["claude-mythos-5", 512],
  ["claude-opus-5", 512],
  ["claude-opus-4-8", 1_024],
  ["claude-opus-4-7", 2_048],
  ["claude-mythos-preview", 2_048],
  ["claude-opus-4-6", 4_096],
  ["claude-sonnet-4-6", 1_024],
  ["claude-opus-4-5", 4_096],
  ["claude-haiku-4-5", 4_096],
  ["claude-sonnet-4-5", 1_024],
]);

/** Those before 4.7 have another tokenizer, which makes about a quarter fewer tokens of the same text. */
const oldTokenizer = /^claude-(opus|sonnet|haiku)-4-[56]$/;

const nameOf = (model: string) => model.replace(/-20\d{6}$/, "");

/** 0 for a model that is not known: whether it caches is Anthropic's to say. */
export function minCacheTokens(model: string): number {
  return minimums.get(nameOf(model)) ?? 0;
}

/** About how many tokens so many bytes of UTF-8 are: plain English has four characters a token, three since 4.7. */
export function estimatedTokens(bytes: number, model: string): number {
  return Math.ceil(bytes / (oldTokenizer.test(nameOf(model)) ? 4 : 3));
}
