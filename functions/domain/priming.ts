import type { CachePrices } from "./cache-choice.ts";
import { bytesOfPrefix, hasOwnMarkers, isCached, type Marking } from "./cache-markers.ts";
import { estimatedTokens } from "./cache-minimum.ts";
import { sha256 } from "./ids.ts";
import { holdPicoUsd, primedHitPercent, primerWaitSeconds, primerWarmSeconds } from "./limits.ts";
import { isOpen, type Manifest } from "./manifest.ts";
import type { TurnRequest } from "./turn-request.ts";

/** Whether one of several requests with the same prefix goes ahead, so that the others read what it wrote. */
export type Priming = "off" | "on" | "auto";

type Setting = Pick<TurnRequest, "cacheRetention" | "cacheAuto">;

/** The prefix of a request that may be primed, and how it is marked. */
export interface SharedPrefix extends Setting {
  /** The same for all whose prefix, model and beta headers are the same. */
  key: string;
  tokens: number;
}

/** `undefined` where a primer could do nothing: too short, markers of its own, or a setting of `none`. */
export function sharedPrefixOf(request: TurnRequest): SharedPrefix | undefined {
  const { params, betas, cacheRetention, cacheAuto } = request;
  if (cacheRetention === "none" && cacheAuto !== true) return undefined;
  const bytes = bytesOfPrefix(params);
  if (hasOwnMarkers(params) || !isCached(params, bytes)) return undefined;
  const { model, tools, system } = params;
  const key = sha256(JSON.stringify([model, tools, system, [...betas].sort()])).slice(0, 32);
  const setting = cacheAuto === undefined ? { cacheRetention } : { cacheRetention, cacheAuto };
  return { key, tokens: estimatedTokens(bytes, String(model)), ...setting };
}

/** A primer writes for an hour, which is as long as most batches take. */
export function primerMarking({ cacheRetention, cacheAuto }: Setting): Marking {
  return { retention: "long", prefixOnly: cacheAuto === true || cacheRetention !== "long" };
}

/** Those that follow keep their own markers; whose `auto` chose none is marked to read, and writes for 5 minutes if it misses. */
export function followerMarking({ cacheRetention }: Setting): Marking | undefined {
  return cacheRetention === "none" ? { retention: "short", prefixOnly: true } : undefined;
}

/** What a request pays for its prefix where nothing is cached, in prefixes at the plain price. */
export function coldCost({ cacheRetention }: Setting, { write5m, write1h }: CachePrices): number {
  return cacheRetention === "none" ? 1 : cacheRetention === "short" ? write5m : write1h;
}

/** What is kept of a primer: a hint, on which nothing rests. */
export interface PrimerHint {
  manifestId: string;
  /** When it was sent. */
  at: number;
}

/**
 * `pending`: the others wait for it; `warm`: what it wrote can be read; `spent`: it failed or is late, and they go as they
 * are, without another; `none`: it is long ago, or there was none.
 */
export type PrimerState = "none" | "pending" | "warm" | "spent";

export function primerState(hint: PrimerHint | undefined, manifest: Manifest | undefined, now: number): PrimerState {
  if (hint === undefined || now >= hint.at + primerWarmSeconds * 1000) return "none";
  if (manifest?.state === "settled") return (manifest.results?.succeeded ?? 0) > 0 ? "warm" : "spent";
  const isUnderWay = manifest !== undefined && isOpen(manifest.state) && manifest.state !== "abandoned";
  return isUnderWay && now < holdUntil(hint) ? "pending" : "spent";
}

/** Nobody waits for a primer longer than that. */
export function holdUntil({ at }: PrimerHint): number {
  return at + primerWaitSeconds * 1000;
}

export interface Sharers {
  tokens: number;
  /** What each that would wait pays for its prefix where nothing is cached: see `coldCost`. */
  followers: readonly number[];
  /** The same of the one that would go ahead. */
  primer: number;
  /** Pico-dollars a token of the prefix costs uncached. */
  input: number;
  prices: CachePrices;
}

/** Whether a primer saves more than it costs, with what holding the others back costs in writes and messages. */
export function isWorthPriming({ tokens, followers, primer, input, prices }: Sharers): boolean {
  const hit = primedHitPercent / 100;
  const saved = followers.map((own) => own - hit * prices.read - (1 - hit) * Math.max(own, prices.write5m));
  const prefixes = saved.reduce((sum, one) => sum + one, 0) - (prices.write1h - primer);
  return prefixes * tokens * input > followers.length * holdPicoUsd;
}
