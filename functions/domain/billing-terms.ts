import * as v from "valibot";
import type { Tier } from "./prices.ts";

/** What besides its tokens a result is priced by. */
export interface BillingTerms {
  /** Absent where the answer does not say: then it is the one that was asked for. */
  tier?: Tier;
  inferenceGeo?: string;
  /** Something in it is billed by a figure that is not known here. */
  unpriced?: string;
}

const schema = v.object({
  service_tier: v.nullish(v.unknown()),
  inference_geo: v.nullish(v.unknown()),
  speed: v.nullish(v.unknown()),
  server_tool_use: v.nullish(v.record(v.string(), v.unknown())),
  iterations: v.nullish(v.array(v.unknown())),
});

/** Counted by `parseUsage`; or, as fetching is, without a price but for its tokens (web fetch tool). */
const knownTools = ["web_search_requests", "web_fetch_requests"];
const plainIteration = v.object({ type: v.literal("message") });

/** Reads the terms out of Anthropic's `usage`. What is in a form not known yet makes the cost missing, and never wrong. */
export function parseTerms(usage: unknown): BillingTerms {
  const parsed = v.safeParse(schema, usage);
  if (!parsed.success) return { unpriced: "usage in a form that is not known here" };
  const { service_tier, inference_geo } = parsed.output;
  const unpriced = unpricedPart(parsed.output);
  return {
    ...(service_tier == null ? {} : { tier: toTier(service_tier) }),
    ...(inference_geo == null ? {} : { inferenceGeo: typeof inference_geo === "string" ? inference_geo : "?" }),
    ...(unpriced === undefined ? {} : { unpriced }),
  };
}

function toTier(text: unknown): Tier {
  return text === "batch" || text === "standard" ? text : "other";
}

/** Tokens of a compaction or of an advisor stand in `iterations` alone, the advisor's at another model's price. */
function unpricedPart({ speed, server_tool_use, iterations }: v.InferOutput<typeof schema>): string | undefined {
  if (speed != null && speed !== "standard") return "no price for this speed";
  const tool = Object.entries(server_tool_use ?? {}).find(
    ([name, uses]) => !knownTools.includes(name) && uses != null && uses !== 0,
  );
  if (tool !== undefined) return `no price for ${tool[0]}`;
  const isPlain = (iterations ?? []).every((iteration) => v.is(plainIteration, iteration));
  return isPlain ? undefined : "no price for usage.iterations";
}
