import * as v from "valibot";
import { startDelivery } from "./event-delivery.ts";
import { type BusEvent, type EventStore, openEventStore } from "./event-store.ts";
import { type LocalRequest, type LocalServer, type Reply, serve } from "./http.ts";
import { AwsFault, account, answerJson, type Operation, parseInput, region } from "./protocol.ts";

export type EventsDeps = {
  now: () => number;
  newId: () => string;
  log: (line: string) => void;
  onEvents: (events: readonly BusEvent[]) => void | Promise<void>;
};

/** PutEvents limits: EventBridge API reference, PutEvents, and "Calculating PutEvents event entry size" of the user guide. */
const maxEntries = 10;
const maxTotalBytes = 1_048_576;
const timeBytes = 14;
const maxDetailTypeCharacters = 128;
const maxListedEvents = 1_000;
/** The end of the year 9999, the last a four-digit year can show; in seconds. */
const lastSecond = 253_402_300_799;

const entrySchema = v.object({
  Time: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(lastSecond))),
  Source: v.optional(v.string(), ""),
  Resources: v.optional(v.array(v.string()), []),
  DetailType: v.optional(v.string(), ""),
  Detail: v.optional(v.string(), ""),
});
type Entry = v.InferOutput<typeof entrySchema>;
const putInput = v.object({ Entries: v.array(entrySchema) });

const detailSchema = v.pipe(v.string(), v.parseJson(), v.custom<Record<string, unknown>>(isObject));

/**
 * EventBridge's PutEvents. What is accepted is on disk before it is acknowledged, and is then handed to `onEvents` until that
 * succeeds, over restarts too: at least once, as on AWS. `GET /events?limit=` lists the newest first, for tests and the demo.
 */
export async function startEvents(path: string, deps: EventsDeps): Promise<LocalServer & { deliver: () => void }> {
  const store = openEventStore(path, deps);
  const delivery = startDelivery({ ...deps, store });
  const put: Operation = (input) => {
    const { Entries } = parseInput(putInput, input, "ValidationException");
    const answer = putEvents(Entries, store, deps);
    delivery.wake();
    return answer;
  };
  const service = { target: "AWSEvents", version: "1.1", operations: new Map([["PutEvents", put]]) } as const;
  const server = await serve(
    (request) => (request.method === "GET" ? listEvents(request, store) : answerJson(request, service)),
    deps.log,
  );
  return {
    url: server.url,
    deliver: delivery.start,
    async close() {
      await server.close();
      await delivery.stop();
      store.close();
    },
  };
}

function putEvents(entries: readonly Entry[], store: EventStore, deps: EventsDeps) {
  if (entries.length < 1 || entries.length > maxEntries) {
    const bound = entries.length < 1 ? "greater than or equal to 1" : `less than or equal to ${maxEntries}`;
    const message = `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length ${bound}`;
    throw new AwsFault("ValidationException", message);
  }
  if (entries.reduce((sum, entry) => sum + entryBytes(entry), 0) >= maxTotalBytes) {
    throw new AwsFault("ValidationException", "Total size of the entries in the request is over the limit.");
  }
  const outcomes = entries.map((entry) => acceptEntry(entry, deps));
  store.add(outcomes.flatMap((outcome) => (outcome.accepted ? [outcome.event] : [])));
  return {
    FailedEntryCount: outcomes.filter(({ accepted }) => !accepted).length,
    Entries: outcomes.map((outcome) => (outcome.accepted ? { EventId: outcome.event.id } : outcome.error)),
  };
}

type Outcome =
  | { accepted: true; event: BusEvent }
  | { accepted: false; error: { ErrorCode: string; ErrorMessage: string } };

function acceptEntry(entry: Entry, deps: EventsDeps): Outcome {
  const missing = (["Source", "DetailType", "Detail"] as const).find((name) => entry[name] === "");
  if (missing !== undefined) {
    return refuse("InvalidArgument", `Parameter ${missing} is not valid. Reason: ${missing} is a required argument.`);
  }
  if (entry.DetailType.length > maxDetailTypeCharacters) {
    return refuse(
      "InvalidArgument",
      "Parameter DetailType is not valid. Reason: Must be less than or equal to 128 characters.",
    );
  }
  if (entry.Source.startsWith("aws.")) {
    return refuse("NotAuthorizedForSourceException", "Not authorized for the source.");
  }
  const detail = v.safeParse(detailSchema, entry.Detail);
  if (!detail.success) return refuse("MalformedDetail", "Detail is malformed.");
  const seconds = entry.Time ?? deps.now() / 1000;
  const event: BusEvent = {
    version: "0",
    id: deps.newId(),
    "detail-type": entry.DetailType,
    source: entry.Source,
    account,
    time: new Date(Math.floor(seconds) * 1000).toISOString().replace(".000Z", "Z"),
    region,
    resources: entry.Resources,
    detail: detail.output,
  };
  return { accepted: true, event };
}

function refuse(ErrorCode: string, ErrorMessage: string): Outcome {
  return { accepted: false, error: { ErrorCode, ErrorMessage } };
}

function entryBytes(entry: Entry): number {
  const text = [entry.Source, entry.DetailType, entry.Detail, ...entry.Resources];
  return text.reduce((sum, part) => sum + Buffer.byteLength(part), entry.Time === undefined ? 0 : timeBytes);
}

function listEvents(request: LocalRequest, store: EventStore): Reply {
  const limit = Number(request.query.get("limit") ?? 100);
  if (request.path !== "/events" || !Number.isInteger(limit) || limit < 1 || limit > maxListedEvents) {
    return { status: 404, body: `GET /events?limit=1..${maxListedEvents}` };
  }
  const body = JSON.stringify({ events: store.newest(limit) });
  return { status: 200, headers: { "content-type": "application/json" }, body };
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
