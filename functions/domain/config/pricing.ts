import * as v from "valibot";
import { type Figures, type ModelPrice, type PriceTable, priceOf, publishedPrices } from "../prices.ts";
import { boolean, integer, model } from "./fields.ts";
import { maxPricedModels, maxUsdPerMTok, maxWebSearchUsd } from "./limits.ts";
import { defined, type Path, type Report, readList, readObject, reportRepeatedIds } from "./reader.ts";

/** With more decimals, half of a price or eleven tenths of it would be no whole pico-dollars a token. */
const decimals = 4;

function dollars(max: number) {
  const message = `must be dollars from 0 to ${max}, with at most ${decimals} decimals`;
  const isExact = (usd: number) => Number(usd.toFixed(decimals)) === usd;
  return v.pipe(v.number(message), v.minValue(0, message), v.maxValue(max, message), v.check(isExact, message));
}

const schema = v.object({ models: v.optional(v.unknown()), webSearchUsd: v.optional(dollars(maxWebSearchUsd)) });
const price = v.optional(dollars(maxUsdPerMTok));
const figuresSchema = v.object({
  input: price,
  output: price,
  cacheRead: price,
  cacheWrite5m: price,
  cacheWrite1h: price,
});
const modelSchema = v.object({
  id: v.optional(model),
  usdPerMTok: v.optional(v.unknown()),
  longPrompts: v.optional(v.unknown()),
  usInference: v.optional(boolean),
});
const longSchema = v.object({
  overTokens: v.optional(integer(1, 100_000_000)),
  usdPerMTok: v.optional(v.unknown()),
});

/**
 * Reads `pricing`: what it says replaces the published price, figure by figure. A figure that is nowhere is missing, and what
 * would be priced by it has a cost that is missing, never 0.
 */
export function readPricing(value: unknown, report: Report): PriceTable {
  if (value === undefined) return publishedPrices;
  const path = ["pricing"];
  const { models: raw, webSearchUsd = publishedPrices.webSearchUsd } = readObject(schema, value, { path, report });
  const listPath = [...path, "models"];
  const items = readList(raw, { path: listPath, report, maxItems: maxPricedModels });
  const own = items.map((item, index) => readModel(item, [...listPath, index], report));
  reportRepeatedIds(
    own.map(([id]) => id),
    listPath,
    report,
  );
  return { models: new Map([...publishedPrices.models, ...own]), webSearchUsd };
}

function readModel(value: unknown, path: Path, report: Report): readonly [id: string, price: ModelPrice] {
  const raw = readObject(modelSchema, value, { path, report, required: ["id"] });
  const { id = "" } = raw;
  const published = priceOf(id, publishedPrices.models);
  const own = readFigures(raw.usdPerMTok, [...path, "usdPerMTok"], report);
  const longPrompts = readLong(raw.longPrompts, [...path, "longPrompts"], report) ?? published?.longPrompts;
  const price = {
    usdPerMTok: { ...published?.usdPerMTok, ...own },
    usInference: raw.usInference ?? published?.usInference ?? false,
    ...defined({ longPrompts }),
  };
  return [id, price];
}

function readFigures(value: unknown, path: Path, report: Report): Figures {
  return value === undefined ? {} : defined(readObject(figuresSchema, value, { path, report }));
}

function readLong(value: unknown, path: Path, report: Report): ModelPrice["longPrompts"] {
  if (value === undefined) return undefined;
  const { overTokens, usdPerMTok } = readObject(longSchema, value, {
    path,
    report,
    required: ["overTokens", "usdPerMTok"],
  });
  if (overTokens === undefined) return undefined;
  return { overTokens, usdPerMTok: readFigures(usdPerMTok, [...path, "usdPerMTok"], report) };
}
