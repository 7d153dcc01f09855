import type { Batch } from "./batch.ts";
import type { Manifest } from "./manifest.ts";

/** Whether a batch nobody owns could be this manifest's: made while its call could run, with as many requests. */
export function mayBe(batch: Batch, manifest: Manifest, skewMs: number): boolean {
  const isInTime =
    batch.createdAt >= manifest.createdAt - skewMs && batch.createdAt <= (manifest.notAfter ?? Infinity) + skewMs;
  return isInTime && batch.total === manifest.count;
}

/** Whether so much time has passed since the call's bound that its batch would be listed, had there been one. */
export function isMissing(manifest: Manifest, now: number, graceMs: number): boolean {
  return manifest.notAfter !== undefined && now > manifest.notAfter + graceMs;
}
