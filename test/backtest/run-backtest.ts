import { parseArgs } from "node:util";
import { backtest } from "./backtest.ts";
import { measuredNight, measurePriming } from "./priming.ts";
import { plot, primingTable, table } from "./report.ts";
import { allTraces, recorded } from "./traces.ts";

/**
 * `npm run backtest -- [--seed N] [--trace file.json]`: what agents' prefixes would have cost with each cache setting, with
 * `auto`, and for whoever knows the future; and what a
 * primer makes of a batch. A file has the times of one agent's requests, as ISO text.
 */
const { values } = parseArgs({
  options: { seed: { type: "string", default: "1" }, trace: { type: "string" } },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);
const traces = values.trace === undefined ? allTraces(Number(values.seed)) : [recorded(values.trace, values.trace)];
const outcomes = traces.map(backtest);
for (const kind of ["stationary", "shifting"] as const) {
  const some = outcomes.filter((outcome) => outcome.kind === kind);
  if (some.length === 0) continue;
  say(`\n${kind}`);
  for (const line of table(some)) say(line);
}
for (const line of plot(outcomes)) say(line);
if (values.trace === undefined) {
  const { tasks, prefixTokens, taskTokens, model } = measuredNight;
  say(
    `\npriming: ${tasks} tasks of ${taskTokens} tokens after a system prompt of ${prefixTokens}, batched, ${model}, by the stand-in`,
  );
  for (const line of primingTable(await measurePriming(measuredNight))) say(line);
}
