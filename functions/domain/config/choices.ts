import type { Mode } from "../session.ts";
import type { Path, Report } from "./reader.ts";

/** One place where a setting may be written, under one of its names. */
export interface Written<T> {
  path: Path;
  value: T | undefined;
}

/**
 * A setting that has more than one name, or more than one place on one thing: written twice, it must be the same.
 * @returns the first that is written, with its path
 */
export function agreed<T>(places: readonly Written<T>[], report: Report): { path: Path; value: T } | undefined {
  const written = places.flatMap(({ path, value }) => (value === undefined ? [] : [{ path, value }]));
  const [first, ...others] = written;
  if (first === undefined) return undefined;
  for (const { path, value } of others) {
    if (JSON.stringify(value) === JSON.stringify(first.value)) continue;
    report(path, `disagrees with ${String(first.path.at(-1))} ${JSON.stringify(first.value)}`);
  }
  return first;
}

/** `batch: true`, `batch: {"enabled": true}` and their opposites, in the word that `routing` uses. */
export function modeOf(batch: boolean | { enabled: boolean } | undefined): Mode | undefined {
  if (batch === undefined) return undefined;
  const isEnabled = typeof batch === "boolean" ? batch : batch.enabled;
  return isEnabled ? "batch" : "realtime";
}
