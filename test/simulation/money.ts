import type { Item } from "../../functions/clients/table.ts";
import { parseCustomId } from "../../functions/domain/ids.ts";
import { booksOf, chargeOf, isResult, ledgerOf, priceOf, textOf } from "../support/money.ts";
import type { World } from "./world.ts";

/**
 * To the pico-dollar: every line of the bill is the charge of its own entry of the ledger, but for real-time calls that
 * are booked as unknown; no entry has a charge that nobody asks for; and the sums are those of the ledger.
 */
export function moneyViolations(world: Pick<World, "api" | "items">): string[] {
  const items = world.items();
  const results = items.filter((item) => isResult(item) && item["billed"] === true);
  const entries = new Map(results.map((item) => [nameOf(item), item]));
  const violations: string[] = [];
  let unbooked = 0;
  for (const line of world.api.model.bill()) {
    if (line.customId?.startsWith("theirs-") === true) continue;
    const name = line.customId === null ? line.messageId : batchName(line.customId);
    const entry = entries.get(name);
    entries.delete(name);
    if (entry === undefined && line.customId === null) unbooked += 1;
    // One that could not be read has no price, which the ledger says.
    const charge = entry === undefined || entry["type"] !== "succeeded" ? undefined : chargeOf(entry);
    const isRight = charge === undefined ? entry?.["type"] !== "succeeded" : charge === priceOf(line);
    if (!isRight) violations.push(`${name}: costs ${priceOf(line)}, and is booked as ${String(charge)}`);
  }
  const unpaid = [...entries.values()].filter((item) => chargeOf(item) !== undefined);
  violations.push(...unpaid.map((item) => `${nameOf(item)}: booked, and asked for by nobody`));
  const sources = new Set(items.filter(isResult).map((item) => item["source"]));
  const unknown = items.filter(({ sk, run }) => sk.startsWith("ATTEMPT#") && !sources.has(run)).length;
  if (unbooked > unknown) violations.push(`${unbooked} real-time calls paid without an entry, ${unknown} unknown`);
  return [...violations, ...sumViolations(items), ...budgetViolations(items)];
}

/** Nothing stays reserved; and what was spent is what the ledger says of those who are paid from a budget, or more. */
function budgetViolations(items: readonly Item[]): string[] {
  const purses = items.filter(({ pk }) => pk.startsWith("BUDGET#"));
  const sum = (name: string) => purses.reduce((total, item) => total + Number(item[name] ?? 0), 0);
  const outstanding = sum("reserved") - sum("released");
  const agents = new Set(purses.map(({ pk }) => pk.split("#")[2]));
  const results = items.filter(
    (item) => isResult(item) && item["billed"] === true && agents.has(String(item["agentId"])),
  );
  const paid = results.reduce((total, item) => total + Number(chargeOf(item) ?? 0n) / 1_000, 0);
  return [
    ...(outstanding === 0 ? [] : [`budgets: ${outstanding} still reserved`]),
    ...(sum("spent") >= paid ? [] : [`budgets: ${sum("spent")} spent, ${paid} booked`]),
  ];
}

function sumViolations(items: readonly Item[]): string[] {
  const due = items.filter(({ pk }) => pk === "UNSUMMED").map(({ sk }) => `${sk}: never summed`);
  const [ledger, books] = [ledgerOf(items), booksOf(items)];
  const isSame = ledger.paid === books.paid && ledger.missing === books.missing;
  const shown = ({ paid, missing }: typeof ledger) => `${paid} and ${missing} missing`;
  return [...due, ...(isSame ? [] : [`the ledger has ${shown(ledger)}, its sums ${shown(books)}`])];
}

function batchName(customId: string): string {
  const { sessionId, turn, manifestId } = parseCustomId(customId) ?? {};
  return `${sessionId}.${turn}.${manifestId}`;
}

/** A batch's by what it was called, a real-time one by the message it is. */
function nameOf(result: Item): string {
  const { pk, turn, source } = result;
  if (!String(source).startsWith("rt-")) return `${pk.replace("SESSION#", "")}.${String(turn)}.${String(source)}`;
  const { id }: { id: string } = JSON.parse(textOf(result["body"]));
  return id;
}
