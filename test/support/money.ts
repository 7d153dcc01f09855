import { gunzipSync } from "node:zlib";
import type { Item } from "../../functions/clients/table.ts";
import { parseTerms } from "../../functions/domain/billing-terms.ts";
import { publishedPrices, type Tier } from "../../functions/domain/prices.ts";
import { costOf } from "../../functions/domain/pricing.ts";
import { parseRollup, type Rollup } from "../../functions/domain/rollup.ts";
import { parseUsage } from "../../functions/domain/usage.ts";

/** What Anthropic asks for one line of its bill, in pico-dollars. */
export function priceOf({ model, tier, usage }: { model: string; tier: Tier; usage: unknown }): bigint {
  const tokens = parseUsage(usage);
  if (tokens === undefined) throw new Error("a line of the bill has no usage");
  const cost = costOf({ model, tier, usage: tokens, ...parseTerms(usage) }, publishedPrices);
  if (!cost.known) throw new Error(cost.why);
  return cost.picoUsd;
}

/** What the ledger says that a result cost; undefined where it has no price. */
export function chargeOf(result: Item): bigint | undefined {
  const charge = result["charge"];
  return typeof charge === "object" && charge !== null && "paid" in charge ? BigInt(String(charge.paid)) : undefined;
}

export function textOf(body: unknown): string {
  if (typeof body !== "object" || body === null) throw new Error("no body");
  if ("text" in body) return String(body.text);
  if ("bytes" in body && body.bytes instanceof Uint8Array) return gunzipSync(body.bytes).toString("utf8");
  throw new Error("the body is not on the item");
}

/** The rollups of all days, as they are kept. */
export function daysOf(items: readonly Item[]): Map<string, Rollup> {
  const days = items.filter(({ pk }) => pk.startsWith("USAGE#"));
  return new Map(days.map(({ pk, body }) => [pk.replace("USAGE#", ""), parseRollup(textOf(body))]));
}

export const isResult = ({ sk }: Item) => sk.startsWith("RESULT#");

/** What the whole ledger comes to: paid, and how many entries have no price. */
export function ledgerOf(items: readonly Item[]): { paid: bigint; missing: number } {
  const billed = items.filter((item) => isResult(item) && item["billed"] === true);
  const sources = new Set(items.filter(isResult).map((item) => item["source"]));
  const unknown = items.filter(({ sk, run }) => sk.startsWith("ATTEMPT#") && !sources.has(run));
  return {
    paid: billed.reduce((sum, item) => sum + (chargeOf(item) ?? 0n), 0n),
    missing: billed.filter((item) => chargeOf(item) === undefined).length + unknown.length,
  };
}

/** What the days come to. */
export function booksOf(items: readonly Item[]): { paid: bigint; missing: number } {
  const all = [...daysOf(items).values()].map((rollup) => rollup.all);
  return {
    paid: all.reduce((sum, { paid }) => sum + paid, 0n),
    missing: all.reduce((sum, { missing }) => sum + missing, 0),
  };
}
