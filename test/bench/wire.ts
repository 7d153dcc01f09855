import {
  createServer,
  request as forward,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from "node:http";
import { describeDynamo, unitsIn } from "./wire-dynamo.ts";

/** What one kind of call came to, so far. */
export interface Tally {
  service: Service;
  step: string;
  /** The operation, and what it was about. */
  what: string;
  requests: number;
  writeUnits: number;
  readUnits: number;
  /** Billed parts of what is not charged by units: SQS and EventBridge count each 64 KB, S3 each call. */
  parts: number;
}

export type Service = "DynamoDB" | "SQS" | "S3" | "EventBridge" | "SecretsManager";

export interface Wire {
  /** From here on, calls count for this step. */
  enter(step: string): void;
  tallies(): Tally[];
  /** Stands before a service and passes on what is said. @returns its address */
  before(service: Service, url: string): Promise<string>;
  close(): Promise<void>;
}

/** SQS and EventBridge charge each 64 KB of a request or an event. */
const partBytes = 64 * 1024;

/** Counts the calls on their way to the services; DynamoDB itself says how many units each took, tables and indexes. */
export function countingWire(): Wire {
  const counted = new Map<string, Tally>();
  const closes: (() => Promise<void>)[] = [];
  let step = "";
  const countOne = (service: Service, what: string, { share, figures }: { share: number; figures: Partial<Tally> }) => {
    const key = `${service} ${step} ${what}`;
    const none: Tally = { service, step, what, requests: 0, writeUnits: 0, readUnits: 0, parts: 0 };
    const sum = counted.get(key) ?? none;
    counted.set(key, {
      ...sum,
      requests: sum.requests + share,
      writeUnits: sum.writeUnits + share * (figures.writeUnits ?? 0),
      readUnits: sum.readUnits + share * (figures.readUnits ?? 0),
      parts: sum.parts + share * (figures.parts ?? 0),
    });
  };
  const count: Count = (service, what, figures) => {
    for (const one of what) countOne(service, one, { share: 1 / what.length, figures });
  };
  return {
    enter(next) {
      step = next;
    },
    tallies: () => [...counted.values()],
    async before(service, url) {
      const server = createServer((incoming, outgoing) => {
        pass(service, url, { incoming, outgoing }, count).catch(() => outgoing.destroy());
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      closes.push(() => {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeAllConnections();
        return closed;
      });
      const address = server.address();
      return `http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`;
    },
    async close() {
      for (const close of closes) await close();
    },
  };
}

/** @param what a call was about; where that is several things, each has its share of it */
type Count = (service: Service, what: readonly string[], figures: Partial<Tally>) => void;

async function pass(
  service: Service,
  url: string,
  { incoming, outgoing }: { incoming: IncomingMessage; outgoing: ServerResponse },
  count: Count,
): Promise<void> {
  const sent = await read(incoming);
  const operation = String(incoming.headers["x-amz-target"] ?? incoming.method).replace(/^.*\./, "");
  const body = service === "DynamoDB" ? askForUnits(sent, operation) : sent;
  const headers = withLength(incoming.headers, body);
  const target = new URL(incoming.url ?? "/", url);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const onward = forward(target, { method: incoming.method ?? "POST", headers }, resolve);
    onward.once("error", reject);
    onward.end(body);
  });
  const received = await read(answer);
  const bytes = sent.length;
  if (service === "DynamoDB") count(service, describeDynamo(operation, sent), unitsIn(operation, received));
  else if (service === "EventBridge") count(service, [operation], { parts: eventParts(sent) });
  else count(service, [operation], { parts: service === "SQS" ? Math.max(1, Math.ceil(bytes / partBytes)) : 1 });
  outgoing.writeHead(answer.statusCode ?? 500, withLength(answer.headers, received));
  outgoing.end(received);
}

function withLength(headers: IncomingHttpHeaders, body: Buffer): OutgoingHttpHeaders {
  const { "transfer-encoding": _, ...rest } = headers;
  return { ...rest, "content-length": String(body.length) };
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** The consumed capacity comes in the answer where it is asked for, and changes nothing else of it. */
function askForUnits(body: Buffer, operation: string): Buffer {
  if (operation === "DescribeTable" || operation === "CreateTable") return body;
  const input: object = JSON.parse(body.toString("utf8"));
  return Buffer.from(JSON.stringify({ ...input, ReturnConsumedCapacity: "INDEXES" }));
}

/** Each entry is an event of its own, however many come in one call. */
function eventParts(body: Buffer): number {
  const { Entries = [] }: { Entries?: { Detail?: string }[] } = JSON.parse(body.toString("utf8"));
  return Entries.reduce((sum, { Detail = "" }) => sum + Math.max(1, Math.ceil(Detail.length / partBytes)), 0);
}
