import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { AccessLogField, AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import { HttpApi as Api, HttpMethod, HttpStage, LogGroupLogDestination } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaAuthorizer, HttpLambdaResponseType } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { spawnPaths } from "../functions/spawn/env.ts";
import { acknowledge, acknowledgeLogs } from "./acknowledge.ts";

/** A brake on a caller that runs away, not a quota: a nightly set of ten thousand passes in twenty seconds. */
const throttle = { rateLimit: 500, burstLimit: 1_000 };

export interface HttpApiProps {
  authorizer: IFunction;
  spawn: IFunction;
  sessions: IFunction;
}

/** The front door: spawn has its own function, everything else is answered by sessions. */
export class HttpApi extends Construct {
  readonly api: Api;

  constructor(scope: Construct, id: string, props: HttpApiProps) {
    super(scope, id);
    // It is asked for every request, the token being there or not, since it always lets pass and the functions refuse.
    const authorizer = new HttpLambdaAuthorizer("Authorizer", props.authorizer, {
      responseTypes: [HttpLambdaResponseType.SIMPLE],
      identitySource: [],
      resultsCacheTtl: Duration.seconds(0),
    });
    this.api = new Api(this, "Api", {
      description: "Offpeak",
      createDefaultStage: false,
      defaultIntegration: new HttpLambdaIntegration("Sessions", props.sessions),
      defaultAuthorizer: authorizer,
    });
    const spawn = new HttpLambdaIntegration("Spawn", props.spawn);
    for (const path of spawnPaths) this.api.addRoutes({ path, methods: [HttpMethod.ANY], integration: spawn });
    const accessLogs = new LogGroup(this, "AccessLogs", {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledgeLogs(accessLogs);
    acknowledge(this.api, "Each lets in this API alone: its ARN is joined from parts, which the rule does not read.", [
      "cdk-validator-cfnguard::lambda_function_public_access_prohibited_check",
    ]);
    new HttpStage(this, "Stage", {
      httpApi: this.api,
      stageName: "$default",
      autoDeploy: true,
      throttle,
      accessLogSettings: { destination: new LogGroupLogDestination(accessLogs), format: accessLogFormat() },
    });
  }
}

/** One JSON line a request, without query strings, headers and bodies: none of them could be checked for secrets. */
function accessLogFormat(): AccessLogFormat {
  const fields = {
    requestId: AccessLogField.contextRequestId(),
    time: AccessLogField.contextRequestTime(),
    method: AccessLogField.contextHttpMethod(),
    path: AccessLogField.contextPath(),
    status: AccessLogField.contextStatus(),
    responseBytes: AccessLogField.contextResponseLength(),
    milliseconds: AccessLogField.contextResponseLatency(),
    address: AccessLogField.contextIdentitySourceIp(),
    authorizerError: "$context.authorizer.error",
    integrationError: "$context.integrationErrorMessage",
  };
  return AccessLogFormat.custom(JSON.stringify(fields));
}
