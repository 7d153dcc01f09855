import * as v from "valibot";

/** Whole pico-dollars (10^-12 $): a batch cache write of Haiku 5.5 is 62,500 of them a token, so that all sums are exact. */
export type PicoUsd = bigint;

export function toUsd(picoUsd: PicoUsd): number {
  return Number(picoUsd) / 1e12;
}

/** @param usd at most twelve decimals count */
export function fromUsd(usd: number): PicoUsd {
  return BigInt(Math.round(usd * 1e12));
}

/** An amount as it is kept, which is text: a number that JavaScript cannot hold would come back as another. */
export const picoText = v.pipe(
  v.string(),
  v.regex(/^-?\d{1,30}$/),
  v.transform((text): PicoUsd => BigInt(text)),
);

/** Dollars, exactly: `0.0000000625`. */
export function usdText(picoUsd: PicoUsd): string {
  const digits = `${picoUsd < 0n ? -picoUsd : picoUsd}`.padStart(13, "0");
  const decimals = digits.slice(-12).replace(/0+$/, "");
  return `${picoUsd < 0n ? "-" : ""}${digits.slice(0, -12)}${decimals === "" ? "" : `.${decimals}`}`;
}
