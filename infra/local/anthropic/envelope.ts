import { ApiError, invalid } from "./api-error.ts";
import {
  isObject,
  type JsonObject,
  parseBody,
  refuseExtraKeys,
  requireList,
  requireObject,
  requireString,
} from "./json.ts";

/** Message Batches guide: 100,000 requests or 256 MB. Which MB is not stated; the smaller one is the strict reading. */
export const maxBatchRequests = 100_000;
export const maxBatchBytes = 256_000_000;
/** Messages API: 32 MB. */
export const maxMessageBytes = 32_000_000;

const customIdPattern = /^[a-zA-Z0-9_-]{1,64}$/;
const maxCustomIdCharacters = 64;
const bodyKeys = new Set(["requests"]);
const requestKeys = new Set(["custom_id", "params"]);

export interface BatchRequest {
  custom_id: string;
  params: JsonObject;
}

/**
 * The body of a batch create. Any fault of the envelope refuses the whole create; what is inside `params` is looked at
 * only when the batch is worked on.
 */
export function parseEnvelope(body: string): BatchRequest[] {
  if (Buffer.byteLength(body) > maxBatchBytes)
    throw new ApiError("request_too_large", "Request exceeds the maximum size");
  const envelope = parseBody(body);
  const items = requireList(envelope["requests"], "requests");
  refuseExtraKeys(envelope, bodyKeys, "");
  if (items.length === 0) throw invalid("requests: List should have at least 1 item after validation, not 0");
  if (items.length > maxBatchRequests) {
    throw invalid(`requests: List should have at most ${maxBatchRequests} items after validation, not ${items.length}`);
  }
  const seen = new Map<string, number>();
  return items.map((item, index) => parseRequest(item, index, seen));
}

function parseRequest(item: unknown, index: number, seen: Map<string, number>): BatchRequest {
  const path = `requests.${index}`;
  const request = requireObject(item, path);
  const customId = requireString(request["custom_id"], `${path}.custom_id`);
  if (customId === "") throw invalid(`${path}.custom_id: String should have at least 1 character`);
  if (customId.length > maxCustomIdCharacters) {
    throw invalid(`${path}.custom_id: String should have at most ${maxCustomIdCharacters} characters`);
  }
  if (!customIdPattern.test(customId)) {
    throw invalid(`${path}.custom_id: String should match pattern '${customIdPattern.source}'`);
  }
  const earlier = seen.get(customId);
  if (earlier !== undefined) {
    throw invalid(`${path}.custom_id: custom_id must be unique within a batch; requests.${earlier} has it too`);
  }
  seen.set(customId, index);
  const params = requireObject(request["params"], `${path}.params`);
  refuseExtraKeys(request, requestKeys, `${path}.`);
  return { custom_id: customId, params };
}

/** One stored line of a batch; it was checked when it came in. */
export function readRequestLine(line: string): BatchRequest {
  const value: unknown = JSON.parse(line);
  if (!isObject(value)) throw new Error("a stored request of the stand-in is not an object");
  return {
    custom_id: requireString(value["custom_id"], "custom_id"),
    params: requireObject(value["params"], "params"),
  };
}
