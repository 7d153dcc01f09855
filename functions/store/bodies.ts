import { gunzipSync, gzipSync } from "node:zlib";
import * as v from "valibot";
import type { Objects } from "../clients/s3.ts";
import type { Clock } from "../domain/clock.ts";
import { CorruptRecordError } from "../domain/errors.ts";
import { sha256 } from "../domain/ids.ts";
import { bodyStepDays, maxBodyDays, maxInlineBytes } from "../domain/limits.ts";
import { parseRecord } from "../domain/parse.ts";

/** Text shorter than this gains nothing from compression. */
const smallBytes = 512;
/** Eight write units, which is what an object costs: fewer bytes are cheaper in their items. */
const sharedBytes = 8 * 1024;
const dayMs = 24 * 3_600_000;

/** The output of zlib is in buffers of 16 KB each, however short it is, and a hundred thousand of them wait to be collected. */
const maxPieceBytes = 16 * 1024;
const minPieceBytes = 256;
const pieceFor = (bytes: number) => ({ chunkSize: Math.min(maxPieceBytes, Math.max(minPieceBytes, bytes + 1)) });

/** A copy, since the piece it lies in would stay as well. */
function compressed(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(text, pieceFor(text.length)));
}

/** How long it was is at its end (RFC 1952), which only says how much room is made: where it is wrong, there are more pieces. */
function decompressed(bytes: Uint8Array): string {
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return gunzipSync(bytes, pieceFor(end.byteLength < 4 ? 0 : end.readUInt32LE(end.byteLength - 4))).toString("utf8");
}

const packedSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("text"), text: v.string() }),
  v.strictObject({ kind: v.literal("gzip"), bytes: v.instance(Uint8Array) }),
  v.strictObject({ kind: v.literal("object"), key: v.string() }),
  v.strictObject({ kind: v.literal("part"), key: v.string(), from: v.number(), to: v.number() }),
]);
/** A large text as it lies in an item: as it is, compressed, or as an object in the bucket, or a part of one. */
export type Packed = v.InferOutput<typeof packedSchema>;

/** Where a body lies, and how long somebody may read it, in seconds since the epoch; without that, for good. */
export interface Place {
  path: string;
  expiresAt?: number | undefined;
}

/**
 * The bucket forgets by age, folder by folder: each says for how many days what is put there is needed at most. So whatever the
 * configuration says tomorrow, nothing goes that an item still points to; and what is put again begins anew.
 */
function folderOf({ path, expiresAt }: Place, now: number): string {
  if (expiresAt === undefined) return path;
  const days = Math.max(1, (expiresAt * 1000 - now) / dayMs);
  return `${Math.min(maxBodyDays, Math.ceil(days / bodyStepDays) * bodyStepDays)}-days/${path}`;
}

export interface Bodies {
  /** What does not fit an item is stored at its place first; its key is the hash of the text, so a repeat changes nothing. */
  pack(text: string, place: Place): Promise<Packed>;
  /** Many at once: those that take more room together than an object costs share one, each compressed by itself. */
  packTogether(texts: readonly string[], place: Place): Promise<Packed[]>;
  unpack(packed: unknown): Promise<string>;
}

/** Shared objects that are kept after they were read: each has at most the 4 MB of a bulk call, or a page of results. */
const maxRecentObjects = 8;

/** Reads an object once for all who come for their parts of it one after another, or at once. What it holds never changes. */
function recentReader({ get }: Objects): Objects["get"] {
  const recent = new Map<string, ReturnType<Objects["get"]>>();
  return (key) => {
    const there = recent.get(key);
    const whole = there ?? get(key);
    recent.delete(key);
    recent.set(key, whole);
    for (const oldest of recent.keys()) if (recent.size > maxRecentObjects) recent.delete(oldest);
    whole.catch(() => recent.delete(key));
    return whole;
  };
}

export function bodyStore(objects: Objects, clock: Clock): Bodies {
  const readShared = recentReader(objects);
  const read = async (packed: Extract<Packed, { key: string }>): Promise<Uint8Array> => {
    const whole = await (packed.kind === "part" ? readShared(packed.key) : objects.get(packed.key));
    if (whole === undefined) throw new CorruptRecordError("body", "its object is no longer there");
    return packed.kind === "part" ? whole.subarray(packed.from, packed.to) : whole;
  };
  return {
    async pack(text, place) {
      if (text.length <= smallBytes) return { kind: "text", text };
      const bytes = compressed(text);
      if (bytes.byteLength <= maxInlineBytes) return { kind: "gzip", bytes };
      const key = `${folderOf(place, clock.now())}/${sha256(text)}.gz`;
      await objects.put(key, bytes);
      return { kind: "object", key };
    },
    async packTogether(texts, place) {
      const bodies = texts.map((text) => (text.length <= smallBytes ? undefined : compressed(text)));
      const whole = Buffer.concat(bodies.filter((bytes) => bytes !== undefined));
      const key = `${folderOf(place, clock.now())}/${sha256(whole)}.gz`;
      const isShared = whole.byteLength >= sharedBytes;
      if (isShared) await objects.put(key, whole);
      let from = 0;
      return bodies.map((bytes, index): Packed => {
        if (bytes === undefined) return { kind: "text", text: texts[index] ?? "" };
        const to = from + bytes.byteLength;
        const part = { kind: "part" as const, key, from, to };
        from = to;
        return isShared ? part : { kind: "gzip", bytes };
      });
    },
    async unpack(input) {
      const packed = parseRecord(packedSchema, input, "body");
      if (packed.kind === "text") return packed.text;
      const bytes = packed.kind === "gzip" ? packed.bytes : await read(packed);
      try {
        return decompressed(bytes);
      } catch {
        throw new CorruptRecordError("body", "it cannot be decompressed");
      }
    },
  };
}
