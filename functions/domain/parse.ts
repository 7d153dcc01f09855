import * as v from "valibot";
import { maxTime } from "./clock.ts";
import { CorruptRecordError } from "./errors.ts";

/** One thing wrong with an input: where, and what. */
export interface Problem {
  path: string;
  message: string;
}

const isPlainObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
/** Whatever its keys are. Not a `record`, which takes a list for one and leaves out keys such as `constructor`. */
export const jsonObject = v.custom<Record<string, unknown>>(isPlainObject, "must be an object");

/** A stored time: milliseconds since the epoch, as far as there are dates. */
export const time = v.pipe(v.number(), v.minValue(0), v.maxValue(maxTime));

/** `agents.list[5].cacheRetention` */
export function formatPath(keys: readonly unknown[]): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === "number") return `${path}[${key}]`;
    return path === "" ? String(key) : `${path}.${String(key)}`;
  }, "");
}

function toProblem(issue: v.BaseIssue<unknown>): Problem {
  const path = formatPath((issue.path ?? []).map((item) => ("key" in item ? item.key : "?")));
  if (issue.type === "strict_object" && issue.expected === "never") return { path, message: "unknown key" };
  if (issue.received === "undefined") return { path, message: "is required" };
  // What was received may be a prompt, and a problem may be logged: it says what was expected, and no more.
  const isOwn = !issue.message.endsWith(`but received ${issue.received}`);
  return { path, message: isOwn ? issue.message : `must be ${issue.expected ?? issue.type}` };
}

/** All that is wrong at once, or the value. */
export function parseWith<S extends v.GenericSchema>(
  schema: S,
  input: unknown,
): { ok: true; value: v.InferOutput<S> } | { ok: false; problems: Problem[] } {
  const result = v.safeParse(schema, input);
  return result.success
    ? { ok: true, value: result.output }
    : { ok: false, problems: result.issues.map((issue) => toProblem(issue)) };
}

/** The same for one flat object, with every key that it does not know named as well. */
export function parseStrictly<S extends v.GenericSchema & { entries: object }>(
  schema: S,
  input: unknown,
): { ok: true; value: v.InferOutput<S> } | { ok: false; problems: Problem[] } {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    return { ok: false, problems: [{ path: "", message: "must be a JSON object" }] };
  }
  const unknown = Object.keys(input).filter((key) => !Object.hasOwn(schema.entries, key));
  const parsed = parseWith(schema, input);
  if (parsed.ok && unknown.length === 0) return parsed;
  const problems = unknown.map((path) => ({ path, message: "unknown key" }));
  return { ok: false, problems: parsed.ok ? problems : [...parsed.problems, ...problems] };
}

/** For records of our own: throws `CorruptRecordError` with the first field that is wrong. */
export function parseRecord<S extends v.GenericSchema>(schema: S, input: unknown, what: string): v.InferOutput<S> {
  const parsed = parseWith(schema, input);
  if (parsed.ok) return parsed.value;
  const [problem] = parsed.problems;
  throw new CorruptRecordError(what, problem === undefined ? "?" : `${problem.path} ${problem.message}`);
}

/** `undefined` instead of an exception: what is not JSON is one more wrong input. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `task: must not be empty; lane: unknown key` */
export function describeProblems(problems: readonly Problem[]): string {
  return problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
}
