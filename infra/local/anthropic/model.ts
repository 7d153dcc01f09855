import {
  type BatchResults,
  batchResults,
  type Caller,
  cancelBatch,
  createBatch,
  deleteBatch,
  listBatches,
  retrieveBatch,
} from "./batches.ts";
import { type BillLine, parseBillLine } from "./journal.ts";
import type { JsonObject } from "./json.ts";
import { type Page, type PageQuery, pageOf } from "./list.ts";
import { type Answered, countTokens, createMessage } from "./messages.ts";
import { allModels, findModel, modelInfo } from "./models.ts";
import { catchUp, createWorld, type World, type WorldOptions } from "./world.ts";

export type { Caller } from "./batches.ts";
export type { BillLine } from "./journal.ts";
export type { WorldOptions } from "./world.ts";

/** Anthropic's API as plain, synchronous calls. Each may throw `ApiError`. */
export interface StandInModel {
  createBatch(body: string, caller: Caller): JsonObject;
  retrieveBatch(batchId: string, caller: Caller): JsonObject;
  listBatches(query: PageQuery, caller: Caller): Page<JsonObject>;
  batchResults(batchId: string, caller: Caller): BatchResults;
  cancelBatch(batchId: string, caller: Caller): JsonObject;
  deleteBatch(batchId: string, caller: Caller): JsonObject;
  createMessage(body: string, caller: Caller): Answered;
  countTokens(body: string, caller: Caller): { input_tokens: number };
  listModels(query: PageQuery): Page<JsonObject>;
  retrieveModel(modelId: string): JsonObject;
  /** Every answer that Anthropic would bill, up to now, batches first: the end of a batch counts, not the reading of it. */
  bill(): BillLine[];
}

export function createModel(options: WorldOptions): StandInModel {
  const world = createWorld(options);
  return {
    createBatch: (body, caller) => createBatch({ body, caller }, world),
    retrieveBatch: (batchId, caller) => retrieveBatch({ batchId, caller }, world),
    listBatches: (query, caller) => listBatches({ query, caller }, world),
    batchResults: (batchId, caller) => batchResults({ batchId, caller }, world),
    cancelBatch: (batchId, caller) => cancelBatch({ batchId, caller }, world),
    deleteBatch: (batchId, caller) => deleteBatch({ batchId, caller }, world),
    createMessage: (body, caller) => createMessage({ body, caller }, world),
    countTokens: (body, caller) => countTokens({ body, caller }),
    listModels,
    retrieveModel: (modelId) => modelInfo(findModel(modelId)),
    bill: () => billOf(world),
  };
}

function listModels(query: PageQuery): Page<JsonObject> {
  const page = pageOf(allModels(), query, { id: (model) => model.id, isShown: () => true });
  return { ...page, data: page.data.map(modelInfo) };
}

function billOf(world: World): BillLine[] {
  catchUp(world);
  const { batches, journal, realtimeBill } = world;
  const batched = [...batches.keys()].flatMap((id) => Array.from(journal.lines(id, "bill"), parseBillLine));
  return [...batched, ...realtimeBill];
}
