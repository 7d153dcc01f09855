import { parseArgs } from "node:util";
import * as v from "valibot";
import { parseJson } from "../../functions/domain/parse.ts";
import { readAccess } from "../api-access.ts";

/** `npm run token`: the token routes of the HTTP API, of a system on this machine or a deployed one. */
export interface CommandDeps {
  environment: Record<string, string | undefined>;
  fetch: typeof fetch;
  /** What a program may read on: a new token, or the list. */
  out: (line: string) => void;
  /** What a person reads. */
  tell: (line: string) => void;
}

const usage = `usage:
  npm run token -- create --name ci --scopes spawn,read --agents worker [--expires 90d]
  npm run token -- list
  npm run token -- revoke ID
--scopes is of spawn, read, cancel, admin; --agents of the configuration, or "*"; --expires in m, h or d.
OFFPEAK_URL is the API (http://127.0.0.1:8787), OFFPEAK_TOKEN a token with the scope admin (that of .offpeak, for this machine).`;

const callSeconds = 30;
const unitSeconds = new Map([
  ["m", 60],
  ["h", 3_600],
  ["d", 86_400],
]);

class CommandError extends Error {}

/** @returns the code to exit with: 1 for a call that was refused, 2 for a command that is none */
export async function tokenCommand(args: readonly string[], deps: CommandDeps): Promise<number> {
  try {
    const { values, positionals } = readArguments(args);
    const [command, id, ...rest] = positionals;
    if (rest.length > 0) throw new CommandError(usage);
    if (command === "create" && id === undefined) return await create(values, deps);
    if (command === "list" && id === undefined) return await list(deps);
    if (command === "revoke" && id !== undefined) return await revoke(id, deps);
    throw new CommandError(usage);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    deps.tell(error.message);
    return error.message === usage ? 2 : 1;
  }
}

function readArguments(args: readonly string[]) {
  const text = { type: "string" } as const;
  try {
    const options = { name: text, scopes: text, agents: text, expires: text };
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch {
    throw new CommandError(usage);
  }
}

type Wishes = Partial<Record<"name" | "scopes" | "agents" | "expires", string | undefined>>;

async function create({ name, scopes, agents, expires }: Wishes, deps: CommandDeps): Promise<number> {
  if (name === undefined || scopes === undefined || agents === undefined) throw new CommandError(usage);
  const body = {
    name,
    scopes: scopes.split(","),
    agents: agents === "*" ? agents : agents.split(","),
    ...(expires === undefined ? {} : { expiresInSeconds: readSeconds(expires) }),
  };
  const made = await call(["POST", "/api/tokens", body], v.object({ token: v.string(), ...shownFields }), deps);
  deps.tell(`${describe(made)}\nThis is the only time it is shown:`);
  deps.out(made.token);
  return 0;
}

function readSeconds(text: string): number {
  const [, count = "", unit = ""] = /^([1-9]\d{0,6})([mhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (unitSeconds.get(unit) ?? 0);
  if (seconds === 0) throw new CommandError("--expires: must be a number and m, h or d, as 90d");
  return seconds;
}

async function list(deps: CommandDeps): Promise<number> {
  const { tokens } = await call(["GET", "/api/tokens"], v.object({ tokens: v.array(v.object(shownFields)) }), deps);
  for (const token of tokens) deps.out(describe(token));
  if (tokens.length === 0) deps.tell("There are none besides the one of the deployment.");
  return 0;
}

async function revoke(id: string, deps: CommandDeps): Promise<number> {
  const path = `/api/tokens/${encodeURIComponent(id)}`;
  const revoked = await call(["DELETE", path], v.object(shownFields), deps);
  deps.tell(`${describe(revoked)}\nNobody is let in with it any more within a minute.`);
  return 0;
}

const shownFields = {
  id: v.string(),
  name: v.string(),
  scopes: v.array(v.string()),
  agents: v.union([v.string(), v.array(v.string())]),
  state: v.string(),
  expiresAt: v.nullable(v.string()),
};
const shownSchema = v.object(shownFields);
const errorSchema = v.object({ error: v.object({ message: v.string() }) });

/** `01KAJ8Z3M4N5P6Q7R8S9T0V1W2  ci  live  spawn,read  worker  until 2027-02-19T19:00:00.000Z` */
function describe({ id, name, state, scopes, agents, expiresAt }: v.InferOutput<typeof shownSchema>): string {
  const end = expiresAt === null ? "without end" : `until ${expiresAt}`;
  return [id, name, state, scopes.join(","), [agents].flat().join(","), end].join("  ");
}

async function call<S extends v.GenericSchema>(
  [method, path, body]: [method: string, path: string, body?: object],
  schema: S,
  { environment, fetch: send }: CommandDeps,
): Promise<v.InferOutput<S>> {
  const parsed = readAccess(environment);
  if (!parsed.ok) throw new CommandError(parsed.problem);
  const { url, token } = parsed.access;
  const answer = await send(new URL(path, url), {
    method,
    headers: { authorization: `Bearer ${token}` },
    // A token is sent to the host that was named, and to no other.
    redirect: "error",
    signal: AbortSignal.timeout(callSeconds * 1000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    throw new CommandError(`${url.origin} cannot be reached: ${error instanceof Error ? error.message : ""}`);
  });
  const json = parseJson(await answer.text());
  if (answer.ok && v.is(schema, json)) return v.parse(schema, json);
  const reason = v.is(errorSchema, json) ? json.error.message : "its answer is not one of Offpeak's";
  throw new CommandError(`${url.origin} answers ${answer.status}: ${reason}`);
}

if (import.meta.main) {
  process.exitCode = await tokenCommand(process.argv.slice(2), {
    environment: process.env,
    fetch,
    out: (line) => void process.stdout.write(`${line}\n`),
    tell: (line) => void process.stderr.write(`${line}\n`),
  });
}
