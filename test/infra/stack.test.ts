import { randomBytes } from "node:crypto";
import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { bodyStepDays, maxRetentionDays, retentionGraceDays } from "../../functions/domain/limits.ts";
import { routesOf } from "../../functions/domain/routes.ts";
import { bodyStore } from "../../functions/store/bodies.ts";
import { rooms } from "../../infra/bundle.ts";
import { tableInput } from "../../infra/table-definition.ts";
import { memoryObjects } from "../support/memory-services.ts";
import { virtualClock } from "../support/virtual-clock.ts";
import { functionOf, resources, synthesize } from "./support.ts";

const template = synthesize();
const dev = synthesize({ stage: "dev" });

describe("the HTTP API", () => {
  it("sends a spawn to its function and everything else to sessions, both past the authorizer", () => {
    const routes = resources(template, "AWS::ApiGatewayV2::Route").map(([, { Properties }]) => Properties);
    const own = [...routesOf("spawn").keys()].map((path) => `ANY ${path}`);
    expect(new Set(routes.map(({ RouteKey }) => RouteKey))).toEqual(new Set(["$default", ...own]));
    expect(new Set(routes.map(({ AuthorizationType }) => AuthorizationType))).toEqual(new Set(["CUSTOM"]));
    expect(targetOf("ANY /api/sessions/spawn")).toBe(functionOf(template, "spawn")[0]);
    expect(targetOf("ANY /api/sessions/spawn/bulk")).toBe(functionOf(template, "spawn")[0]);
    expect(targetOf("$default")).toBe(functionOf(template, "sessions")[0]);
  });

  it("asks the authorizer about every request, with a token or without, and keeps no answer", () => {
    template.hasResourceProperties("AWS::ApiGatewayV2::Authorizer", {
      AuthorizerType: "REQUEST",
      EnableSimpleResponses: true,
      AuthorizerPayloadFormatVersion: "2.0",
      AuthorizerResultTtlInSeconds: 0,
      IdentitySource: [],
    });
  });

  it("is throttled, and logs no header and no query", () => {
    template.hasResourceProperties("AWS::ApiGatewayV2::Stage", {
      StageName: "$default",
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: 500, ThrottlingBurstLimit: 1000 },
    });
    const [[, stage] = []] = resources(template, "AWS::ApiGatewayV2::Stage");
    const format: Record<string, string> = JSON.parse(stage?.Properties.AccessLogSettings.Format);
    expect(Object.values(format).join(" ")).not.toMatch(/header|query|\.body|authorizer\.(?!error)/i);
  });

  function targetOf(routeKey: string): string {
    const [, route] = resources(template, "AWS::ApiGatewayV2::Route").find(
      ([, { Properties }]) => Properties.RouteKey === routeKey,
    )!;
    const integration: string = route.Properties.Target["Fn::Join"][1][1].Ref;
    const { Properties } = template.findResources("AWS::ApiGatewayV2::Integration")[integration]!;
    return Properties.IntegrationUri["Fn::GetAtt"][0];
  }
});

