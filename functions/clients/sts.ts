import { GetWebIdentityTokenCommand, STSClient } from "@aws-sdk/client-sts";
import { identityAudience } from "../domain/config/index.ts";
import { identitySeconds } from "../domain/limits.ts";
import { boundedRequests } from "./request-handler.ts";

/** Has AWS sign who this function is, for Anthropic alone and for a few minutes. The endpoint is that of its region: the global one has no such call. */
export function identityProver(): () => Promise<string> {
  const client = new STSClient({
    maxAttempts: 3,
    requestHandler: boundedRequests(5_000),
  });
  const input = { Audience: [identityAudience], DurationSeconds: identitySeconds, SigningAlgorithm: "RS256" };
  return async () => {
    const { WebIdentityToken } = await client.send(new GetWebIdentityTokenCommand(input));
    if (WebIdentityToken === undefined || WebIdentityToken === "") throw new Error("STS gave no token");
    return WebIdentityToken;
  };
}
