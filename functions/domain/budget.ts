import type { Budget, Config, Lane } from "./config/index.ts";
import { type PriceTable, type Tier, tokenPrices } from "./prices.ts";
import type { Session, SessionError } from "./session.ts";
import type { TurnRequest } from "./turn-request.ts";

/** Thousandths of a millionth of a dollar, in whole numbers: what is reserved of a budget is given back to the last of them. */
export type NanoUsd = number;

export const toNanoUsd = (usd: number): NanoUsd => Math.round(usd * 1e9);
export const nanoToUsd = (nanoUsd: NanoUsd) => nanoUsd / 1e9;

/** What an agent, or a lane, may spend. */
export interface Purse {
  /** `agent#worker`, `lane#bulk` */
  name: string;
  budget: Budget;
}

/** A day of a purse. What is reserved is an upper estimate, until it is released; what is spent, a cost that is known. */
export interface PurseDay {
  reserved: NanoUsd;
  released: NanoUsd;
  spent: NanoUsd;
}

export const emptyDay: PurseDay = { reserved: 0, released: 0, spent: 0 };

/** All that a new task must leave untouched. */
export function committed({ reserved, released, spent }: PurseDay): NanoUsd {
  return reserved - released + spent;
}

/** The purses that a session is paid from: most have none. */
export function pursesOf({ agentId, lane }: Pick<Session, "agentId" | "lane">, { agents, lanes }: Config): Purse[] {
  const agentBudget = agents.find(({ id }) => id === agentId)?.budget;
  const laneBudget = lanes.find(({ id }) => id === lane)?.budget;
  return [
    ...(agentBudget === undefined ? [] : [{ name: `agent#${agentId}`, budget: agentBudget }]),
    ...(laneBudget === undefined ? [] : [{ name: `lane#${lane}`, budget: laneBudget }]),
  ];
}

/** A call that nobody knows the outcome of may have been paid: then what was reserved for it counts as spent. */
export function isSpentUnseen(error: SessionError | undefined): boolean {
  return error?.type === "unknown_outcome";
}

/** What a token of the prompt costs at most: a marker of the request's own, or one for a primer, may last an hour. */
function promptKind({ cacheRetention, cacheAuto, params }: TurnRequest): "input" | "cacheWrite5m" | "cacheWrite1h" {
  if (cacheAuto === true || cacheRetention === "long") return "cacheWrite1h";
  if (cacheRetention === "none") return "input";
  return JSON.stringify(params).includes('"ttl":"1h"') ? "cacheWrite1h" : "cacheWrite5m";
}

/**
 * What a turn may cost at most, as far as can be told before: no token is shorter than a byte, and no answer is longer than
 * `max_tokens`. A fallback may be paid besides its batch; what server tools read, and a second real-time try, are not in it.
 * @param requests the turns so far, of which the last is to be sent
 */
export function estimateOf(
  { model, mode, onDeadline, deadlineAt }: Session,
  { requests, lane }: { requests: readonly TurnRequest[]; lane: Lane | undefined },
  prices: PriceTable,
): { known: true; nanoUsd: NanoUsd } | { known: false; why: string } {
  const last = requests.at(-1);
  const maxTokens = Number(last?.params["max_tokens"] ?? 0);
  const said = requests.reduce((bytes, { message }) => bytes + Buffer.byteLength(message ?? ""), 0);
  const prompt = Buffer.byteLength(JSON.stringify(last?.params ?? {})) + said + (requests.length - 1) * maxTokens;
  const geo = last?.params["inference_geo"];
  const costIn = (tier: Tier) => {
    const inferenceGeo = typeof geo === "string" ? geo : undefined;
    const found = tokenPrices({ model, tier, promptTokens: prompt, inferenceGeo }, prices);
    if (!found.known) return found;
    const { output } = found.prices;
    const input = found.prices[last === undefined ? "input" : promptKind(last)];
    if (input === undefined || output === undefined)
      return { known: false as const, why: `no price for model ${model}` };
    const picoUsd = BigInt(prompt) * input + BigInt(maxTokens) * output;
    return { known: true as const, nanoUsd: Number((picoUsd + 999n) / 1_000n) };
  };
  const standard = costIn("standard");
  if (mode === "realtime" || !standard.known) return standard;
  const batch = costIn("batch");
  if (!batch.known) return batch;
  const fallback = onDeadline === "fallback" && deadlineAt !== undefined ? standard.nanoUsd : 0;
  const instead = lane?.onBatchUnavailable === "realtime" ? standard.nanoUsd : 0;
  return { known: true, nanoUsd: Math.max(batch.nanoUsd + fallback, instead) };
}
