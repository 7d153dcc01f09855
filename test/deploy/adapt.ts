import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "../flow/support.ts";

/**
 * Changes the templates in a synthesized folder where the emulator is not AWS; the README says what each change stands for.
 * @returns what was changed, a line each
 */
export function adaptTemplates(folder: string, anthropicUrl: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".template.json"));
  return names.flatMap((name) => {
    const path = join(folder, name);
    const template: Json = JSON.parse(readFileSync(path, "utf8"));
    const changes = adaptTemplate(template, anthropicUrl);
    writeFileSync(path, JSON.stringify(template));
    return changes;
  });
}

function adaptTemplate({ Resources }: Json, anthropicUrl: string): string[] {
  const changes: string[] = [];
  for (const [id, { Type, Properties }] of Object.entries<Json>(Resources)) {
    const variables = Properties?.Environment?.Variables;
    if (Type === "AWS::CloudWatch::Alarm" && Properties.Metrics !== undefined) {
      delete Resources[id];
      changes.push(`left out the alarm ${id}`);
    }
    if (variables?.OFFPEAK_CONFIG !== undefined) {
      // Relative to the folder of the function, in which the emulator starts it.
      variables.OFFPEAK_CONFIG = variables.OFFPEAK_CONFIG.replace("/var/task/", "");
      changes.push(`${id} reads its configuration beside its code`);
    }
    if (variables?.OFFPEAK_API_KEY_SECRET !== undefined) {
      variables.ANTHROPIC_BASE_URL = anthropicUrl;
      changes.push(`${id} calls the stand-in`);
    }
  }
  return changes;
}
