import { digest } from "./chance.ts";

export type Ttl = "5m" | "1h";
export type Section = "tools" | "system" | "messages";

/** One position of a prompt, in the order in which the cache sees it: tools, system, messages. */
export interface Block {
  section: Section;
  /** Of a message; empty for tools and system. */
  role: string;
  /** Which message, tool or system block, and where in it; for error messages. */
  path: string;
  type: string;
  /** Serialized without its `cache_control`, which may move without making the prefix another one. */
  text: string;
  tokens: number;
  /** Set at a cache breakpoint. */
  ttl?: Ttl;
}

/**
 * Four characters a token, everywhere: a plain estimate, deterministic and additive, so that a cached prefix and the
 * rest add up. The real tokenizer differs by model; nothing here depends on its exact count.
 */
export const charactersPerToken = 4;

export function tokensOf(characters: number): number {
  return Math.ceil(characters / charactersPerToken);
}

export function totalTokens(blocks: readonly Block[]): number {
  return blocks.reduce((sum, block) => sum + block.tokens, 0);
}

/**
 * For every position the hash of the prompt up to and including it. `messageSalt` is what invalidates the cached
 * messages but not tools and system: tool choice, thinking, effort.
 */
export function prefixHashes(blocks: readonly Block[], messageSalt = ""): string[] {
  let hash = "";
  let salted = false;
  return blocks.map((block) => {
    const salt = block.section === "messages" && !salted ? messageSalt : "";
    salted ||= block.section === "messages";
    hash = digest(hash, salt, block.section, block.role, block.text).toString("base64");
    return hash;
  });
}
