import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import { EventBus } from "aws-cdk-lib/aws-events";
import type { Construct } from "constructs";
import { AlarmTopic } from "./alarm-topic.ts";
import { Authorizer } from "./authorizer.ts";
import { Batcher } from "./batcher.ts";
import type { Configuration } from "./configuration.ts";
import type { Foundation } from "./foundation.ts";
import { HttpApi } from "./http-api.ts";
import { Overview } from "./overview.ts";
import { Poller } from "./poller.ts";
import { Queues } from "./queues.ts";
import { Realtime } from "./realtime.ts";
import { Secrets } from "./secrets.ts";
import { Sessions } from "./sessions.ts";
import type { Settings } from "./settings.ts";
import { Spawn } from "./spawn.ts";
import { Storage } from "./storage.ts";

export interface OffpeakStackProps extends StackProps {
  settings: Settings;
  configuration: Configuration;
}

/** The names that an account sees: `prod` has the plain ones, another stage can live beside it. */
export function nameFor(base: string, { stage }: Pick<Settings, "stage">): string {
  return stage === "prod" ? base : `${base}-${stage}`;
}

/** The drawing of the README in code: what the rooms stand on, the rooms in the order of the flow, and the front door. */
export class OffpeakStack extends Stack {
  constructor(scope: Construct, id: string, { settings, configuration, ...props }: OffpeakStackProps) {
    super(scope, id, { description: "Offpeak: agent tasks that can wait, at half price", ...props });
    const { config } = configuration;
    const { topic } = new AlarmTopic(this, "AlarmTopic", { alarmEmail: settings.alarmEmail });
    const foundation: Foundation = {
      configuration,
      topic,
      storage: new Storage(this, "Storage", settings),
      secrets: new Secrets(this, "Secrets", config),
      queues: new Queues(this, "Queues", { lanes: config.lanes, topic }),
      bus: new EventBus(this, "Bus", { eventBusName: nameFor("offpeak", settings) }),
    };
    const spawn = new Spawn(this, "Spawn", foundation);
    new Batcher(this, "Batcher", foundation);
    new Realtime(this, "Realtime", foundation);
    new Poller(this, "Poller", foundation);
    const sessions = new Sessions(this, "Sessions", foundation);
    const authorizer = new Authorizer(this, "Authorizer", foundation);
    const { api } = new HttpApi(this, "HttpApi", {
      authorizer: authorizer.room.lambda,
      spawn: spawn.room.lambda,
      sessions: sessions.room.lambda,
    });
    new Overview(this, "Overview", { queues: foundation.queues, api });
    this.writeOutputs(api.apiEndpoint, foundation);
  }

  private writeOutputs(url: string, { secrets, bus, topic, storage }: Foundation): void {
    const { apiKey, token } = secrets;
    const outputs = {
      ApiUrl: url,
      ...(apiKey === undefined
        ? { FederatedRoles: secrets.federatedRoles.join(" ") }
        : { SetApiKey: commandToSet(apiKey.secretArn) }),
      ReadToken: `aws secretsmanager get-secret-value --secret-id ${token.secretArn} --query SecretString --output text`,
      EventBusName: bus.eventBusName,
      EventBusArn: bus.eventBusArn,
      AlarmTopicArn: topic.topicArn,
      TableName: storage.table.tableName,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}

/** Through a pipe, so that the key is in no shell history, no process list, and has no line break at its end. */
function commandToSet(secretArn: string): string {
  const putSecret = `aws secretsmanager put-secret-value --secret-id ${secretArn}`;
  return `read -rsp "Anthropic API key: " KEY && printf %s "$KEY" | ${putSecret} --secret-string file:///dev/stdin`;
}
