import { gunzipSync, gzipSync } from "node:zlib";
import * as v from "valibot";
import type { Objects } from "../clients/s3.ts";
import { CorruptRecordError } from "../domain/errors.ts";
import { sha256 } from "../domain/ids.ts";
import { maxInlineBytes } from "../domain/limits.ts";
import { parseRecord } from "../domain/parse.ts";

/** Text shorter than this gains nothing from compression. */
const smallBytes = 512;

const packedSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("text"), text: v.string() }),
  v.strictObject({ kind: v.literal("gzip"), bytes: v.instance(Uint8Array) }),
  v.strictObject({ kind: v.literal("object"), key: v.string() }),
]);
/** A large text as it lies in an item: as it is, compressed, or as the key of an object in the bucket. */
export type Packed = v.InferOutput<typeof packedSchema>;

export interface Bodies {
  /** What does not fit an item is stored under `folder` first; its key is the hash of the text, so a repeat changes nothing. */
  pack(text: string, folder: string): Promise<Packed>;
  unpack(packed: unknown): Promise<string>;
}

export function bodyStore(objects: Objects): Bodies {
  return {
    async pack(text, folder) {
      if (text.length <= smallBytes) return { kind: "text", text };
      const bytes = new Uint8Array(gzipSync(text));
      if (bytes.byteLength <= maxInlineBytes) return { kind: "gzip", bytes };
      const key = `${folder}/${sha256(text)}.gz`;
      await objects.put(key, bytes);
      return { kind: "object", key };
    },
    async unpack(input) {
      const packed = parseRecord(packedSchema, input, "body");
      if (packed.kind === "text") return packed.text;
      const bytes = packed.kind === "gzip" ? packed.bytes : await objects.get(packed.key);
      try {
        return gunzipSync(bytes).toString("utf8");
      } catch {
        throw new CorruptRecordError("body", "it cannot be decompressed");
      }
    },
  };
}
