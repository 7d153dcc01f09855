import * as v from "valibot";
import { type Status, statuses } from "../../functions/domain/session.ts";
import type { Content, DemoSession } from "./demo-api.ts";

/** A session of the demo at its end, with what it answered. */
export interface Row {
  session: DemoSession;
  /** Undefined when it has no answer. */
  answer: Content | undefined;
}

const textBlockSchema = v.object({ type: v.literal("text"), text: v.string() });

/** The text of an answer without what is not meant to be read: thinking and tool calls. */
export function textOf(content: Content): string {
  if (typeof content === "string") return content;
  const blocks = content.flatMap((block) => {
    const parsed = v.safeParse(textBlockSchema, block);
    return parsed.success ? [parsed.output.text] : [];
  });
  return blocks.join("");
}

/** The first line with anything on it, in at most `width` characters. */
export function firstLine(text: string, width: number): string {
  const line = text.split(/\r?\n/).find((one) => one.trim() !== "") ?? "";
  return shortened(line.replaceAll(/[\s\p{Cc}]+/gu, " ").trim(), width);
}

function shortened(text: string, width: number): string {
  const characters = charactersOf(text);
  return characters.length <= width
    ? text
    : `${characters
        .slice(0, Math.max(0, width - 1))
        .join("")
        .trimEnd()}…`;
}

const segmenter = new Intl.Segmenter();

/** Characters as a reader counts them. */
function charactersOf(text: string): string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** `  14 s  submitted 4  done 3`: only what there is, in the order of the flow. */
export function progressLine(found: readonly Status[], seconds: number): string {
  const counts = statuses.flatMap((status) => {
    const count = found.filter((one) => one === status).length;
    return count === 0 ? [] : [`${status} ${count}`];
  });
  return `${clock(seconds).padStart(8)}  ${counts.join("  ")}`;
}

/** `45 s`, `3 min 05 s`, `2 h 07 min`. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours > 0) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  return minutes > 0 ? `${minutes} min ${String(rest).padStart(2, "0")} s` : `${rest} s`;
}

/** Six decimals: a short answer of the cheapest model costs some millionths of a dollar. */
export function dollars(usd: number): string {
  return `$${usd.toFixed(6)}`;
}

/** The tokens of a prompt, whether they were read from a cache, written to it, or neither. */
function inputTokens({ usage }: DemoSession): number {
  return usage.input + usage.cacheRead + usage.cacheWrite;
}

const heads = ["session", "agent", "status", "answer", "in", "out", "cost", "real-time"] as const;
/** Columns before this one are words, after it figures; its own width is what the others leave. */
const answerColumn = 3;
const answerWidth = { least: 24, most: 60 };
const gap = "  ";

/** The table of the end: each session, what it said, its tokens, its cost and the same at the real-time price. */
export function table(rows: readonly Row[], columns: number): string {
  const body = rows.map(toCells);
  const total = totalCells(rows);
  const widths = columnWidths([heads, ...body, total], columns);
  const rule = widths.map((width) => "─".repeat(width)).join(gap);
  const toLine = (cells: readonly string[]) =>
    cells
      .map((cell, column) => pad(cell, widths[column] ?? 0, column > answerColumn))
      .join(gap)
      .trimEnd();
  return [toLine(heads), rule, ...body.map(toLine), rule, toLine(total)].join("\n");
}

function toCells({ session, answer }: Row): string[] {
  const { sessionId, agentId, status, error, cost, usage } = session;
  const said = error === undefined ? textOf(answer ?? "") : `${error.type}: ${error.message}`;
  const isKnown = cost !== undefined && cost.missing === 0;
  const money = isKnown ? [dollars(cost.totalUsd), dollars(cost.realtimeUsd)] : ["unknown", "unknown"];
  return [
    sessionId,
    agentId,
    status,
    firstLine(said, answerWidth.most),
    String(inputTokens(session)),
    String(usage.output),
    ...money,
  ];
}

function totalCells(rows: readonly Row[]): string[] {
  const sum = (read: (session: DemoSession) => number) => rows.reduce((total, { session }) => total + read(session), 0);
  return [
    "total",
    "",
    "",
    `${rows.length} ${rows.length === 1 ? "session" : "sessions"}`,
    String(sum(inputTokens)),
    String(sum(({ usage }) => usage.output)),
    dollars(sum(({ cost }) => cost?.totalUsd ?? 0)),
    dollars(sum(({ cost }) => cost?.realtimeUsd ?? 0)),
  ];
}

function columnWidths(lines: readonly (readonly string[])[], columns: number): number[] {
  const wanted = heads.map((_, column) => Math.max(...lines.map((cells) => lengthOf(cells[column] ?? ""))));
  const others = wanted.reduce((sum, width, column) => (column === answerColumn ? sum : sum + gap.length + width), 0);
  const left = Math.max(answerWidth.least, columns - others);
  return wanted.map((width, column) => (column === answerColumn ? Math.min(width, left) : width));
}

function pad(text: string, width: number, isFigure: boolean): string {
  const cut = shortened(text, width);
  const spaces = " ".repeat(width - lengthOf(cut));
  return isFigure ? spaces + cut : cut + spaces;
}

function lengthOf(text: string): number {
  return charactersOf(text).length;
}

/** What waiting has saved, in one sentence; costs that are not known are said to be missing, never taken as 0. */
export function savings(rows: readonly Row[]): string {
  const costs = rows.flatMap(({ session }) => (session.cost === undefined ? [] : [session.cost]));
  const paid = costs.reduce((sum, { totalUsd }) => sum + totalUsd, 0);
  const full = costs.reduce((sum, { realtimeUsd }) => sum + realtimeUsd, 0);
  const unknown = rows.filter(({ session: { cost } }) => cost === undefined || cost.missing > 0).length;
  const percent = full === 0 ? 0 : Math.round((1 - paid / full) * 100);
  const missing = unknown === 0 ? "" : ` The cost of ${unknown} of them is not known and not counted.`;
  return `${dollars(paid)} instead of ${dollars(full)}: ${percent} % saved.${missing}`;
}

/** Whether a row's answer says of itself that no model was asked. */
export function standInSpoke({ answer }: Row): boolean {
  return textOf(answer ?? "").includes("local stand-in for Anthropic");
}

const unitSeconds = new Map([
  ["s", 1],
  ["m", 60],
  ["h", 3_600],
]);

/** `90`, `90s`, `30m` or `24h` in seconds; `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit = ""] = /^([1-9]\d{0,5})([smh]?)$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (unitSeconds.get(unit) ?? 1);
}
