import fc from "fast-check";
import { routes as routeTable } from "../../functions/domain/routes.ts";
import { ownerVerdict } from "../support/rooms.ts";
import { type TestWorld, testWorld } from "../support/world.ts";
import { deep, json, nearly, nearlyText, text, written } from "./arbitraries.ts";
import type { Target } from "./parsers.ts";
import { checked } from "./run-one.ts";

const config = {
  agents: {
    list: [
      { id: "worker", cacheRetention: "none" },
      { id: "live", routing: "realtime" },
      { id: "frugal", budget: { usdPerDay: 0.01, onExceeded: "hold" } },
      { id: "private", zeroDataRetention: true },
    ],
  },
  lanes: [{ id: "night", hours: "22:00-06:00" }],
  cron: {
    jobs: [
      {
        id: "nightly",
        agentId: "worker",
        schedule: { kind: "cron", expr: "15 2 * * *" },
        payload: { kind: "agentTurn", message: "Report." },
      },
    ],
  },
};

/** A world is used for so many cases: what is there makes the next case different, and too much of it slow. */
const casesPerWorld = 150;

export interface Playground {
  /** The world of this case, a new one now and then, and always with something in it. */
  next(): Promise<TestWorld>;
}

export function playground(): Playground {
  let world: TestWorld | undefined;
  let cases = 0;
  return {
    async next() {
      if (world === undefined || cases % casesPerWorld === 0) world = await furnished();
      cases += 1;
      return world;
    },
  };
}

/** The ids of these are the first that are ever made, so that a case can name them before it runs. */
const sessionIds = Array.from({ length: 4 }, (_, index) => `0100000000000000000000000${index + 1}`);

async function furnished(): Promise<TestWorld> {
  const world = testWorld({ config });
  await world.accept("Done.", { label: "nightly" });
  await world.accept("Done too.", { agentId: "live" });
  await world.ticks(12);
  await world.accept("Queued.", { label: "nightly" });
  await world.accept("Held.", { agentId: "frugal" });
  return world;
}

const id = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...sessionIds) },
  { weight: 2, arbitrary: nearlyText("01000000000000000000000001", "msgbatch_01") },
  text,
);
const inPath = id.map((one) => encodeURIComponent(one.toWellFormed()).slice(0, 6_000));
/** Of every route there is, and of some that are none. */
const known = [...new Set(Object.keys(routeTable).map((name) => name.split(" ")[1] ?? ""))];
const paths = fc
  .tuple(fc.constantFrom(...known, "/api/nothing", "/"), inPath)
  .map(([path, one]) => path.replace(":id", () => one));
const parameter = fc.tuple(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom(
        "agentId",
        "label",
        "status",
        "from",
        "to",
        "cursor",
        "limit",
        "groupBy",
        "format",
        "state",
        "lane",
      ),
    },
    text,
  ),
  fc.oneof(
    nearlyText(
      "worker",
      "nightly",
      "done",
      "2026-11-22",
      "2026-11-22T03:00:00Z",
      "50",
      "agent",
      "csv",
      "settled",
      "default",
    ),
    text,
  ),
);
const query = fc
  .array(parameter, { maxLength: 3 })
  .map((some) =>
    some
      .map(([name, value]) => `${encodeURIComponent(name.toWellFormed())}=${encodeURIComponent(value.toWellFormed())}`)
      .join("&"),
  );

const task = {
  task: "Write.",
  agentId: "worker",
  label: "nightly",
  timeoutSeconds: 600,
  onDeadline: "wait",
  metadata: { a: 1 },
};
const anyTask = fc.oneof(
  { weight: 3, arbitrary: nearly(task) },
  text.map((one) => ({ task: one })),
  json,
);
const textBody = fc.oneof(
  { weight: 4, arbitrary: anyTask.map(written) },
  {
    weight: 2,
    arbitrary: fc
      .oneof(
        nearly({ message: "More." }),
        text.map((message) => ({ message })),
      )
      .map(written),
  },
  { weight: 2, arbitrary: nearly({ label: "nightly" }).map(written) },
  {
    weight: 2,
    arbitrary: nearly({ name: "ci", scopes: ["spawn"], agents: ["worker"], expiresInSeconds: 90 }).map(written),
  },
  { weight: 2, arbitrary: fc.array(anyTask, { maxLength: 5 }).map(written) },
  { weight: 2, arbitrary: fc.array(anyTask.map(written), { maxLength: 5 }).map((lines) => lines.join("\n")) },
  nearlyText(written(task)),
  deep,
);
const body = fc.oneof({ weight: 6, arbitrary: textBody }, fc.uint8Array({ maxLength: 60 }));

/** What a header may hold at all: the others are refused before they are sent. */
const headerText = fc.string({ maxLength: 300 }).filter((one) => !/[^\t\x20-\x7e]/.test(one));
const headers = fc.oneof(
  fc.constant({}),
  fc.record(
    {
      "idempotency-key": fc.oneof(headerText, fc.constantFrom("key-1", "")),
      accept: fc.oneof(headerText, fc.constant("text/csv")),
      "content-length": fc.constantFrom("0", "-1", "99999999999", "NaN"),
      "content-type": headerText,
    },
    { requiredKeys: [] },
  ),
);
const verdict = fc.oneof(
  { weight: 12, arbitrary: fc.constant(ownerVerdict) },
  {
    weight: 1,
    arbitrary: fc.oneof(nearly(ownerVerdict), fc.constant({ refusal: "rate_limited", retryAfterSeconds: 3 })),
  },
);

