import * as v from "valibot";
import { type LocalServer, serve } from "./http.ts";
import { AwsFault, account, answerJson, type Operation, parseInput, region } from "./protocol.ts";

const getInput = v.object({ SecretId: v.string() });
const arnStart = `arn:aws:secretsmanager:${region}:${account}:secret:`;

/**
 * Secrets Manager's GetSecretValue, by name or ARN. Only a caller that sends `sessionToken` gets an answer: the port is open to
 * every user of the machine, and what it gives out may be a key that costs money.
 */
export async function startSecrets(deps: {
  secrets: () => Record<string, string>;
  sessionToken: string;
  startedAt: number;
  log: (line: string) => void;
}): Promise<LocalServer> {
  const get: Operation = (input, request) => {
    if (request.header("x-amz-security-token") !== deps.sessionToken) {
      throw new AwsFault("UnrecognizedClientException", "The security token included in the request is invalid.");
    }
    const { SecretId } = parseInput(getInput, input, "InvalidParameterException");
    const name = SecretId.startsWith(arnStart) ? SecretId.slice(arnStart.length) : SecretId;
    const secrets = deps.secrets();
    if (!Object.hasOwn(secrets, name)) {
      throw new AwsFault("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
    }
    return {
      ARN: arnStart + name,
      Name: name,
      SecretString: secrets[name],
      VersionId: "00000000-0000-4000-8000-000000000000",
      VersionStages: ["AWSCURRENT"],
      CreatedDate: Math.floor(deps.startedAt / 1000),
    };
  };
  const service = { target: "secretsmanager", version: "1.1", operations: new Map([["GetSecretValue", get]]) } as const;
  return serve((request) => answerJson(request, service), deps.log);
}
