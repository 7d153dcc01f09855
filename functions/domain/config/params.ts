import type { Problem } from "../parse.ts";
import type { CacheRetention } from "./types.ts";

/**
 * Parameters of the Messages API that an agent may fix (Anthropic's API reference, 2026-10), besides those with keys of
 * their own (`model`, `maxTokens`, `system`).
 */
export const allowedParams = [
  "cache_control",
  "container",
  "context_management",
  "inference_geo",
  "mcp_servers",
  "metadata",
  "output_config",
  "service_tier",
  "stop_sequences",
  "thinking",
  "tool_choice",
  "tools",
] as const;

/** Parameters that are known and refused, and why. */
export const refusedParams: Record<string, string> = {
  temperature: "is refused by the API since version 2026-10-21",
  top_p: "is refused by the API since version 2026-10-21",
  top_k: "is refused by the API since version 2026-10-21",
  stream: "cannot be used: nobody waits for the answer",
  speed: "cannot be used in batches",
  fallbacks: "cannot be used in batches",
  max_tokens: "is the agent's key maxTokens",
  messages: "are made from the task",
};

interface Place {
  path: string;
  problems: Problem[];
}

const retentions = ["none", "short", "long"] as const;

/** `params` without OpenClaw's `cacheRetention`, which is a synonym of the key of that name. */
export function resolveParams(
  raw: { params?: Record<string, unknown> | undefined; cacheRetention?: CacheRetention | undefined },
  { path, problems }: Place,
): { params: Record<string, unknown>; cacheRetention: CacheRetention | undefined } {
  const { cacheRetention: synonym, ...params } = raw.params ?? {};
  for (const key of Object.keys(params)) {
    const refusal = refusedParams[key];
    const isAllowed = allowedParams.some((allowed) => allowed === key);
    if (refusal !== undefined) problems.push({ path: `${path}.params.${key}`, message: refusal });
    else if (!isAllowed)
      problems.push({ path: `${path}.params.${key}`, message: `unknown key${suggestion(key, allowedParams)}` });
  }
  const named = retentions.find((retention) => retention === synonym);
  if (synonym !== undefined && named === undefined) {
    problems.push({ path: `${path}.params.cacheRetention`, message: 'must be "none", "short" or "long"' });
  }
  if (named !== undefined && raw.cacheRetention !== undefined && raw.cacheRetention !== named) {
    problems.push({
      path: `${path}.params.cacheRetention`,
      message: `disagrees with cacheRetention "${raw.cacheRetention}"`,
    });
  }
  return { params, cacheRetention: raw.cacheRetention ?? named };
}

/** ` (did you mean cacheRetention?)`, when one of the known keys is close. */
export function suggestion(key: string, known: readonly string[]): string {
  const close = known.find(
    (name) => distance(key.toLowerCase(), name.toLowerCase()) <= Math.max(1, Math.floor(name.length / 4)),
  );
  return close === undefined ? "" : ` (did you mean ${close}?)`;
}

/** Levenshtein's, of two short words. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, match] of [...other].entries()) {
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === match ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
