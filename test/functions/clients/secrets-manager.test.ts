import { describe, expect, it } from "vitest";
import { type Secrets, secretsManager } from "../../../functions/clients/secrets-manager.ts";
import { useLocalAws } from "../../support/local-aws.ts";
import { memorySecrets } from "../../support/memory-services.ts";

const values: Record<string, string> = { "offpeak/key": "sk-1", "offpeak/empty": "" };
const clock = useLocalAws(() => values);

const services: [string, () => Secrets][] = [
  ["in memory", () => memorySecrets(values)],
  ["in Secrets Manager", () => secretsManager(clock)],
];

describe.each(services)("the secrets %s", (_, open) => {
  it("are given by name", async () => {
    values["offpeak/key"] = "sk-1";
    expect(await open().get("offpeak/key")).toBe("sk-1");
  });

  it("are an error where they are missing or empty", async () => {
    await expect(open().get("offpeak/never")).rejects.toThrow();
    await expect(open().get("offpeak/empty")).rejects.toThrow();
  });

  it("are read anew once they were refused", async () => {
    values["offpeak/key"] = "sk-1";
    const secrets = open();
    await secrets.get("offpeak/key");
    values["offpeak/key"] = "sk-2";
    secrets.forget("offpeak/key");
    expect(await secrets.get("offpeak/key")).toBe("sk-2");
  });
});

describe("the client of Secrets Manager", () => {
  it("asks again after five minutes, so that a rotated secret is taken up", async () => {
    values["offpeak/key"] = "sk-old";
    const secrets = secretsManager(clock);
    await secrets.get("offpeak/key");
    values["offpeak/key"] = "sk-new";
    clock.pass(299);
    expect(await secrets.get("offpeak/key")).toBe("sk-old");
    clock.pass(1);
    expect(await secrets.get("offpeak/key")).toBe("sk-new");
  });
});
