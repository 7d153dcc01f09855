import { Stats } from "aws-cdk-lib/aws-cloudwatch";
import { FilterPattern, MetricFilter } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { environmentNames, partitionsCounted, partitionsRead } from "../functions/authorizer/env.ts";
import type { Foundation } from "./foundation.ts";
import { RoomFunction } from "./room-function.ts";
import { alarmPeriod, metricNamespace, RunbookAlarm } from "./runbook-alarm.ts";

/** What the room logs of each refusal: a test holds it against the list of codes. */
export const failedLoginCode = "login_failed";
/** In five minutes: twice what one caller makes who waits when told to, after ten a minute. */
const failedLoginsAlarm = 100;

export type AuthorizerProps = Pick<Foundation, "configuration" | "topic" | "storage" | "secrets">;

/** Bearer token → principal. It reads tokens and counts failed logins; it sees no session. */
export class Authorizer extends Construct {
  readonly room: RoomFunction<typeof environmentNames>;

  constructor(scope: Construct, id: string, { configuration, topic, storage, secrets }: AuthorizerProps) {
    super(scope, id);
    this.room = new RoomFunction(this, "Room", {
      room: "authorizer",
      environmentNames,
      environment: {
        OFFPEAK_TABLE: storage.table.tableName,
        OFFPEAK_TOKEN_SECRET: secrets.token.secretArn,
      },
      configuration,
      memoryMegabytes: 256,
      timeoutSeconds: 5,
      errors: { impact: "Callers with a valid token are turned away.", heading: "authorizer-errors" },
      topic,
    });
    storage.grantPartitions(this.room.lambda, "dynamodb:GetItem", partitionsRead);
    // An update returns the new figure, so that not even reading is needed.
    storage.grantPartitions(this.room.lambda, "dynamodb:UpdateItem", partitionsCounted);
    secrets.grantReadToken(this.room.lambda);
    const failures = new MetricFilter(this, "FailedLogins", {
      logGroup: this.room.logGroup,
      filterPattern: FilterPattern.stringValue("$.code", "=", failedLoginCode),
      metricNamespace: metricNamespace(this),
      metricName: "failedLogins",
    });
    new RunbookAlarm(this, "GuessingAlarm", {
      impact: "Somebody tries tokens, or a caller goes on with one that is over: its calls are refused.",
      heading: "failed-logins",
      metric: failures.metric({ statistic: Stats.SUM, period: alarmPeriod }),
      threshold: failedLoginsAlarm,
      topic,
    });
  }
}
