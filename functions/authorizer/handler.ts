import * as v from "valibot";
import { createDynamoDb, dynamoTable } from "../clients/dynamodb.ts";
import { jsonLog } from "../clients/log.ts";
import { secretsManager } from "../clients/secrets-manager.ts";
import { systemClock } from "../clients/system.ts";
import { readEnvironment } from "../domain/environment.ts";
import { once } from "../domain/once.ts";
import type { Verdict } from "../domain/principal.ts";
import { loginStore } from "../store/logins.ts";
import { rememberedTokens, tokenStore } from "../store/tokens.ts";
import { type AuthorizeDeps, authorize } from "./authorize.ts";
import { environmentNames } from "./env.ts";

const eventSchema = v.object({
  headers: v.optional(v.record(v.string(), v.optional(v.string())), {}),
  requestContext: v.object({ http: v.object({ sourceIp: v.string() }) }),
});

/**
 * Called by API Gateway before a request goes on. It always lets the request pass, with its verdict: API Gateway's own
 * refusals could not have the form of our other errors. The functions let nobody in without a verdict.
 */
export async function handler(event: unknown): Promise<{ isAuthorized: true; context: Verdict }> {
  const { headers, requestContext } = v.parse(eventSchema, event);
  const input = { authorization: headers["authorization"], address: requestContext.http.sourceIp };
  return { isAuthorized: true, context: await authorize(input, deps()) };
}

/** Once a cold start. */
const deps = once((): AuthorizeDeps => {
  const env = readEnvironment(environmentNames, process.env);
  const table = dynamoTable(createDynamoDb(), env("OFFPEAK_TABLE"), systemClock);
  return {
    secrets: secretsManager(systemClock),
    tokenSecretId: env("OFFPEAK_TOKEN_SECRET"),
    tokens: rememberedTokens(tokenStore(table, systemClock), systemClock),
    logins: loginStore(table, systemClock),
    clock: systemClock,
    log: jsonLog("authorizer"),
  };
});
