import { CorruptRecordError } from "../domain/errors.ts";
import type { Manifest } from "../domain/manifest.ts";
import type { PollerDeps } from "./deps.ts";

/** What is known of a manifest. Of one that is damaged nobody can tell whether it was sent, and none of its sessions is at fault. */
export async function headOf(
  manifestId: string,
  { manifests, log }: PollerDeps,
): Promise<Manifest | "damaged" | undefined> {
  try {
    return await manifests.get(manifestId);
  } catch (error) {
    if (!(error instanceof CorruptRecordError)) throw error;
    log("record_corrupt", { manifestId, what: error.message });
    return "damaged";
  }
}
