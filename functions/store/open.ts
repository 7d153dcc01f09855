import { createDynamoDb, dynamoTable } from "../clients/dynamodb.ts";
import { groupedTable } from "../clients/grouped-table.ts";
import { s3Objects } from "../clients/s3.ts";
import { newUlid, systemClock } from "../clients/system.ts";
import type { Clock, NewId } from "../domain/clock.ts";
import { positiveNumber } from "../domain/environment.ts";
import { defaultParkSeconds } from "../domain/limits.ts";
import { type BacklogReader, backlogReader } from "./backlog.ts";
import { bodyStore } from "./bodies.ts";
import { type Books, bookStore } from "./books.ts";
import { type CacheRuns, cacheRunStore } from "./cache-runs.ts";
import { type Departures, departureStore } from "./departures.ts";
import { type Lanes, laneStore } from "./lanes.ts";
import { type Latencies, latencyStore } from "./latencies.ts";
import { type Leases, leaseStore } from "./leases.ts";
import { type ManifestViews, manifestViews } from "./manifest-views.ts";
import { type Manifests, manifestStore } from "./manifests.ts";
import { type Primers, primerStore } from "./primers.ts";
import { type Purses, purseStore } from "./purses.ts";
import { type Sessions, sessionStore } from "./sessions.ts";
import { type Tokens, tokenStore } from "./tokens.ts";
import { type Turns, turnStore } from "./turns.ts";

/** Everything that is kept, and the clock and ids it is kept by. */
export interface Store {
  sessions: Sessions;
  turns: Turns;
  manifests: Manifests;
  departures: Departures;
  books: Books;
  purses: Purses;
  lanes: Lanes;
  leases: Leases;
  backlog: BacklogReader;
  latencies: Latencies;
  cacheRuns: CacheRuns;
  primers: Primers;
  manifestViews: ManifestViews;
  tokens: Tokens;
  clock: Clock;
  newId: NewId;
  tickSeconds: number;
}

/** What every room that keeps anything has in its environment. */
type StoreEnvironment = (name: "OFFPEAK_TABLE" | "OFFPEAK_BUCKET" | "OFFPEAK_TICK_SECONDS") => string;

export interface StoreOptions {
  /** Only for rooms that park lanes. */
  parkSeconds?: number;
  /** For rooms that write thousands of items at a time. */
  isGrouped?: boolean;
}

/** The store over the real services. */
export function openStore(env: StoreEnvironment, options: StoreOptions = {}): Store {
  const { parkSeconds = defaultParkSeconds, isGrouped = false } = options;
  const clock = systemClock;
  const openTable = isGrouped ? groupedTable : dynamoTable;
  const table = openTable(createDynamoDb(), env("OFFPEAK_TABLE"), clock);
  const tickSeconds = positiveNumber("OFFPEAK_TICK_SECONDS", env("OFFPEAK_TICK_SECONDS"));
  const bodies = bodyStore(s3Objects(env("OFFPEAK_BUCKET")), clock);
  const latencies = latencyStore(table, clock, tickSeconds);
  return {
    sessions: sessionStore({ table, clock, tickSeconds, leadMs: latencies.leadMs }),
    latencies,
    cacheRuns: cacheRunStore(table, clock),
    primers: primerStore(table, newUlid),
    turns: turnStore(table, bodies, clock),
    manifests: manifestStore(table, clock),
    departures: departureStore(table, newUlid),
    books: bookStore(table, bodies, newUlid),
    purses: purseStore(table),
    lanes: laneStore(table, clock, parkSeconds),
    leases: leaseStore(table, clock, newUlid),
    backlog: backlogReader(table),
    manifestViews: manifestViews(table),
    tokens: tokenStore(table, clock),
    clock,
    newId: newUlid,
    tickSeconds,
  };
}
