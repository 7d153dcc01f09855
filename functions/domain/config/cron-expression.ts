/** The five fields of a crontab line, as the values they allow, each list sorted and without repeats. */
export interface CronFields {
  minute: readonly number[];
  hour: readonly number[];
  dayOfMonth: readonly number[];
  month: readonly number[];
  /** 0 is Sunday. */
  dayOfWeek: readonly number[];
}

interface Field {
  key: keyof CronFields;
  name: string;
  min: number;
  max: number;
  /** Names of the values from `min` on. */
  names: readonly string[];
}

const monthNames = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const dayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const minute: Field = { key: "minute", name: "minute", min: 0, max: 59, names: [] };
const hour: Field = { key: "hour", name: "hour", min: 0, max: 23, names: [] };
const dayOfMonth: Field = { key: "dayOfMonth", name: "day of month", min: 1, max: 31, names: [] };
const month: Field = { key: "month", name: "month", min: 1, max: 12, names: monthNames };
/** Sunday is 0 and 7, so that `FRI-SUN` and `5-7` can be written. */
const dayOfWeek: Field = { key: "dayOfWeek", name: "day of week", min: 0, max: 7, names: [...dayNames, "SUN"] };

const daysOfMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The expression says something that cannot be; the message completes the sentence begun by its path. */
class CronError extends Error {}

/**
 * Parses `minute hour day-of-month month day-of-week`: numbers, names, lists, ranges and steps. Stricter than croner, which runs
 * it on one machine, and than EventBridge, which runs it when deployed, so that it means the same to both. EventBridge has no
 * form for day of month *and* day of week; crontab's reading, either of the two, surprises anyway.
 */
export function parseCron(expr: string): { ok: true; fields: CronFields } | { ok: false; message: string } {
  try {
    return { ok: true, fields: readFields(expr.trim().split(/\s+/)) };
  } catch (error) {
    if (error instanceof CronError) return { ok: false, message: error.message };
    throw error;
  }
}

function readFields(texts: readonly string[]): CronFields {
  const [minutes = "", hours = "", days = "", months = "", weekdays = ""] = texts;
  if (texts.length !== 5) {
    throw new CronError("must have five fields: minute, hour, day of month, month, day of week");
  }
  if (days !== "*" && weekdays !== "*") {
    throw new CronError(
      "sets both day of month and day of week, which EventBridge cannot express: one of them must be *",
    );
  }
  const fields = {
    minute: readField(minutes, minute),
    hour: readField(hours, hour),
    dayOfMonth: readField(days, dayOfMonth),
    month: readField(months, month),
    dayOfWeek: sorted(readField(weekdays, dayOfWeek).map((day) => day % 7)),
  };
  const longest = Math.max(...fields.month.map((number) => daysOfMonth[number - 1] ?? 0));
  if (Math.min(...fields.dayOfMonth) > longest) throw new CronError("names a day that none of its months has");
  return fields;
}

function readField(text: string, field: Field): readonly number[] {
  return sorted(text.split(",").flatMap((part) => readPart(part, field)));
}

function sorted(values: readonly number[]): readonly number[] {
  return [...new Set(values)].toSorted((one, other) => one - other);
}

function readPart(part: string, field: Field): number[] {
  const wrong = (what: string) => new CronError(`${field.name} "${part}" ${what}`);
  const [, all, first, last, stepText] = /^(?:(\*)|([^*/-]+)(?:-([^*/-]+))?)(?:\/(\d{1,3}))?$/.exec(part) ?? [];
  if (all === undefined && first === undefined) throw wrong("is no number, range or step");
  const isSingle = all === undefined && last === undefined;
  if (isSingle && stepText !== undefined) throw wrong("must have * or a range before its step");
  const from = first === undefined ? field.min : readNumber(first, field, "first");
  const to = all !== undefined ? field.max : last === undefined ? from : readNumber(last, field, "last");
  if (from === undefined || to === undefined) throw wrong(`is not within ${field.min} to ${field.max}`);
  if (from > to) throw wrong("ends before it begins");
  const step = stepText === undefined ? 1 : Number(stepText);
  if (step < 1 || step > field.max) throw wrong(`must have a step from 1 to ${field.max}`);
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}

/** As the end of a range, `SUN` is the day after Saturday. */
function readNumber(text: string, { min, max, names }: Field, end: "first" | "last"): number | undefined {
  const name = text.toUpperCase();
  const index = end === "first" ? names.indexOf(name) : names.lastIndexOf(name);
  if (index >= 0) return min + index;
  if (!/^\d{1,2}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}

/**
 * The same times as EventBridge writes them: `cron(0 9 ? * MON-FRI *)`. EventBridge counts weekdays from 1, so they are
 * written by name; it documents no ranges with steps and no steps of weekdays, so what is no plain step becomes a list.
 */
export function formatForEventBridge(fields: CronFields): string {
  const isDaily = fields.dayOfWeek.length === dayNames.length;
  const days = isDaily ? formatField(fields.dayOfMonth, dayOfMonth) : "?";
  const weekdays = isDaily ? "?" : formatRuns(fields.dayOfWeek, (day) => dayNames[day] ?? "");
  const time = `${formatField(fields.minute, minute)} ${formatField(fields.hour, hour)}`;
  return `cron(${time} ${days} ${formatField(fields.month, month)} ${weekdays} *)`;
}

function formatField(values: readonly number[], { min, max }: Field): string {
  const [first = min, second = first] = values;
  const step = second - first;
  const isFull = values.length === max - min + 1;
  if (isFull) return "*";
  const isEven = values.every((value, index) => value === first + index * step);
  const reachesEnd = first + values.length * step > max;
  return isEven && reachesEnd && values.length > 2 && step > 1 ? `${first}/${step}` : formatRuns(values, String);
}

/** `1,3-5`: neighbours, three or more, as a range. */
function formatRuns(values: readonly number[], name: (value: number) => string): string {
  const runs: { first: number; last: number }[] = [];
  for (const value of values) {
    const run = runs.at(-1);
    if (run !== undefined && run.last === value - 1) run.last = value;
    else runs.push({ first: value, last: value });
  }
  return runs.flatMap(({ first, last }) => formatRun(first, last, name)).join(",");
}

function formatRun(first: number, last: number, name: (value: number) => string): string[] {
  if (last === first) return [name(first)];
  return last === first + 1 ? [name(first), name(last)] : [`${name(first)}-${name(last)}`];
}
