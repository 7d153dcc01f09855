import type { Lane } from "../../functions/domain/config/index.ts";

/** The variable that holds a secret on one machine: `night-key` is in `OFFPEAK_SECRET_NIGHT_KEY`. */
export function secretVariable(name: string): string {
  return `OFFPEAK_SECRET_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
}

export type LaneSecrets = { ok: true; secrets: Record<string, string> } | { ok: false; problems: string[] };

/**
 * The keys of lanes that have their own, by the name of their secret.
 * @param standInKey where the stand-in answers, any key is good: then a lane needs none of its own
 */
export function laneSecrets(
  lanes: readonly Pick<Lane, "id" | "apiKeySecret">[],
  source: Record<string, string | undefined>,
  standInKey?: string,
): LaneSecrets {
  const secrets: Record<string, string> = {};
  const problems: string[] = [];
  for (const { id, apiKeySecret } of lanes) {
    if (apiKeySecret === undefined) continue;
    const variable = secretVariable(apiKeySecret);
    const value = source[variable] || standInKey;
    if (value === undefined) problems.push(`${variable}: must hold the API key of lane ${id} (${apiKeySecret})`);
    else secrets[apiKeySecret] = value;
  }
  return problems.length === 0 ? { ok: true, secrets } : { ok: false, problems };
}
