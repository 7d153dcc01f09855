import type { EventBus } from "aws-cdk-lib/aws-events";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Configuration } from "./configuration.ts";
import type { Queues } from "./queues.ts";
import type { Secrets } from "./secrets.ts";
import type { Storage } from "./storage.ts";

/** What the rooms stand on. Each room's construct names the parts it uses, and is granted those alone. */
export interface Foundation {
  configuration: Configuration;
  topic: ITopic;
  storage: Storage;
  secrets: Secrets;
  queues: Queues;
  bus: EventBus;
}
