import * as v from "valibot";
import type { Clause, Table, Write } from "../clients/table.ts";
import type { NanoUsd, PurseDay } from "../domain/budget.ts";
import { budgetDays, budgetShards } from "../domain/limits.ts";
import { daysLater } from "../domain/retention.ts";
import { type Session, shardOf } from "../domain/session.ts";
import { itemVersion, readItem } from "./versions.ts";

/**
 * What is committed of budgets. A day of a purse is one item that reservations only raise, so that a condition can bound
 * it, and some that what was released and spent is added to, each in one transaction with the fact itself. A session's are
 * all on one of these, and it is spent before it is released: whoever reads them in between sees too much, never too little.
 */
export interface Purses {
  read(purse: string, day: string): Promise<PurseDay>;
}

/** A reservation, as long as the day is still as it was seen. */
export interface Claim {
  purse: string;
  day: string;
  nanoUsd: NanoUsd;
  seen: PurseDay;
  /** What may be committed; without it, it is reserved in any case. */
  limit?: NanoUsd;
}

const reservedSchema = v.object({ reserved: v.number() });
const settledSchema = v.object({ released: v.optional(v.number(), 0), spent: v.optional(v.number(), 0) });

const partition = (purse: string, day: string) => `BUDGET#${purse}#${day}`;

/** Nobody asks for a day that is past, and what ends on a later one is still taken off there. */
const lifeOf = (day: string) => ({ v: itemVersion, expiresAt: daysLater(Date.parse(day), budgetDays) });

export function purseStore(table: Table): Purses {
  return {
    async read(purse, day) {
      const { items } = await table.query({ pk: partition(purse, day) });
      const sum = { reserved: 0, released: 0, spent: 0 };
      for (const item of items) {
        const what = `${item.sk} of ${item.pk}`;
        if (item.sk === "RESERVED") sum.reserved = readItem(reservedSchema, item, what).reserved;
        else {
          const { released, spent } = readItem(settledSchema, item, what);
          sum.released += released;
          sum.spent += spent;
        }
      }
      return sum;
    },
  };
}

export function claimWrite({ purse, day, nanoUsd, seen, limit }: Claim): Write {
  const key = { pk: partition(purse, day), sk: "RESERVED" };
  const room = (limit ?? 0) - nanoUsd + seen.released - seen.spent;
  const bounded: Clause =
    seen.reserved === 0
      ? { attribute: "reserved", is: "absent" }
      : { attribute: "reserved", is: "atMost", value: room };
  return {
    update: { key, set: lifeOf(day), add: { reserved: nanoUsd }, when: limit === undefined ? [] : [bounded] },
  };
}

/** With the end of a turn: what was reserved for it is free again, or spent. */
export function releaseWrites({ sessionId, budget, reserved = 0 }: Session, isSpent: boolean): Write[] {
  return settle(sessionId, budget, { released: reserved, ...(isSpent ? { spent: reserved } : {}) });
}

/** With a result: what it cost. */
export function spendWrites({ sessionId, budget }: Session, spent: NanoUsd): Write[] {
  return settle(sessionId, budget, { spent });
}

function settle(sessionId: string, budget: Session["budget"], add: Record<string, number>): Write[] {
  const sk = `SETTLED#${shardOf(sessionId, budgetShards)}`;
  return (budget?.of ?? []).map((purse) => ({
    update: { key: { pk: partition(purse, budget?.day ?? ""), sk }, set: lifeOf(budget?.day ?? ""), add, when: [] },
  }));
}
