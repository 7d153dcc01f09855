import * as v from "valibot";
import { parseRecord } from "../domain/parse.ts";

/** Raised when the shape of an item changes; older ones are still read. What was written before items had one is of the first. */
export const itemVersion = 1;

/** What a later version wrote may mean something else by the same names: after a step back it is damage, and left as it is. */
const versionSchema = v.object({
  v: v.optional(v.pipe(v.number(), v.maxValue(itemVersion, "is later than this release"))),
});

/**
 * An item of any version so far.
 * @throws CorruptRecordError naming the field
 */
export function readItem<S extends v.GenericSchema>(schema: S, item: unknown, what: string): v.InferOutput<S> {
  parseRecord(versionSchema, item, what);
  return parseRecord(schema, item, what);
}

/** The same where one that cannot be read is passed over. */
export function readableItem<S extends v.GenericSchema>(schema: S, item: unknown): v.InferOutput<S> | undefined {
  const parsed = v.safeParse(schema, item);
  return parsed.success && v.is(versionSchema, item) ? parsed.output : undefined;
}
