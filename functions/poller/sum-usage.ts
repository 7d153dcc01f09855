import { nameOf } from "../domain/errors.ts";
import { manifestListDays, partDays } from "../domain/limits.ts";
import { daysLater, isExpired } from "../domain/retention.ts";
import { emptyRollup } from "../domain/rollup.ts";
import { dayOf, dayOfMinute, type Mark } from "../store/books.ts";
import type { Renew } from "../store/leases.ts";
import type { PollerDeps } from "./deps.ts";
import { pageMs } from "./read-results.ts";
import { sumManifest } from "./sum-manifest.ts";
import { sumMinute } from "./sum-minute.ts";

/** Each makes marks of the next; what is summed rests on the ledger alone, so it may be done over at any time. */
const kinds = ["REBUILD", "MANIFEST", "MINUTE", "DAY"] as const;

/** Makes anew the sums of whatever was marked. @param renew holds the lease, for one part at a time */
export async function sumUsage(renew: Renew, deps: PollerDeps): Promise<void> {
  const { books, log } = deps;
  for (const kind of kinds) {
    for (const mark of await books.marks(kind)) {
      if (deps.millisecondsLeft() < pageMs) return log("time_short", { kind, name: mark.name });
      await renew();
      try {
        await sumPart(mark, deps);
      } catch (error) {
        // Its mark is still there: the next tick tries again, and the others are summed all the same.
        log("tick_failed", { step: "usage", kind, name: mark.name, error: nameOf(error) });
      }
    }
  }
}

async function sumPart(mark: Mark, deps: PollerDeps): Promise<void> {
  switch (mark.kind) {
    case "REBUILD":
      return markAll(mark, deps);
    case "MANIFEST":
      return totalManifest(mark, deps);
    case "MINUTE":
      return totalMinute(mark, deps);
    default:
      return totalDay(mark, deps);
  }
}

async function markAll(mark: Mark, { books }: PollerDeps): Promise<void> {
  for (const { kind, name } of await books.partsOf(mark.name)) await books.mark(kind, name);
  await books.mark("DAY", mark.name);
  await books.forget(mark);
}

/** It is marked before it is settled: until then it stays so. One that cannot be settled yet is marked again when it is. */
async function totalManifest(mark: Mark, deps: PollerDeps): Promise<void> {
  const manifest = await deps.manifests.get(mark.name);
  if (manifest?.state === "submitted") return;
  if (manifest?.state !== "settled") return deps.books.forget(mark);
  const day = dayOf(manifest.createdAt);
  const hasAll = !isExpired({ expiresAt: manifest.firstExpiry }, deps.clock.now());
  if (!hasAll && (await deps.books.hasTotal(mark, day))) return deps.books.forget(mark);
  await deps.books.putTotal(mark, day, await sumManifest(manifest, deps));
}

async function totalMinute(mark: Mark, deps: PollerDeps): Promise<void> {
  const day = dayOfMinute(mark.name);
  if (isPast(day, manifestListDays, deps)) return deps.books.forget(mark);
  const rollup = emptyRollup();
  const { isOver, hasAll } = await sumMinute(mark.name, rollup, deps);
  if (!isOver) return;
  if (!hasAll && (await deps.books.hasTotal(mark, day))) return deps.books.forget(mark);
  await deps.books.putTotal(mark, day, rollup);
}

async function totalDay(mark: Mark, { books, clock }: PollerDeps): Promise<void> {
  if (isPast(mark.name, partDays, { clock })) return books.forget(mark);
  await books.putDay(mark, await books.sumDay(mark.name));
}

/** What a sum was made of is kept for so many days, or as long as its sessions. Once any of it may be gone, the sum stays as it is. */
function isPast(day: string, keptDays: number, { clock }: Pick<PollerDeps, "clock">): boolean {
  return isExpired({ expiresAt: daysLater(Date.parse(day), keptDays) }, clock.now());
}
