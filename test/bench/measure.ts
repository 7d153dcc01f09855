/** One figure of a bench: what it was each time, and what it is to be. */
export interface Figure {
  what: string;
  unit: string;
  samples: number[];
  /** As the table says it, and whether the median keeps it; without it the figure is only for orientation. */
  target?: { text: string; isMet: (median: number) => boolean };
}

export interface BenchTable {
  title: string;
  head: string[];
  rows: string[][];
}

/** What one bench has to say. */
export interface Section {
  figures: Figure[];
  tables: BenchTable[];
  notes: string[];
}

export interface Bench {
  name: string;
  title: string;
  /** @param runs how often each side is measured */
  run(runs: number): Promise<Section>;
}

export const atLeast = (bound: number) => ({ text: `≥ ${bound}`, isMet: (median: number) => median >= bound });
export const atMost = (bound: number, unit = "") => ({
  text: `≤ ${bound}${unit}`,
  isMet: (median: number) => median <= bound,
});

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** Two or three significant figures: more would be noise. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "?";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const from = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - from) / 1e9;
}

/** The largest resident set of this process so far, in MB. */
export function peakMegabytes(): number {
  return process.resourceUsage().maxRSS / 1024;
}

/** Both sides in turn, so that whatever else the machine does meets both: as many pairs as are asked for, after one to warm up. */
export async function pairs(
  count: number,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<{ ours: number[]; theirs: number[]; ratios: number[] }> {
  await ours();
  await theirs();
  const measured: [number, number][] = [];
  for (let pair = 0; pair < count; pair += 1) {
    if (pair % 2 === 0) measured.push([await ours(), await theirs()]);
    else {
      const other = await theirs();
      measured.push([await ours(), other]);
    }
  }
  return {
    ours: measured.map(([one]) => one),
    theirs: measured.map(([, other]) => other),
    ratios: measured.map(([one, other]) => one / other),
  };
}
