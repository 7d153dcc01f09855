import { ApiError, invalid } from "./api-error.ts";
import { type Batch, isArchived, viewBatch } from "./batch.ts";
import { slowestSeconds } from "./directives.ts";
import { parseEnvelope } from "./envelope.ts";
import type { JsonObject } from "./json.ts";
import { type Page, type PageQuery, pageOf } from "./list.ts";
import { addBatch, catchUp, drawMs, type World } from "./world.ts";

/** Who calls, and the headers that count for the body. */
export interface Caller {
  workspaceId: string;
  version: string;
  betas: readonly string[];
}

export function createBatch({ body, caller }: { body: string; caller: Caller }, world: World): JsonObject {
  catchUp(world);
  const requests = parseEnvelope(body);
  refuseOverQueue(requests.length, caller, world);
  const createdAt = world.clock.now();
  const id = world.chance.id("msgbatch", world.batches.size, createdAt);
  const head = {
    id,
    workspaceId: caller.workspaceId,
    version: caller.version,
    betas: [...caller.betas],
    count: requests.length,
    createdAt,
    doneAt: createdAt + drawMs(world, world.batchSeconds, id) + slowestSeconds(body) * 1000,
  };
  const lines = requests.map((request) => JSON.stringify(request));
  world.journal.append({ kind: "created", batch: head }, [{ batchId: id, kind: "requests", lines }]);
  const batch = { head, deleted: false };
  addBatch(world, batch);
  return view(batch, world);
}

function refuseOverQueue(added: number, caller: Caller, { open, maxQueuedRequests }: World): void {
  const mine = [...open].filter((batch) => batch.head.workspaceId === caller.workspaceId);
  const queued = mine.reduce((sum, batch) => sum + batch.head.count, 0);
  if (queued + added <= maxQueuedRequests) return;
  throw new ApiError("rate_limit_error", "This request would exceed your limit of queued batch requests.");
}

interface BatchInput {
  batchId: string;
  caller: Caller;
}

export function retrieveBatch(input: BatchInput, world: World): JsonObject {
  return view(find(input, world), world);
}

/** Newest first. A deleted batch is not shown any more, but still serves as a cursor. */
export function listBatches({ query, caller }: { query: PageQuery; caller: Caller }, world: World): Page<JsonObject> {
  catchUp(world);
  const mine = [...world.batches.values()].filter((batch) => batch.head.workspaceId === caller.workspaceId);
  const page = pageOf(mine.toReversed(), query, { id: (batch) => batch.head.id, isShown: (batch) => !batch.deleted });
  return { ...page, data: page.data.map((batch) => view(batch, world)) };
}

/** The lines of a result file, without their newlines, and how many there are. */
export interface BatchResults {
  lines: Iterable<string>;
  count: number;
}

export function batchResults(input: BatchInput, world: World): BatchResults {
  const batch = find(input, world);
  if (batch.counts === undefined || isArchived(batch, world.clock.now())) {
    throw new ApiError("not_found_error", `Batch ${input.batchId} has no available results.`);
  }
  return { lines: world.journal.lines(input.batchId, "results"), count: batch.head.count };
}

/** Canceling again changes nothing; canceling what has ended is refused. */
export function cancelBatch(input: BatchInput, world: World): JsonObject {
  const batch = find(input, world);
  if (batch.counts !== undefined) throw invalid(`Batch ${input.batchId} cannot be canceled: it has already ended.`);
  if (batch.cancel === undefined) {
    const at = world.clock.now();
    const cancel = { at, endsAt: at + world.cancelSeconds * 1000 };
    world.journal.append({ kind: "canceled", batchId: input.batchId, ...cancel });
    batch.cancel = cancel;
  }
  return view(batch, world);
}

export function deleteBatch(input: BatchInput, world: World): JsonObject {
  const batch = find(input, world);
  if (batch.counts === undefined) {
    throw invalid(`Batch ${input.batchId} cannot be deleted while it is in progress; cancel it first.`);
  }
  world.journal.append({ kind: "deleted", batchId: input.batchId });
  world.journal.drop(input.batchId, "results");
  batch.deleted = true;
  return { id: input.batchId, type: "message_batch_deleted" };
}

/** Batches of another workspace are not there, as far as a caller can tell. */
function find({ batchId, caller }: BatchInput, world: World): Batch {
  catchUp(world);
  const batch = world.batches.get(batchId);
  if (batch === undefined || batch.deleted || batch.head.workspaceId !== caller.workspaceId) {
    throw new ApiError("not_found_error", `Message batch with id ${batchId} not found.`);
  }
  return batch;
}

function view(batch: Batch, world: World): JsonObject {
  return viewBatch(batch, world.clock.now(), world.resultsBase());
}
