import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { describe, expect, it, onTestFinished } from "vitest";
import { startSecrets } from "../../../../infra/local/aws/secrets.ts";
import { clientOptions } from "./support.ts";

async function running(secrets: () => Record<string, string>, credentials = clientOptions.credentials) {
  const sessionToken = clientOptions.credentials.sessionToken;
  const server = await startSecrets({ secrets, sessionToken, startedAt: 0, log: () => {} });
  const client = new SecretsManagerClient({ ...clientOptions, credentials, endpoint: server.url });
  onTestFinished(async () => {
    client.destroy();
    await server.close();
  });
  return (SecretId: string) => client.send(new GetSecretValueCommand({ SecretId }));
}

describe("a secret", () => {
  it("is read by name and by ARN, as it is now", async () => {
    let value = "old";
    const get = await running(() => ({ "offpeak/key": value }));
    const { ARN } = await get("offpeak/key");
    value = "new";
    expect(await get(ARN!)).toMatchObject({ Name: "offpeak/key", SecretString: "new", VersionStages: ["AWSCURRENT"] });
  });

  it.each(["none", "toString"])("that is not there (%s) is a ResourceNotFoundException", async (name) => {
    const get = await running(() => ({}));
    await expect(get(name)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  it("is given to nobody without the session token of this run", async () => {
    const stranger = { ...clientOptions.credentials, sessionToken: "guessed" };
    const get = await running(() => ({ key: "sk" }), stranger);
    await expect(get("key")).rejects.toMatchObject({ name: "UnrecognizedClientException" });
  });
});
