import type { Outcome } from "./backtest.ts";
import type { PrimingOutcome } from "./priming.ts";

const settings = ["none", "short", "long", "auto", "clairvoyant"] as const;
const percent = (share: number) => `${share >= 0 ? "+" : "−"}${(Math.abs(share) * 100).toFixed(1)} %`;
const barWidth = 40;

/** One line a trace: dollars a day for the prefixes alone, and how far from the best fixed setting. */
export function table(outcomes: readonly Outcome[]): string[] {
  const head = ["trace", "requests", ...settings.map((name) => `${name} $/d`), "best", "auto", "clairvoyant"];
  const rows = outcomes.map(({ name, requests, usdPerDay, bestFixed, autoOver, clairvoyantOver }) => [
    name,
    String(requests),
    ...settings.map((setting) => usdPerDay[setting].toFixed(4)),
    bestFixed,
    percent(autoOver),
    percent(clairvoyantOver),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  return [head, ...rows].map((row) => row.map((cell, column) => padded(cell, column, widths[column] ?? 0)).join("  "));
}

function padded(cell: string, column: number, width: number): string {
  return column === 0 || cell === "best" ? cell.padEnd(width) : cell.padStart(width);
}

/** What a batch cost for all that was asked, with and without one that went ahead. */
export function primingTable(outcomes: readonly PrimingOutcome[]): string[] {
  const width = Math.max(...outcomes.map(({ name }) => name.length));
  return outcomes.map(({ name, batches, usd, over, readTokens }) =>
    [name.padEnd(width), `${batches} batches`, `$${usd.toFixed(4)}`, percent(over), `${readTokens} tokens read`].join(
      "  ",
    ),
  );
}

/** Bars: what each setting costs, the dearest of them as wide as the plot. */
export function plot(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ name, usdPerDay }) => {
    const most = Math.max(...settings.map((setting) => usdPerDay[setting]));
    const bars = settings.map((setting) => {
      const length = Math.max(1, Math.round((usdPerDay[setting] / most) * barWidth));
      return `  ${setting.padEnd(12)}${"█".repeat(length)} ${usdPerDay[setting].toFixed(4)}`;
    });
    return ["", name, ...bars];
  });
}
