import { createHash } from "node:crypto";

/**
 * Ids. A session id is 26 characters of Crockford base32: a ULID, or derived from who asked and with which idempotency
 * key, so that a repeat finds its session without an index. No id contains `_`, which separates them in a `custom_id`.
 */

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const idPattern = /^[0-9A-HJKMNP-TV-Z]{26}$/;

export function isId(text: string): boolean {
  return idPattern.test(text);
}

/** 130 bits of SHA-256, as 26 characters. The parts are length-prefixed, so that no two lists of parts meet. */
export function derivedId(...parts: string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  const digest = hash.digest();
  let id = "";
  for (let bit = 0; bit < 130; bit += 5) {
    const byte = digest.readUInt16BE(bit >> 3);
    id += crockford.charAt((byte >> (11 - (bit & 7))) & 31);
  }
  return id;
}

/** Hexadecimal SHA-256 of a text, or of bytes. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

export function dashboardKey(agentId: string, sessionId: string): string {
  return `agent:${agentId}:dashboard:${sessionId.toLowerCase()}`;
}

export function cronKey(agentId: string, jobId: string, sessionId: string): string {
  return `agent:${agentId}:cron:${jobId}:run:${sessionId.toLowerCase()}`;
}

/** The job of a session that a cron job made. No id in a key has a colon. */
export function cronJobOf(sessionKey: string): string | undefined {
  return /^agent:[^:]+:cron:([^:]+):run:/.exec(sessionKey)?.[1];
}

/** What a batch request is called: at most 64 characters of `[a-zA-Z0-9_-]` (Anthropic), readable only after the end. */
export interface CustomId {
  sessionId: string;
  turn: number;
  manifestId: string;
}

export function formatCustomId(id: CustomId): string {
  return `${id.sessionId}_${id.turn}_${id.manifestId}`;
}

/** `undefined` for every id that is not one of ours. */
export function parseCustomId(text: string): CustomId | undefined {
  const [sessionId = "", turn = "", manifestId = "", ...rest] = text.split("_");
  if (rest.length > 0 || !isId(sessionId) || !isId(manifestId) || !/^[1-9][0-9]{0,3}$/.test(turn)) return undefined;
  return { sessionId, turn: Number(turn), manifestId };
}

/** How one turn is told from all others. */
export function turnName({ sessionId, turn }: { sessionId: string; turn: number }): string {
  return `${sessionId}.${turn}`;
}

/** The id of a delivery, the same however often the event is put. */
export function deliveryId(sessionId: string, turn: number): string {
  return `${turnName({ sessionId, turn })}.completed`;
}
