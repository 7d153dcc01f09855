import { publishedPrices, tokenPrices } from "../../functions/domain/prices.ts";
import { costOf } from "../../functions/domain/pricing.ts";
import { parseUsage } from "../../functions/domain/usage.ts";
import { testWorld } from "../support/world.ts";

/** What one batch's worth of tasks with one system prompt costs, through the whole system and the stand-in's cache. */
export interface PrimingOutcome {
  name: string;
  batches: number;
  usd: number;
  /** Against the same without a marker. */
  over: number;
  readTokens: number;
}

const settings = [
  { name: "no marker", cacheRetention: "none", priming: "off" },
  { name: "marked and cold", cacheRetention: "short", priming: "off" },
  { name: "marked for an hour and cold", cacheRetention: "long", priming: "off" },
  { name: "short, primed by auto", cacheRetention: "short", priming: "auto" },
  { name: "auto, primed by auto", cacheRetention: "auto", priming: "auto" },
] as const;

export interface Night {
  tasks: number;
  prefixTokens: number;
  taskTokens: number;
  model: string;
}

export async function measurePriming(night: Night): Promise<PrimingOutcome[]> {
  const outcomes: PrimingOutcome[] = [];
  for (const setting of settings) outcomes.push(await measureOne(setting, night, outcomes[0]?.usd));
  return outcomes;
}

async function measureOne(
  { name, cacheRetention, priming }: (typeof settings)[number],
  { tasks, prefixTokens, taskTokens, model }: Night,
  without: number | undefined,
): Promise<PrimingOutcome> {
  const system = "word".repeat(prefixTokens);
  const agents = { list: [{ id: "worker", system, model, cacheRetention, maxTokens: 200 }] };
  const world = testWorld({ config: { agents, lanes: [{ id: "default", priming }] } });
  for (let task = 0; task < tasks; task += 1)
    await world.accept(`${String(task).padStart(4, "0")}${"task".repeat(taskTokens - 1)}`);
  await world.ticks(30);
  const bill = world.api.model.bill();
  if (bill.length !== tasks) throw new Error(`${bill.length} of ${tasks} tasks were answered`);
  let picoUsd = 0n;
  let readTokens = 0;
  for (const line of bill) {
    const usage = parseUsage(line.usage);
    if (usage === undefined) throw new Error("no usage");
    // The answers are the same; only what was asked is compared.
    const cost = costOf({ model, tier: "batch", usage: { ...usage, output: 0 } }, publishedPrices);
    if (!cost.known) throw new Error(cost.why);
    picoUsd += cost.picoUsd;
    readTokens += usage.cacheRead;
  }
  const usd = Number(picoUsd) / 1e12;
  return {
    name,
    batches: world.called("POST /v1/messages/batches"),
    usd,
    over: usd / (without ?? usd) - 1,
    readTokens,
  };
}

/** 138 tasks, as others measured: +9.7 % marked and cold, and 34.9 % less with a primer, of all that an article cost. */
export const measuredNight: Night = { tasks: 138, prefixTokens: 5_500, taskTokens: 500, model: "claude-haiku-4-5" };

/** The price of a token there, for a check by hand. */
export function plainPrice({ model }: Night): bigint {
  const found = tokenPrices({ model, tier: "batch", promptTokens: 0 }, publishedPrices);
  if (!found.known || found.prices.input === undefined) throw new Error(`no price for ${model}`);
  return found.prices.input;
}
