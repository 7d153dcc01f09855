import { nameOf } from "../domain/errors.ts";
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
      return deps.books.putDay(mark, await deps.books.sumDay(mark.name));
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
  const rollup = await sumManifest(manifest, deps);
  await deps.books.putTotal(mark, dayOf(manifest.createdAt), rollup);
}

async function totalMinute(mark: Mark, deps: PollerDeps): Promise<void> {
  const rollup = emptyRollup();
  const isOver = await sumMinute(mark.name, rollup, deps);
  if (isOver) await deps.books.putTotal(mark, dayOfMinute(mark.name), rollup);
}
