import * as v from "valibot";

const counts = v.object({ succeeded: v.number(), errored: v.number(), canceled: v.number(), expired: v.number() });
const tries = v.record(v.string(), v.number());

const batchHead = v.object({
  id: v.string(),
  workspaceId: v.string(),
  /** Headers that hold for every request of the batch. */
  version: v.string(),
  betas: v.array(v.string()),
  count: v.number(),
  /** Milliseconds since the epoch. */
  createdAt: v.number(),
  /** When all requests will be done, unless the batch is canceled or expires before. */
  doneAt: v.number(),
});
/** What is known about a batch from its creation on, and never changes. */
export type BatchHead = v.InferOutput<typeof batchHead>;

const billLine = v.object({
  customId: v.nullable(v.string()),
  messageId: v.string(),
  batchId: v.nullable(v.string()),
  workspaceId: v.string(),
  model: v.string(),
  tier: v.picklist(["batch", "standard"]),
  usage: v.looseObject({
    input_tokens: v.number(),
    cache_creation_input_tokens: v.number(),
    cache_read_input_tokens: v.number(),
    output_tokens: v.number(),
  }),
});
/** One answer that Anthropic would bill, with its `usage` as the answer had it. */
export type BillLine = v.InferOutput<typeof billLine>;

const journalRecord = v.variant("kind", [
  v.object({ kind: v.literal("created"), batch: batchHead }),
  v.object({ kind: v.literal("canceled"), batchId: v.string(), at: v.number(), endsAt: v.number() }),
  v.object({ kind: v.literal("ended"), batchId: v.string(), counts, tries }),
  v.object({ kind: v.literal("deleted"), batchId: v.string() }),
  v.object({ kind: v.literal("message"), line: v.nullable(billLine), tries }),
]);
/** What happened, in order; folding the records gives the stand-in's whole state. */
export type JournalRecord = v.InferOutput<typeof journalRecord>;

export type LineKind = "requests" | "results" | "bill";

/** The many lines of one batch, kept apart from the records so that loading does not read them. */
export interface BatchLines {
  batchId: string;
  kind: LineKind;
  lines: readonly string[];
}

/** Where the state is kept. What was appended is there after a crash, all of it or nothing. */
export interface Journal {
  append(record: JournalRecord, bodies?: readonly BatchLines[]): void;
  load(): Iterable<JournalRecord>;
  /** The lines of one kind, in order; none when they were never written or were dropped. */
  lines(batchId: string, kind: LineKind): Iterable<string>;
  drop(batchId: string, kind: LineKind): void;
  close(): void;
}

export function parseRecord(text: string): JournalRecord {
  return v.parse(journalRecord, JSON.parse(text));
}

export function parseBillLine(text: string): BillLine {
  return v.parse(billLine, JSON.parse(text));
}

export function createMemoryJournal(): Journal {
  const records: JournalRecord[] = [];
  const bodies = new Map<string, readonly string[]>();
  const keyOf = (batchId: string, kind: LineKind) => `${kind}/${batchId}`;
  return {
    append: (record, added = []) => {
      records.push(record);
      for (const { batchId, kind, lines } of added) bodies.set(keyOf(batchId, kind), lines);
    },
    load: () => records,
    lines: (batchId, kind) => bodies.get(keyOf(batchId, kind)) ?? [],
    drop: (batchId, kind) => void bodies.delete(keyOf(batchId, kind)),
    close: () => {},
  };
}
