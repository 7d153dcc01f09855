import * as v from "valibot";

const time = v.pipe(
  v.string(),
  v.transform((text) => Date.parse(text)),
  v.number(),
);
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const schema = v.pipe(
  v.object({
    id: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
    processing_status: v.picklist(["in_progress", "canceling", "ended"]),
    request_counts: v.object({
      processing: count,
      succeeded: count,
      errored: count,
      canceled: count,
      expired: count,
    }),
    created_at: time,
    ended_at: v.nullish(time),
    archived_at: v.nullish(time),
    results_url: v.nullish(v.string()),
  }),
  v.transform((batch) => ({
    batchId: batch.id,
    status: batch.processing_status,
    /** The counts move only at the end, but their sum is the number of requests from the start. */
    total: Object.values(batch.request_counts).reduce((sum, part) => sum + part, 0),
    counts: batch.request_counts,
    createdAt: batch.created_at,
    ...(batch.ended_at == null ? {} : { endedAt: batch.ended_at }),
    ...(batch.archived_at == null ? {} : { archivedAt: batch.archived_at }),
    ...(batch.results_url == null ? {} : { resultsUrl: batch.results_url }),
  })),
);

/** A Message Batch as Anthropic shows it, in our words; times in milliseconds since the epoch. */
export type Batch = v.InferOutput<typeof schema>;

/** `undefined` for anything that is not a batch. */
export function parseBatch(input: unknown): Batch | undefined {
  const parsed = v.safeParse(schema, input);
  return parsed.success ? parsed.output : undefined;
}

const pageSchema = v.object({
  data: v.array(schema),
  has_more: v.boolean(),
  last_id: v.nullish(v.string()),
});
export type BatchPage = { batches: Batch[]; hasMore: boolean; lastId?: string };

export function parseBatchPage(input: unknown): BatchPage | undefined {
  const parsed = v.safeParse(pageSchema, input);
  if (!parsed.success) return undefined;
  const { data, has_more, last_id } = parsed.output;
  return { batches: data, hasMore: has_more, ...(last_id == null ? {} : { lastId: last_id }) };
}
