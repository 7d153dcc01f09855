import { invalid } from "./api-error.ts";

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** Refuses, as the API does, the first key that is not in `known`. `path` ends with a dot unless it is empty. */
export function refuseExtraKeys(value: JsonObject, known: ReadonlySet<string>, path: string): void {
  for (const key of Object.keys(value)) {
    if (!known.has(key)) throw invalid(`${path}${key}: Extra inputs are not permitted`);
  }
}

export function requireList(value: unknown, path: string): readonly unknown[] {
  if (value === undefined) throw invalid(`${path}: Field required`);
  if (!isList(value)) throw invalid(`${path}: Input should be a valid list`);
  return value;
}

export function requireObject(value: unknown, path: string): JsonObject {
  if (value === undefined) throw invalid(`${path}: Field required`);
  if (!isObject(value)) throw invalid(`${path}: Input should be a valid dictionary`);
  return value;
}

export function requireString(value: unknown, path: string): string {
  if (value === undefined) throw invalid(`${path}: Field required`);
  if (typeof value !== "string") throw invalid(`${path}: Input should be a valid string`);
  return value;
}

export function parseBody(body: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw invalid("The request body is not valid JSON.");
  }
  if (!isObject(value)) throw invalid("The request body should be a valid dictionary");
  return value;
}
