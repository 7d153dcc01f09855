import * as v from "valibot";
import { text } from "./fields.ts";
import { defined, type Report, readObject } from "./reader.ts";
import type { Federation } from "./types.ts";

/** What stands in the place of a secret's name where the functions are let in without a key. */
export const noKey = "federation";

/** Whom AWS's proof of who a function is is meant for. */
export const identityAudience = "https://api.anthropic.com";

const maxWord = 256;
const schema = v.object({ federation: v.optional(v.unknown()) });
const federationSchema = v.object({
  organizationId: v.optional(text(maxWord)),
  federationRuleId: v.optional(text(maxWord)),
  serviceAccountId: v.optional(text(maxWord)),
  workspaceId: v.optional(text(maxWord)),
});

/** Reads `anthropic`: how the functions are let in, where not with the key of a secret. */
export function readFederation(value: unknown, report: Report): Federation | undefined {
  if (value === undefined) return undefined;
  const { federation } = readObject(schema, value, { path: ["anthropic"], report });
  if (federation === undefined) return undefined;
  const path = ["anthropic", "federation"];
  const required = ["organizationId", "federationRuleId"] as const;
  const {
    organizationId = "",
    federationRuleId = "",
    ...rest
  } = readObject(federationSchema, federation, {
    path,
    report,
    required,
  });
  return { organizationId, federationRuleId, ...defined(rest) };
}
