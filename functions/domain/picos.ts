/** Whole pico-dollars (10^-12 $): a batch cache write of Haiku 5.5 is 62,500 of them a token, so that all sums are exact. */
export type PicoUsd = bigint;

export function toUsd(picoUsd: PicoUsd): number {
  return Number(picoUsd) / 1e12;
}

/** @param usd at most twelve decimals count */
export function fromUsd(usd: number): PicoUsd {
  return BigInt(Math.round(usd * 1e12));
}
