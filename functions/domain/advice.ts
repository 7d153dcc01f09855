import type { CacheChoice } from "./cache-choice.ts";
import type { Agent, Config, CronJob } from "./config/index.ts";
import { growthDays, minAdvicePicoUsd, minGrowthPercent } from "./limits.ts";
import { type PicoUsd, toUsd } from "./picos.ts";
import { addSums, noSums, type Rollup, type Sums } from "./rollup.ts";
import { promptTokens } from "./usage.ts";

/** One thing that costs more than it has to, and the line of `offpeak.json` that would change it. */
export interface Advice {
  kind: "cache" | "routing" | "growth";
  usdPerMonth: number;
  why: string;
  /** `agents.list[worker].cacheRetention: "auto"`; without a value where that is for the user to find. */
  change: string;
}

/** What `auto` would choose for an agent, and what one request pays for its prefix uncached. */
export interface CacheOutlook {
  choice: CacheChoice;
  prefixPicoUsd: number;
  /** Markers that it places itself: `auto` keeps them, and only `none` takes them away. */
  hasOwnMarkers: boolean;
}

export interface AdviceInput {
  config: Pick<Config, "agents" | "jobs">;
  /** By day, the oldest first; a day without any is left out. */
  days: ReadonlyMap<string, Rollup>;
  outlooks: ReadonlyMap<string, CacheOutlook>;
  now: number;
}

const dayMs = 24 * 3_600_000;
const monthDays = 30;

/** The dearest first. */
export function adviceOn(input: AdviceInput): Advice[] {
  const all = [
    ...input.config.agents.flatMap((agent) => [...cacheAdvice(agent, input), ...routingAdvice(agent, input)]),
    ...input.config.jobs.flatMap((job) => [...jobRoutingAdvice(job, input), ...growthAdvice(job, input)]),
  ];
  return all
    .filter(({ usdPerMonth }) => usdPerMonth >= toUsd(BigInt(minAdvicePicoUsd)))
    .toSorted((one, other) => other.usdPerMonth - one.usdPerMonth);
}

/** What was summed over these days makes so many times that in a month. */
function perMonth(days: ReadonlyMap<string, Rollup>, now: number): number {
  const [first] = days.keys();
  return first === undefined ? 0 : monthDays / Math.max(1, (now - Date.parse(first)) / dayMs);
}

function sumsOf(days: ReadonlyMap<string, Rollup>, dimension: "agent" | "cronJob", id: string): Sums {
  return [...days.values()].reduce((sum, { by }) => addSums(sum, by[dimension].get(id) ?? noSums), noSums);
}

/** Where the setting costs more than another would, by what is known of the arrivals; or cost more than it saved, by the books. */
function cacheAdvice(agent: Agent, { days, outlooks, now }: AdviceInput): Advice[] {
  const { id, cacheRetention } = agent;
  const outlook = outlooks.get(id);
  if (cacheRetention === "auto" || outlook === undefined) return [];
  const sums = sumsOf(days, "agent", id);
  const times = perMonth(days, now);
  const { choice, prefixPicoUsd, hasOwnMarkers } = outlook;
  const { costs } = choice;
  const over = costs === undefined ? 0 : costs[cacheRetention] - Math.min(costs.none, costs.short, costs.long);
  const expected = (over * prefixPicoUsd * sums.results * times) / 1e12;
  const lost = toUsd(sums.paid - sums.uncached) * times;
  const why =
    lost > expected
      ? `cacheRetention ${cacheRetention}: what it wrote to the cache cost more than was read from it saved`
      : `cacheRetention ${cacheRetention}, where auto would choose ${choice.why}`;
  return [
    {
      kind: "cache",
      usdPerMonth: rounded(Math.max(expected, lost)),
      why,
      change: `agents.list[${id}].cacheRetention: "${hasOwnMarkers ? "none" : "auto"}"`,
    },
  ];
}

/** Half of what was paid in real time: with the batch discount `d = realtime − paid`, that part is `paid − d`. */
function batchable({ paid, realtime }: Sums): PicoUsd {
  const inRealtime = 2n * paid - realtime;
  return inRealtime > 0n ? inRealtime / 2n : 0n;
}

