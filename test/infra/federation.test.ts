import { describe, expect, it } from "vitest";
import { rooms } from "../../infra/bundle.ts";
import { exampleConfig, exampleFiles, functionOf, resources, synthesize } from "./support.ts";

const federation = { organizationId: "org_1", federationRuleId: "fdrl_1" };
const keyed = synthesize();
const files = { ...exampleFiles, "offpeak.json": JSON.stringify({ ...exampleConfig, anthropic: { federation } }) };
const federated = synthesize({ stage: "prod" }, files);
const callers = ["batcher", "poller", "realtime"];

const variablesOf = (template: typeof keyed, room: string): Record<string, unknown> =>
  functionOf(template, room)[1].Properties.Environment.Variables;

/** The statements of a room's role that allow an action of this service. */
function statementsOf(template: typeof keyed, room: string, service: string): object[] {
  const role = functionOf(template, room)[1].Properties.Role["Fn::GetAtt"][0];
  return resources(template, "AWS::IAM::Policy")
    .filter(([, { Properties }]) => JSON.stringify(Properties.Roles).includes(`"${role}"`))
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement)
    .filter(({ Action }) => [Action].flat().some((action: string) => action.startsWith(`${service}:`)));
}

describe("a stack with a federation", () => {
  it("has no secret for a key of Anthropic's, and asks for none", () => {
    const secrets = resources(federated, "AWS::SecretsManager::Secret").map(([id]) => id);
    expect(secrets).toEqual([expect.stringMatching(/^SecretsToken/)]);
    const { SetApiKey, FederatedRoles } = federated.toJSON()["Outputs"];
    expect(SetApiKey).toBeUndefined();
    for (const room of callers) expect(JSON.stringify(FederatedRoles)).toMatch(new RegExp(`${room}Room`, "i"));
    for (const room of callers) expect(variablesOf(federated, room)["OFFPEAK_API_KEY_SECRET"]).toBe("federation");
  });

  it("lets those who call Anthropic prove who they are, to Anthropic alone and for five minutes, and nobody else", () => {
    const statement = {
      Effect: "Allow",
      Action: "sts:GetWebIdentityToken",
      Resource: "*",
      Condition: {
        "ForAllValues:StringEquals": { "sts:IdentityTokenAudience": "https://api.anthropic.com" },
        NumericLessThanEquals: { "sts:DurationSeconds": 300 },
      },
    };
    for (const room of rooms)
      expect(statementsOf(federated, room, "sts"), room).toEqual(callers.includes(room) ? [statement] : []);
  });

  it("still reads the key of a lane that has its own", () => {
    for (const room of callers) {
      const read = JSON.stringify(statementsOf(federated, room, "secretsmanager"));
      expect(read).toContain("night-key");
      expect(read).not.toContain("SecretsToken");
    }
  });
});

describe("a stack with a key", () => {
  it("lets nobody prove who they are", () => {
    for (const room of rooms) expect(statementsOf(keyed, room, "sts"), room).toEqual([]);
  });
});

describe.each([
  ["a key", keyed],
  ["a federation", federated],
])("no function of a stack with %s", (_, template) => {
  it("has a secret in its environment, but the name of one", () => {
    const ids = resources(template, "AWS::SecretsManager::Secret").map(([id]) => id);
    for (const room of rooms) {
      for (const [name, value] of Object.entries(variablesOf(template, room))) {
        const text = JSON.stringify(value);
        expect(text, name).not.toMatch(/resolve:|sk-ant|GenerateSecretString|SecretString/);
        // A secret's `Ref` is its ARN.
        if (ids.some((id) => text.includes(id))) expect([name, value]).toEqual([name, { Ref: expect.any(String) }]);
      }
    }
  });
});
