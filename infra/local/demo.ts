import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { isTerminal } from "../../functions/domain/session.ts";
import { type DemoApi, DemoError, type DemoSession, demoApi } from "./demo-api.ts";
import { type DemoSystem, findOrStart } from "./demo-system.ts";
import { nightlyTasks } from "./demo-tasks.ts";
import { clock, parseDuration, progressLine, type Row, savings, standInSpoke, table } from "./demo-text.ts";
import { type LocalSettings, readSettings } from "./settings.ts";

/** The stand-in ends its batches within seconds; Anthropic within a day. */
const timeoutSeconds = { standIn: 120, real: 24 * 3600 };
const lookEveryMs = 500;
/** Without a terminal, a line at every change, and this often as a sign of life. */
const signOfLifeSeconds = 60;
const columnsWithoutTerminal = 140;
const keptSentence = "What was accepted is kept, and goes on whenever the system runs (npm start).";

interface Run {
  settings: LocalSettings;
  timeoutSeconds: number | undefined;
  signal: AbortSignal;
}

/** `npm run demo`: a night's tasks from spawn to table. @returns the exit code */
async function main(): Promise<number> {
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => interrupted.abort(new DemoError(`${name}: stopped before the end. ${keptSentence}`)));
  }
  try {
    return await demo({ ...readInput(), signal: interrupted.signal });
  } catch (error) {
    // A pause that was interrupted names the reason as its cause.
    const reason = error instanceof Error && error.name === "AbortError" ? error.cause : error;
    if (!(reason instanceof DemoError)) throw error;
    process.stderr.write(`\n${reason.message}\n`);
    return 1;
  }
}

function readInput(): Omit<Run, "signal"> {
  const read = readSettings(process.env);
  if (!read.ok) throw new DemoError(`environment:\n${read.problems.map((problem) => `  ${problem}`).join("\n")}`);
  const { timeout } = readArguments();
  if (timeout === undefined) return { settings: read.settings, timeoutSeconds: undefined };
  const seconds = parseDuration(timeout);
  if (seconds === undefined) throw new DemoError("--timeout takes a time such as 90s, 30m or 24h.");
  return { settings: read.settings, timeoutSeconds: seconds };
}

function readArguments(): { timeout?: string | undefined } {
  try {
    return parseArgs({ options: { timeout: { type: "string" } } }).values;
  } catch (error) {
    throw new DemoError(`${String(error)}\nUsage: npm run demo -- [--timeout 90s|30m|24h]`, { cause: error });
  }
}

async function demo({ settings, timeoutSeconds: asked, signal: interrupted }: Run): Promise<number> {
  const system = await findOrStart(settings, { say, signal: interrupted });
  try {
    const signal = AbortSignal.any([interrupted, system.failed]);
    say(announcement(system, settings));
    const api = demoApi({ ...system, signal });
    const ids = await spawnAll(api);
    const isStandIn = system.isOurs && settings.apiKey === undefined;
    const bound = asked ?? (isStandIn ? timeoutSeconds.standIn : timeoutSeconds.real);
    const sessions = await follow(ids, api, { bound, signal });
    return conclude(await Promise.all(sessions.map((session) => toRow(session, api))), bound);
  } finally {
    if (system.isOurs) say("\nStopping the system that the demo started …");
    await system.stop();
  }
}

/** Who will answer, and whether that costs money: said before anything is sent. */
function announcement({ isOurs }: DemoSystem, { apiKey, baseUrl }: LocalSettings): string {
  const count = `${nightlyTasks.length} tasks`;
  const price = "less than a cent with the example configuration";
  if (!isOurs) return `If it was started with an API key, these ${count} will spend real money: ${price}.`;
  if (apiKey === undefined)
    return `No ANTHROPIC_API_KEY is set, so a stand-in answers these ${count}: no money is spent.`;
  const where = baseUrl ?? "Anthropic";
  return `ANTHROPIC_API_KEY is set: ${where} will answer these ${count}, and they will spend real money, ${price}. A batch may take an hour, or up to a day.`;
}

async function spawnAll(api: DemoApi): Promise<string[]> {
  const run = randomUUID();
  const ids: string[] = [];
  for (const [index, task] of nightlyTasks.entries()) ids.push(await api.spawn(task, `demo-${run}-${index}`));
  say(`${ids.length} tasks accepted.\n`);
  return ids;
}

/** Looks at all that have not ended, and shows how they stand, until each has ended and been delivered, or time is up. */
async function follow(
  ids: readonly string[],
  api: DemoApi,
  { bound, signal }: { bound: number; signal: AbortSignal },
): Promise<DemoSession[]> {
  const startedAt = Date.now();
  const show = progress();
  const found = new Map<string, DemoSession>();
  for (;;) {
    const open = ids.filter((id) => !isOver(found.get(id)));
    for (const session of await Promise.all(open.map(api.session))) found.set(session.sessionId, session);
    const sessions = ids.flatMap((id) => found.get(id) ?? []);
    const seconds = (Date.now() - startedAt) / 1000;
    const isEnd = sessions.every(isOver) || seconds > bound;
    show(
      sessions.map(({ status }) => status),
      seconds,
      isEnd,
    );
    if (isEnd) return sessions;
    await pause(lookEveryMs, undefined, { signal });
  }
}

function isOver(session: DemoSession | undefined): boolean {
  return session !== undefined && isTerminal(session.status) && session.delivery.status === "delivered";
}

/** On a terminal one line that changes in place; elsewhere a line at every change. */
function progress(): (statuses: readonly DemoSession["status"][], seconds: number, isEnd: boolean) => void {
  let last = { counts: "", at: 0 };
  return (statuses, seconds, isEnd) => {
    const line = progressLine(statuses, seconds);
    if (process.stdout.isTTY) {
      process.stdout.write(`\r\u001B[2K${line}${isEnd ? "\n" : ""}`);
      return;
    }
    const counts = statuses.join();
    if (counts === last.counts && seconds - last.at < signOfLifeSeconds) return;
    last = { counts, at: seconds };
    say(line);
  };
}

async function toRow(session: DemoSession, api: DemoApi): Promise<Row> {
  return { session, answer: await api.answer(session.sessionId) };
}

/** The table, what it means, and whether all went well. */
function conclude(rows: readonly Row[], bound: number): number {
  say(`\n${table(rows, process.stdout.columns ?? columnsWithoutTerminal)}\n`);
  say(savings(rows));
  if (rows.some(standInSpoke))
    say("The stand-in answered, not a model: these are the prices of its made-up answers, and no money was spent.");
  const waiting = rows.filter(({ session }) => !isOver(session)).length;
  const failed = rows.filter(({ session: { status } }) => isTerminal(status) && status !== "done").length;
  if (waiting > 0) {
    say(`${waiting} of ${rows.length} have not ended within ${clock(bound)}. ${keptSentence}`);
  }
  if (failed > 0) say(`${failed} of ${rows.length} did not end well: see their status above.`);
  return waiting + failed === 0 ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await main();
