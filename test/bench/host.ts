import { startLocalAws } from "../../infra/local/aws/start.ts";
import { startBenchModel } from "./model.ts";
import { prose } from "./texts.ts";
import { countingWire, type Service } from "./wire.ts";

/**
 * The services of a bench, in a process of their own, so that neither their time nor their memory counts as ours: the
 * emulators, what counts the calls to them, and the model.
 */
const endpoints: Record<string, Service> = {
  AWS_ENDPOINT_URL_DYNAMODB: "DynamoDB",
  AWS_ENDPOINT_URL_SQS: "SQS",
  AWS_ENDPOINT_URL_S3: "S3",
  AWS_ENDPOINT_URL_EVENTBRIDGE: "EventBridge",
  AWS_ENDPOINT_URL_SECRETS_MANAGER: "SecretsManager",
};

export interface HostOptions {
  home: string;
  secrets: Record<string, string>;
  /** Of each answer of the model. */
  answerBytes: number;
  isCounting: boolean;
}

const options: HostOptions = JSON.parse(process.argv[2] ?? "");
const aws = await startLocalAws({ home: options.home, secrets: () => options.secrets });
const wire = countingWire();
const model = await startBenchModel(prose(options.answerBytes, 2));
const environment: Record<string, string> = { ANTHROPIC_BASE_URL: model.url };
for (const [name, value] of Object.entries(aws.environment)) {
  const service = options.isCounting ? endpoints[name] : undefined;
  environment[name] = service === undefined ? value : await wire.before(service, value);
}

process.on("message", (message: { step?: string }) => {
  if (message.step !== undefined) wire.enter(message.step);
  process.send?.({ tallies: wire.tallies(), bytesIn: model.bytesIn(), requests: model.requests() });
});
process.once("disconnect", () => void stop());
process.send?.({ environment });

async function stop(): Promise<void> {
  await aws.stop();
  await wire.close();
  await model.close();
  process.exit(0);
}
