import type { Fault } from "./faults.ts";
import { isObject } from "./json.ts";

/** A result file as it is sent: pieces of text, and whether the connection breaks after the last one. */
export interface ResultFile {
  pieces: Iterable<string>;
  broken: boolean;
}

/** The result file of a batch of `count` requests, with what this fault does to it. */
export function resultFile(lines: Iterable<string>, count: number, fault: Fault | undefined): ResultFile {
  return { pieces: inPieces(damaged(lines, count, fault)), broken: fault?.kind === "reset_mid_stream" };
}

function* damaged(lines: Iterable<string>, count: number, fault: Fault | undefined): Iterable<string> {
  const cutAt = fault?.index ?? Math.floor(count / 2);
  const lineAt = fault?.index ?? 0;
  let at = 0;
  for (const line of lines) {
    const whole = `${line}\n`;
    const half = line.slice(0, Math.ceil(line.length / 2));
    if (at === cutAt && fault?.kind === "truncated_at_line") return;
    if (at === cutAt && (fault?.kind === "truncated_mid_line" || fault?.kind === "reset_mid_stream")) return yield half;
    if (at === lineAt) yield* spoiled(whole, half, fault);
    else yield whole;
    at += 1;
  }
}

function spoiled(whole: string, half: string, fault: Fault | undefined): string[] {
  switch (fault?.kind) {
    case "garbled_line":
      return [`${half}\u0000#\n`];
    case "missing_line":
      return [];
    case "duplicate_line":
      return [whole, whole];
    case "foreign_line":
      return [`${JSON.stringify({ custom_id: "nobody-knows-this-one", result: { type: "expired" } })}\n`, whole];
    default:
      return [whole];
  }
}

/** Lines are short and many: they are sent together, about this much at once. */
const pieceCharacters = 64 * 1024;

function* inPieces(lines: Iterable<string>): Iterable<string> {
  let held = "";
  for (const line of lines) {
    held += line;
    if (held.length < pieceCharacters) continue;
    yield held;
    held = "";
  }
  if (held !== "") yield held;
}

/** What a fault does to the JSON body of a call that succeeded. */
export function spoilBody(body: object, fault: Fault | undefined): object {
  if (fault?.kind === "list_missing" && "data" in body && Array.isArray(body.data)) {
    return { ...body, data: body.data.filter((_, index) => index !== (fault.index ?? 0)) };
  }
  if (fault?.kind !== "results_elsewhere") return body;
  const elsewhere = (batch: unknown) =>
    isObject(batch) && batch["results_url"] !== null ? { ...batch, results_url: fault.url ?? null } : batch;
  if ("data" in body && Array.isArray(body.data)) return { ...body, data: body.data.map(elsewhere) };
  return { ...body, ...("results_url" in body && body.results_url !== null ? { results_url: fault.url ?? null } : {}) };
}