describe("the table", () => {
  const [[, table] = []] = resources(template, "AWS::DynamoDB::Table");

  it("has the keys and indexes that a local DynamoDB is given", () => {
    const { TableName, ...input } = tableInput("any");
    const sorted = (value: unknown) => [...(value as unknown[])].map((one) => JSON.stringify(one)).sort();
    expect(table?.Properties.KeySchema).toEqual(input.KeySchema);
    expect(table?.Properties.BillingMode).toBe(input.BillingMode);
    expect(sorted(table?.Properties.AttributeDefinitions)).toEqual(sorted(input.AttributeDefinitions));
    expect(table?.Properties.GlobalSecondaryIndexes).toEqual(input.GlobalSecondaryIndexes);
    expect(TableName).toBe("any");
  });

  it("loses one index in a deployment that says so, and keeps the attributes of the others", () => {
    const without = synthesize({ stage: "prod", withoutIndex: "due" });
    const [[, changed] = []] = resources(without, "AWS::DynamoDB::Table");
    const namesIn = (list: Record<string, string>[], key: string) => new Set(list.map((one) => one[key]));
    expect(namesIn(changed?.Properties.GlobalSecondaryIndexes, "IndexName")).toEqual(new Set(["byAgent", "byLabel"]));
    const attributes = namesIn(changed?.Properties.AttributeDefinitions, "AttributeName");
    expect(attributes).toEqual(new Set(["byAgent", "byLabel", "listAt", "pk", "sk"]));
  });

  it("is encrypted with the key of the service, not one that can be lost", () => {
    expect(table?.Properties.SSESpecification).toBeUndefined();
  });

  it("forgets what has expired, and can be restored to any second", () => {
    expect(table?.Properties.TimeToLiveSpecification).toEqual({ AttributeName: "expiresAt", Enabled: true });
    expect(table?.Properties.PointInTimeRecoverySpecification).toEqual({ PointInTimeRecoveryEnabled: true });
  });

  it("outlives the stack in production, and only there", () => {
    expect(table?.DeletionPolicy).toBe("Retain");
    expect(table?.Properties.DeletionProtectionEnabled).toBe(true);
    const [[, devTable] = []] = resources(dev, "AWS::DynamoDB::Table");
    expect(devTable?.DeletionPolicy).toBe("Delete");
    expect(devTable?.Properties.DeletionProtectionEnabled).toBe(false);
  });
});

describe("the bucket", () => {
  it("is closed, encrypted, and keeps no versions", () => {
    template.hasResourceProperties("AWS::S3::Bucket", {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
      },
      VersioningConfiguration: Match.absent(),
    });
    template.hasResourceProperties("AWS::S3::BucketPolicy", {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }),
        ]),
      },
    });
  });

  it("forgets each body after the longest time that any session may need it, and no other", async () => {
    const [[, bucket] = []] = resources(template, "AWS::S3::Bucket");
    const rules: { Prefix?: string; ExpirationInDays?: number }[] = bucket?.Properties.LifecycleConfiguration.Rules;
    const expiring = rules.filter(({ ExpirationInDays }) => ExpirationInDays !== undefined);
    for (let days = 1; days <= maxRetentionDays + retentionGraceDays; days += 7) {
      const objects = memoryObjects();
      const clock = virtualClock();
      const expiresAt = clock.now() / 1000 + days * 24 * 3600;
      await bodyStore(objects, clock).pack(randomBytes(400_000).toString("base64"), { path: "results/x", expiresAt });
      const matching = expiring.filter(({ Prefix = "" }) => objects.keys()[0]?.startsWith(Prefix));
      expect(matching).toHaveLength(1);
      expect(matching[0]?.ExpirationInDays).toBeGreaterThan(days);
      expect(matching[0]?.ExpirationInDays).toBeLessThanOrEqual(days + bodyStepDays + 1);
    }
    // The sums of days stay, and so do the few that are too large for their item.
    expect(expiring.filter(({ Prefix }) => Prefix === undefined || "usage/".startsWith(Prefix))).toEqual([]);
  });

  it("is deleted from by no function", () => {
    const statements = resources(template, "AWS::IAM::Policy").flatMap(
      ([, { Properties }]) => Properties.PolicyDocument.Statement,
    );
    const actions: string[] = statements.flatMap(({ Action }: { Action: string | string[] }) => Action);
    expect(actions.filter((action) => /^s3:(Delete|\*)/.test(action))).toEqual([]);
  });

  it("outlives the stack in production, and only there", () => {
    expect(resources(template, "AWS::S3::Bucket").map(([, { DeletionPolicy }]) => DeletionPolicy)).toEqual(["Retain"]);
    expect(resources(dev, "AWS::S3::Bucket").map(([, { DeletionPolicy }]) => DeletionPolicy)).toEqual(["Delete"]);
  });

  it("is emptied by a function of CDK's whose log forgets, and goes with the stack", () => {
    const groups = dev.findResources("AWS::Logs::LogGroup");
    const isOfCdk = ([id]: [string, unknown]) => id.startsWith("CustomS3AutoDeleteObjects");
    const functions = resources(dev, "AWS::Lambda::Function").filter(isOfCdk);
    expect(functions.map(([, { Properties }]) => groups[Properties.LoggingConfig.LogGroup.Ref])).toMatchObject([
      { DeletionPolicy: "Delete", Properties: { RetentionInDays: 30 } },
    ]);
  });
});

