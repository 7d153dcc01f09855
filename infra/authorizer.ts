import { Construct } from "constructs";
import { environmentNames } from "../functions/authorizer/env.ts";
import type { Foundation } from "./foundation.ts";
import { RoomFunction } from "./room-function.ts";

export type AuthorizerProps = Pick<Foundation, "configuration" | "topic" | "storage" | "secrets">;

/** Bearer token → principal. It counts failed logins and reads the one token; it sees no session. */
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
    // It counts, and nothing else: an update returns the new figure, so that not even reading is needed.
    storage.grant(this.room.lambda, { items: ["UpdateItem"] });
    secrets.grantReadToken(this.room.lambda);
  }
}