const methods = fc.constantFrom("GET", "GET", "POST", "POST", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS");

export const routes: Target = {
  name: "every route",
  property() {
    const worlds = playground();
    const call = fc.record({ method: methods, path: paths, query, body, headers, verdict });
    return fc.asyncProperty(call, async ({ method, path, query: search, body: sent, headers: extra, verdict: who }) => {
      const world = await worlds.next();
      const withBody = method === "GET" || method === "HEAD" ? {} : { body: sent as string };
      const url = search === "" ? path : `${path}?${search}`;
      const init = { method, headers: extra, ...withBody };
      const answer = await checked(`${method} ${path}`, () => call$(world, url, init, who));
      if (answer.status >= 500)
        throw new Error(`${method} ${url}: ${answer.status} ${answer.text} ${written(world.logs.at(-1))}`);
      if (answer.status >= 400 && method !== "HEAD") checkError(answer.text);
      if (answer.status === 202) await checkKept(world, path, answer.text, sent);
    });
  },
};

async function call$(world: TestWorld, url: string, init: RequestInit, who: unknown) {
  const response = await world.http(url, init, who);
  return { status: response.status, text: await response.text() };
}

/** Every error has one form. */
function checkError(answer: string): void {
  const { error }: { error?: { type?: unknown; message?: unknown } } = JSON.parse(answer);
  if (typeof error?.type !== "string" || typeof error.message !== "string") throw new Error(`no error: ${answer}`);
}

interface Accepted {
  sessionId?: string;
  turn?: number;
  results?: Accepted[];
}

/** What was accepted can be read back, word for word. */
async function checkKept(world: TestWorld, path: string, answer: string, sent: unknown): Promise<void> {
  const accepted: Accepted = JSON.parse(answer);
  if (path === "/api/sessions/spawn") await checkSaid(world, accepted.sessionId, said(sent, "task"));
  if (path.endsWith("/messages")) await checkSaid(world, accepted.sessionId, said(sent, "message"));
  for (const one of accepted.results ?? [])
    if (one.sessionId !== undefined) await checkSaid(world, one.sessionId, undefined);
}

function said(sent: unknown, field: string): string {
  const text = typeof sent === "string" ? sent : new TextDecoder().decode(sent as Uint8Array);
  return String((JSON.parse(text) as Record<string, unknown>)[field]);
}

async function checkSaid(world: TestWorld, sessionId: string | undefined, expected: string | undefined): Promise<void> {
  const status = await call$(world, `/api/sessions/${sessionId}`, {}, ownerVerdict);
  const history = await call$(world, `/api/sessions/${sessionId}/history`, {}, ownerVerdict);
  if (status.status !== 200 || history.status !== 200) throw new Error(`accepted and not there: ${sessionId}`);
  const { messages }: { messages: { role: string; content: unknown }[] } = JSON.parse(history.text);
  const last = messages.filter(({ role }) => role === "user").at(-1)?.content;
  if (expected !== undefined && last !== expected) throw new Error(`said ${written(expected)}, kept ${written(last)}`);
}

const event = fc.oneof(
  nearly({ cronJob: "nightly", time: "2026-11-22T02:15:00Z" }),
  anyTask.map((detail) => ({ "detail-type": "offpeak.spawn", source: "fuzz", id: "event-1", detail })),
  nearly({ "detail-type": "offpeak.spawn", source: "fuzz", id: "event-1", detail: { ...task, idempotencyKey: "k" } }),
  json,
);

/** Nobody is there to answer: what can never be accepted is dropped with a log line, and nothing is ever thrown. */
export const events: Target = {
  name: "events of the bus and of cron rules",
  property() {
    const worlds = playground();
    return fc.asyncProperty(event, async (one) => {
      const world = await worlds.next();
      const before = world.logs.length;
      await checked("event", () => world.spawnFromEvent(one));
      for (const { code, fields } of world.logs.slice(before))
        if (code === "session_accepted") await checkSaid(world, String(fields["sessionId"]), undefined);
    });
  },
};

/** A message is deleted or comes again; it never stops the others that came with it. */
export const messages: Target = {
  name: "messages of the queues",
  property() {
    const worlds = playground();
    const message = fc.oneof(
      nearlyText(written({ sessionId: sessionIds[2], turn: 1, attempt: 1, sendNo: 1 })),
      nearly({ sessionId: sessionIds[2], turn: 1, attempt: 1, sendNo: 1 }).map(written),
      deep,
    );
    return fc.asyncProperty(message, async (one) => {
      const world = await worlds.next();
      await checked("real-time message", () => world.runMessage(one));
    });
  },
};

export const logins: Target = {
  name: "tokens and addresses",
  property() {
    const worlds = playground();
    const header = fc.option(fc.oneof(text, nearlyText("Bearer the-token-of-the-tests", "bearer x", "Basic YTpi")), {
      nil: undefined,
    });
    return fc.asyncProperty(header, fc.oneof(fc.ipV4(), fc.ipV6()), async (authorization, address) => {
      const world = await worlds.next();
      const answer = await checked("login", () => world.authorize(authorization, address));
      const isValid = /^Bearer +the-token-of-the-tests *$/i.test(authorization ?? "");
      if ("client" in answer !== isValid) throw new Error(`${written(authorization)}: ${written(answer)}`);
    });
  },
};
