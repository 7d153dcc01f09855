import { createDynamoDb, dynamoTable } from "../clients/dynamodb.ts";
import { s3Objects } from "../clients/s3.ts";
import type { Clock, NewId } from "../domain/clock.ts";
import { defaultParkSeconds } from "../domain/limits.ts";
import { bodyStore } from "./bodies.ts";
import { type Lanes, laneStore } from "./lanes.ts";
import { type Leases, leaseStore } from "./leases.ts";
import { type Manifests, manifestStore } from "./manifests.ts";
import { type Sessions, sessionStore } from "./sessions.ts";
import { type Turns, turnStore } from "./turns.ts";

export interface Store {
  sessions: Sessions;
  turns: Turns;
  manifests: Manifests;
  lanes: Lanes;
  leases: Leases;
}

export interface StoreOptions {
  tableName: string;
  bucketName: string;
  tickSeconds: number;
  /** Only for rooms that park lanes. */
  parkSeconds?: number;
  clock: Clock;
  newId: NewId;
}

/** Everything that is kept, over the real services. */
export function openStore({
  tableName,
  bucketName,
  tickSeconds,
  parkSeconds = defaultParkSeconds,
  clock,
  newId,
}: StoreOptions): Store {
  const table = dynamoTable(createDynamoDb(), tableName, clock);
  return {
    sessions: sessionStore({ table, clock, tickSeconds }),
    turns: turnStore(table, bodyStore(s3Objects(bucketName))),
    manifests: manifestStore(table),
    lanes: laneStore(table, clock, parkSeconds),
    leases: leaseStore(table, clock, newId),
  };
}
