import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { type IMetric, MathExpression, Stats } from "aws-cdk-lib/aws-cloudwatch";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  ApplicationLogLevel,
  Architecture,
  type FunctionOptions,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
} from "aws-cdk-lib/aws-lambda";
import { FilterPattern, LogGroup, MetricFilter, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { acknowledge, acknowledgeLogs } from "./acknowledge.ts";
import { bundledCode, type Room } from "./bundle.ts";
import { type Configuration, configFileName } from "./configuration.ts";
import { alarmPeriod, metricNamespace, RunbookAlarm } from "./runbook-alarm.ts";
import type { AlarmText } from "./work-queue.ts";

/** Where a function finds the configuration that is bundled with it. */
export const deployedConfigPath = `/var/task/${configFileName}`;
/** What the rooms log of a failure that they survive: a test holds it against their list of codes. */
export const failureCodes = ["tick_failed", "request_failed"] as const;
/** One vCPU: what reads or writes hundreds of megabytes is bound by it. */
export const oneCpuMegabytes = 1769;

/** Run once a request: what Lambda reports of each run would cost more than all that the rooms log, and its metrics say it too. */
const unreported: readonly Room[] = ["authorizer", "spawn", "sessions"];

export interface RoomFunctionProps<Names extends readonly string[]> {
  room: Room;
  /** The room's own list of what it reads; a variable too few or too many does not compile. */
  environmentNames: Names;
  environment: Record<Names[number], string>;
  configuration: Configuration;
  memoryMegabytes: number;
  /** Variables that are not the room's, but its runtime's. */
  runtime?: Readonly<Record<string, string>>;
  timeoutSeconds: number;
  /** What becomes of an event that nobody waits for, when the function fails or is throttled. */
  asyncInvoke?: Pick<FunctionOptions, "retryAttempts" | "maxEventAge" | "onFailure">;
  /** `periods` of five minutes in a row with a failure; 1 unless given, more where AWS or the next tick repeats the work. */
  errors: AlarmText & { periods?: number };
  topic: ITopic;
}

/** A room as a function: its code, its role, its log group, and the alarm on its errors. */
export class RoomFunction<const Names extends readonly string[]> extends Construct {
  readonly lambda: LambdaFunction;
  readonly logGroup: LogGroup;
  readonly failures: IMetric;

  constructor(scope: Construct, id: string, props: RoomFunctionProps<Names>) {
    super(scope, id);
    const { room, configuration, environment, errors, topic } = props;
    this.logGroup = new LogGroup(this, "Logs", {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // A role of its own instead of AWS's managed one, which may write to every log group of the account.
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    this.logGroup.grantWrite(role);
    this.lambda = new LambdaFunction(this, "Function", {
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: "index.handler",
      code: bundledCode(room, configuration.files),
      role,
      logGroup: this.logGroup,
      // The rooms' own lines are JSON already, and are kept as they are written.
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      systemLogLevelV2: unreported.includes(room) ? SystemLogLevel.WARN : SystemLogLevel.INFO,
      memorySize: props.memoryMegabytes,
      timeout: Duration.seconds(props.timeoutSeconds),
      environment: { ...environment, ...props.runtime },
      ...props.asyncInvoke,
    });
    this.failures = this.countFailures(room);
    new RunbookAlarm(this, "Errors", { ...errors, metric: this.failures, threshold: 1, topic });
    this.acknowledgeFindings();
  }

  private acknowledgeFindings(): void {
    acknowledgeLogs(this.logGroup);
    const { lambda } = this;
    acknowledge(
      lambda,
      "Only spawn is called with work that nobody waits for, and has a destination for what failed.",
      ["Serverless::Serverless-LambdaDLQ"],
    );
    acknowledge(
      lambda,
      "A session's timeline and its log lines, found by its id, say where its time went, for every session.",
      ["Serverless::Serverless-LambdaTracing"],
    );
    acknowledge(
      lambda,
      "It calls Anthropic and AWS, all of them public: in a VPC it would reach them through a NAT alone.",
      ["cdk-validator-cfnguard::lambda_inside_vpc_check"],
    );
  }

  /**
   * Runs that ended with an error, and failures that a room caught and logged: it goes on with its other work then, so that
   * Lambda counts the run as a success.
   */
  private countFailures(room: Room): IMetric {
    const logged = new MetricFilter(this, "LoggedFailures", {
      logGroup: this.logGroup,
      filterPattern: FilterPattern.any(...failureCodes.map((code) => FilterPattern.stringValue("$.code", "=", code))),
      metricNamespace: metricNamespace(this),
      metricName: `${room}Failures`,
    });
    return new MathExpression({
      // Their ids tell the rooms apart, where a graph shows more than one.
      expression: `${room}Ended + FILL(${room}Logged, 0)`,
      label: room,
      period: alarmPeriod,
      usingMetrics: {
        [`${room}Ended`]: this.lambda.metricErrors({ period: alarmPeriod, statistic: Stats.SUM }),
        [`${room}Logged`]: logged.metric({ period: alarmPeriod, statistic: Stats.SUM }),
      },
    });
  }
}
