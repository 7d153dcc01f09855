import type { Resource } from "./support.ts";

/** One value of a metric, as a function or AWS reports it. */
export interface Sample {
  metric: string;
  atSeconds: number;
  value: number;
}

interface MetricStat {
  Metric: { MetricName: string };
  Period: number;
  Stat: string;
}

/** How CloudWatch makes one figure of a period's samples; none of none. */
const statistics: Record<string, (values: readonly number[]) => number> = {
  Maximum: (values) => Math.max(...values),
  Minimum: (values) => Math.min(...values),
  Sum: (values) => values.reduce((sum, value) => sum + value, 0),
};

/** The states that an alarm of the template goes through while these samples come in, a period each. */
export function statesOf({ Properties: alarm }: Resource, samples: readonly Sample[], seconds: number): string[] {
  const states: string[] = [];
  const period: number =
    alarm.Period ?? alarm.Metrics.find(({ MetricStat }: never) => MetricStat !== undefined).MetricStat.Period;
  const points = Array.from({ length: Math.floor(seconds / period) }, (_, index) => figureOf(alarm, samples, index));
  for (let end = 1; end <= points.length; end += 1) {
    const window = points.slice(Math.max(0, end - alarm.EvaluationPeriods), end);
    states.push(stateOf(alarm, window, states.at(-1) ?? "OK"));
  }
  return states;
}

// biome-ignore lint/suspicious/noExplicitAny: a template is as deep as CloudFormation likes.
function stateOf(alarm: any, window: readonly (number | undefined)[], before: string): string {
  const { ComparisonOperator, Threshold, EvaluationPeriods, TreatMissingData } = alarm;
  if (TreatMissingData === "ignore" && window.includes(undefined)) return before;
  const isBreaching = (value: number | undefined) => {
    if (value === undefined) return TreatMissingData === "breaching";
    if (ComparisonOperator === "LessThanThreshold") return value < Threshold;
    if (ComparisonOperator === "GreaterThanOrEqualToThreshold") return value >= Threshold;
    throw new Error(`unknown operator ${ComparisonOperator}`);
  };
  const breaching = window.filter(isBreaching).length;
  return breaching >= (alarm.DatapointsToAlarm ?? EvaluationPeriods) ? "ALARM" : "OK";
}

// biome-ignore lint/suspicious/noExplicitAny: the same
function figureOf(alarm: any, samples: readonly Sample[], index: number): number | undefined {
  const read = ({ Metric, Period, Stat }: MetricStat) => {
    const isIn = ({ metric, atSeconds }: Sample) =>
      metric === Metric.MetricName && Math.floor(atSeconds / Period) === index;
    const values = samples.filter(isIn).map(({ value }) => value);
    return values.length === 0 ? undefined : statistics[Stat]!(values);
  };
  if (alarm.Metrics === undefined)
    return read({ Metric: { MetricName: alarm.MetricName }, Period: alarm.Period, Stat: alarm.Statistic });
  const parts = alarm.Metrics.filter(({ MetricStat }: { MetricStat?: MetricStat }) => MetricStat !== undefined);
  const values = new Map<string, number | undefined>(
    parts.map(({ Id, MetricStat }: { Id: string; MetricStat: MetricStat }) => [Id, read(MetricStat)]),
  );
  return evaluate(
    alarm.Metrics.find(({ Expression }: { Expression?: string }) => Expression !== undefined).Expression,
    values,
  );
}

/** CloudWatch's metric math, as far as the stack uses it: what is missing makes the whole missing, unless it is filled. */
function evaluate(expression: string, values: ReadonlyMap<string, number | undefined>): number | undefined {
  const [, one = "", filled = ""] = /^(\w+) \+ FILL\((\w+), 0\)$/.exec(expression) ?? [];
  if (one !== "") return add(values.get(one), values.get(filled) ?? 0);
  const [, whole = "", least, part = "", by] = /^IF\((\w+) >= (\d+), (\w+) \/ (\w+), 0\)$/.exec(expression) ?? [];
  if (whole === "" || whole !== by) throw new Error(`unknown expression ${expression}`);
  const [all, some] = [values.get(whole), values.get(part)];
  if (all === undefined || some === undefined) return undefined;
  return all >= Number(least) ? some / all : 0;
}

function add(one: number | undefined, other: number): number | undefined {
  return one === undefined ? undefined : one + other;
}