/** Real-time work of an agent that goes real-time by itself; that of its jobs is told of the jobs. */
function routingAdvice(agent: Agent, { config, days, now }: AdviceInput): Advice[] {
  const { id, routing, zeroDataRetention } = agent;
  if (routing.mode !== "realtime" || zeroDataRetention) return [];
  const jobs = config.jobs.filter((job) => job.agentId === id);
  const ofJobs = jobs.reduce((sum, job) => sum + batchable(sumsOf(days, "cronJob", job.id)), 0n);
  const saved = toUsd(batchable(sumsOf(days, "agent", id)) - ofJobs) * perMonth(days, now);
  const why = "runs in real time at the full price; whatever of it can wait costs half of that in a batch";
  return [{ kind: "routing", usdPerMonth: rounded(saved), why, change: `agents.list[${id}].routing: "batch"` }];
}

/** Nobody is there to wait for a cron job. */
function jobRoutingAdvice(job: CronJob, { config, days, now }: AdviceInput): Advice[] {
  const agent = config.agents.find(({ id }) => id === job.agentId);
  const mode = job.routing ?? agent?.routing.mode;
  if (mode !== "realtime" || agent?.zeroDataRetention === true) return [];
  const saved = toUsd(batchable(sumsOf(days, "cronJob", job.id))) * perMonth(days, now);
  const why = "nobody waits for a cron job, and it runs in real time at the full price";
  return [{ kind: "routing", usdPerMonth: rounded(saved), why, change: `cron.jobs[${job.id}].routing: "batch"` }];
}

/** What a job cost in the last week against the week before that: more runs, longer answers, longer prompts, dearer tokens. */
function growthAdvice(job: CronJob, { config, days, now }: AdviceInput): Advice[] {
  const from = (daysAgo: number) => new Date(now - daysAgo * dayMs).toISOString().slice(0, 10);
  const within = (first: string, end: string) =>
    sumsOf(new Map([...days].filter(([day]) => day >= first && day < end)), "cronJob", job.id);
  // Of a job that began in between, a week would be held against a part of one.
  const isOld = [...days].some(([day, { by }]) => day <= from(2 * growthDays) && by.cronJob.has(job.id));
  // Today is not over.
  const latest = within(from(growthDays), from(0));
  const before = within(from(2 * growthDays), from(growthDays));
  const hasGrown = isOld && before.paid > 0n && latest.paid * 100n > before.paid * BigInt(100 + minGrowthPercent);
  const agent = config.agents.find(({ id }) => id === job.agentId);
  if (!hasGrown || agent === undefined) return [];
  const grown = (toUsd(latest.paid - before.paid) * monthDays) / growthDays;
  const { why, change } = causeOf(latest, before, { job, agent });
  const percent = Number((latest.paid * 100n) / before.paid) - 100;
  return [
    {
      kind: "growth",
      usdPerMonth: rounded(grown),
      why: `costs ${percent} % more than the week before: ${why}`,
      change,
    },
  ];
}

/** The factor that grew most. */
function causeOf(latest: Sums, before: Sums, { job, agent }: { job: CronJob; agent: Agent }) {
  const each = (total: number, { results }: Sums) => total / Math.max(1, results);
  const grew = (of: (sums: Sums) => number) => of(latest) / Math.max(1e-9, of(before));
  const output = (sums: Sums) => each(sums.usage.output, sums);
  const prompt = (sums: Sums) => each(promptTokens(sums.usage), sums);
  const tokens = (sums: Sums) => sums.usage.output + promptTokens(sums.usage);
  const causes = [
    {
      times: grew(({ results }) => results),
      why: `${latest.results} runs instead of ${before.results}`,
      change: `cron.jobs[${job.id}].schedule`,
    },
    {
      times: grew(output),
      why: `answers of ${Math.round(output(latest))} tokens instead of ${Math.round(output(before))}`,
      change: `agents.list[${agent.id}].maxTokens: ${Math.ceil(2 * output(before))}`,
    },
    {
      times: grew(prompt),
      why: `prompts of ${Math.round(prompt(latest))} tokens instead of ${Math.round(prompt(before))}`,
      change: `cron.jobs[${job.id}].payload.message, or agents.list[${agent.id}].system`,
    },
    {
      times: grew((sums) => Number(sums.paid) / Math.max(1, tokens(sums))),
      why: "a token costs more than it did, by its model, by its tier, or because less is read from the cache",
      change: `cron.jobs[${job.id}].payload.model`,
    },
  ];
  return causes.reduce((most, cause) => (cause.times > most.times ? cause : most));
}

const rounded = (usd: number) => Math.round(usd * 1e6) / 1e6;
