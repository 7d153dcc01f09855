import { type HttpContext, readJson } from "../clients/http.ts";
import { type Clock, iso, type NewId } from "../domain/clock.ts";
import type { Config } from "../domain/config/index.ts";
import { RequestError } from "../domain/errors.ts";
import { isId, sha256 } from "../domain/ids.ts";
import { maxTokens } from "../domain/limits.ts";
import type { Log } from "../domain/log.ts";
import type { AgentSet, Principal } from "../domain/principal.ts";
import {
  checkMayGrant,
  formatToken,
  isWithin,
  parseTokenBody,
  type Token,
  type TokenRequest,
  tokenState,
} from "../domain/token.ts";
import type { Tokens } from "../store/tokens.ts";
import { readParameters } from "./parameters.ts";

export interface TokensDeps {
  config: Config;
  tokens: Tokens;
  clock: Clock;
  newId: NewId;
  /** 256 bits of chance, as text. */
  newSecret: () => string;
  log: Log;
}

/** `POST` and `GET /api/tokens`, `DELETE /api/tokens/{id}`: whoever has `admin` sees to tokens with at most what they have. */
export function tokenRoutes(deps: TokensDeps) {
  return {
    "POST /api/tokens": async (c: HttpContext) => {
      const request = await readJson(c, parseTokenBody);
      return c.json(await createToken(request, c.get("principal"), deps));
    },
    "GET /api/tokens": async (c: HttpContext) => {
      readParameters(c, []);
      return c.json({ tokens: await listTokens(c.get("principal"), deps) });
    },
    "DELETE /api/tokens/:id": async (c: HttpContext) =>
      c.json(await revokeToken((c.req.param("id") ?? "").toUpperCase(), c.get("principal"), deps)),
  };
}

/** The one time that a token is shown. A call whose answer is lost leaves one that nobody has, to be revoked. */
async function createToken(request: TokenRequest, asker: Principal, deps: TokensDeps) {
  const { tokens, clock, newId, newSecret, log } = deps;
  const { name, scopes, agents } = request;
  const createdAt = clock.now();
  const endsAt = checkMayGrant(request, asker, createdAt);
  checkAgentsExist(agents, asker, deps.config);
  const { tokens: all, damaged } = await tokens.list();
  if (all.length + damaged.length >= maxTokens) throw new RequestError(409, `there are ${maxTokens} tokens already`);
  const [id, secret] = [newId(), newSecret()];
  const facts = { id, name, scopes, agents, createdAt, createdBy: asker.client };
  const token = { ...facts, hash: sha256(secret), ...(endsAt === undefined ? {} : { endsAt }) };
  await tokens.add(token);
  log("token_created", { tokenId: id, client: name, by: asker.client });
  return { token: formatToken(id, secret), ...describeToken(token, createdAt) };
}

/** A slip is told of, as long as that tells no more than the asker may know. */
function checkAgentsExist(agents: AgentSet, asker: Principal, config: Config): void {
  const unknown =
    agents === "*" ? undefined : agents.find((agentId) => !config.agents.some(({ id }) => id === agentId));
  if (unknown === undefined || asker.agents !== "*") return;
  const known = config.agents.map(({ id }) => id).join(", ");
  throw new RequestError(400, `agents: unknown agent ${unknown} (known: ${known})`, { param: "agents" });
}

async function listTokens(asker: Principal, { tokens, clock, log }: TokensDeps) {
  const { tokens: all, damaged } = await tokens.list();
  for (const tokenId of damaged) log("record_corrupt", { tokenId });
  return all.filter((token) => isWithin(token, asker)).map((token) => describeToken(token, clock.now()));
}

async function revokeToken(id: string, asker: Principal, { tokens, clock, log }: TokensDeps) {
  const found = isId(id) ? await tokens.find(id) : undefined;
  if (found === undefined || !isWithin(found, asker)) throw noToken();
  const revoked = await tokens.revoke(id);
  if (revoked === undefined) throw noToken();
  log("token_revoked", { tokenId: id, client: revoked.name, by: asker.client });
  return describeToken(revoked, clock.now());
}

const noToken = () => new RequestError(404, "there is no such token", { param: "tokenId" });

const isoOrNull = (time: number | undefined) => (time === undefined ? null : iso(time));

function describeToken(token: Token, now: number) {
  const { id, name, scopes, agents, createdAt, createdBy, endsAt, revokedAt } = token;
  return {
    id,
    name,
    scopes,
    agents,
    state: tokenState(token, now),
    createdAt: iso(createdAt),
    createdBy,
    expiresAt: isoOrNull(endsAt),
    revokedAt: isoOrNull(revokedAt),
  };
}