describe("the queues", () => {
  const queues = resources(template, "AWS::SQS::Queue");
  const working = queues.filter(([, { Properties }]) => Properties.RedrivePolicy !== undefined);

  it("are one a lane and one for real-time work, each with dead letters of its own", () => {
    const names = working.map(([id]) => id.replace(/^Queues(Lane)?(\w+?)Queue.*/, "$2")).sort();
    expect(names).toEqual(["Realtime", "bulk", "default", "night"]);
    const targets = working.map(([, { Properties }]) => Properties.RedrivePolicy.deadLetterTargetArn["Fn::GetAtt"][0]);
    expect(new Set(targets).size).toBe(working.length);
  });

  it("set a message aside after five visits, three of them alone", () => {
    for (const [, { Properties }] of working) expect(Properties.RedrivePolicy.maxReceiveCount).toBe(5);
  });

  it("keep dead letters longer than the messages they were", () => {
    for (const [id, { Properties }] of queues) {
      const days = Properties.MessageRetentionPeriod / 86_400;
      expect([id, days]).toEqual([id, Properties.RedrivePolicy === undefined ? 14 : 4]);
    }
  });

  it("hide a message for longer than the function that took it can run", () => {
    for (const [id, { Properties }] of working) {
      const room = id.startsWith("QueuesRealtime") ? "realtime" : "batcher";
      expect(Properties.VisibilityTimeout).toBeGreaterThan(functionOf(template, room)[1].Properties.Timeout);
    }
  });

  it("are encrypted, and refuse plain HTTP", () => {
    for (const [, { Properties }] of queues) expect(Properties.SqsManagedSseEnabled).toBe(true);
    expect(resources(template, "AWS::SQS::QueuePolicy").length).toBe(queues.length);
  });
});

describe("the secrets", () => {
  it("make up the token, and leave the API key to be put in", () => {
    template.hasResourceProperties("AWS::SecretsManager::Secret", {
      GenerateSecretString: { PasswordLength: 40, ExcludePunctuation: true },
    });
    template.hasResourceProperties("AWS::SecretsManager::Secret", { SecretString: "put-your-anthropic-api-key-here" });
    expect(JSON.stringify(template.toJSON())).not.toContain("sk-ant");
  });
});

describe("a deployer", () => {
  it("is told the address, how to set the key and read the token, and where events and alarms go", () => {
    const outputs = Object.keys(template.toJSON()["Outputs"]).sort();
    expect(outputs).toEqual([
      "AlarmTopicArn",
      "ApiUrl",
      "DashboardName",
      "EventBusArn",
      "EventBusName",
      "ReadToken",
      "SetApiKey",
      "TableName",
    ]);
  });

  it("finds the bus by its name, one a stage", () => {
    template.hasResourceProperties("AWS::Events::EventBus", { Name: "offpeak" });
    dev.hasResourceProperties("AWS::Events::EventBus", { Name: "offpeak-dev" });
  });

  it("gets exactly the functions of the rooms", () => {
    expect(resources(template, "AWS::Lambda::Function").length).toBe(rooms.length);
  });
});

describe("what stays when the stack goes", () => {
  const kept = (of: typeof template) =>
    Object.values(of.toJSON()["Resources"] as Record<string, { Type: string; DeletionPolicy?: string }>)
      .filter(({ DeletionPolicy }) => DeletionPolicy?.startsWith("Retain") === true)
      .map(({ Type }) => Type)
      .toSorted();

  it("is the table and the bucket in production, as the runbook says, and nothing elsewhere", () => {
    expect(kept(template)).toEqual(["AWS::DynamoDB::Table", "AWS::S3::Bucket"]);
    expect(kept(dev)).toEqual([]);
  });
});
