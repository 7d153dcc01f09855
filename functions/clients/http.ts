import type { Context } from "hono";
import { Hono } from "hono";
import { RequestError, toErrorResponse } from "../domain/errors.ts";
import { maxIdempotencyKeyCharacters, maxRequestBytes } from "../domain/limits.ts";
import type { Log } from "../domain/log.ts";
import { describeProblems, type Problem, parseJson } from "../domain/parse.ts";
import { checkAccess, type Principal, principalFrom } from "../domain/principal.ts";
import { type HttpRoom, type Route, type RouteName, routesOf } from "../domain/routes.ts";

/** What API Gateway hands over beside the request; `npm start` hands over the same. */
export interface GatewayBindings {
  event?: { requestContext?: { authorizer?: { lambda?: unknown } } };
}
export type HttpApp = Hono<{ Bindings: GatewayBindings; Variables: { principal: Principal } }>;
export type HttpContext = Context<{ Bindings: GatewayBindings; Variables: { principal: Principal } }>;

type Handler = (c: HttpContext) => Response | Promise<Response>;
export type Handlers<Name extends string> = { readonly [N in Name]: Handler };

/**
 * The application of a room: a handler for each of its routes, and none besides. The rules all routes share: nobody unknown
 * enters, nobody does what their token is not good for, every error has one form, and no answer is kept by a cache.
 */
export function httpApp<Room extends HttpRoom>(room: Room, handlers: Handlers<RouteName<Room>>, log: Log): HttpApp {
  const app: HttpApp = new Hono();
  app.use(async (c, next) => {
    c.set("principal", principalFrom(c.env?.event?.requestContext?.authorizer?.lambda));
    c.header("cache-control", "no-store");
    c.header("x-content-type-options", "nosniff");
    await next();
  });
  const byName = new Map<string, Handler>(Object.entries(handlers));
  for (const [path, own] of routesOf(room)) addPath(app, path, own, byName);
  app.notFound(() => answerError(new RequestError(404, "there is no such route")));
  app.onError((error, c) => {
    if (!(error instanceof RequestError)) log("request_failed", { error: error.name, path: c.req.routePath });
    return answerError(error);
  });
  return app;
}

function addPath(app: HttpApp, path: string, own: readonly Route[], handlers: ReadonlyMap<string, Handler>): void {
  for (const route of own) {
    const handler = handlers.get(route.name);
    if (handler === undefined) throw new Error(`nobody answers ${route.name}`);
    app.on(route.method, path, (c) => {
      checkAccess(c.get("principal"), route);
      return handler(c);
    });
  }
  const allow = own.map(({ method }) => method).join(", ");
  app.all(path, () => {
    throw new RequestError(405, `this route takes ${allow}`, { headers: { allow } });
  });
}

function answerError(error: unknown): Response {
  const { status, headers, body } = toErrorResponse(error);
  return Response.json(body, {
    status,
    headers: { ...headers, "cache-control": "no-store", "x-content-type-options": "nosniff" },
  });
}

/**
 * The body as sent, whatever its content type says it is.
 * @throws RequestError 413, or 400 when it is not UTF-8
 */
export async function readText(c: HttpContext, maxBytes = maxRequestBytes): Promise<string> {
  const tooLarge = () => new RequestError(413, `the body is over ${maxBytes} bytes`);
  if (Number(c.req.header("content-length") ?? 0) > maxBytes) throw tooLarge();
  const parts: Uint8Array[] = [];
  let size = 0;
  // Without a length in its head, a body may be of any size: it is read only as far as it is taken.
  for await (const part of c.req.raw.body ?? []) {
    size += part.byteLength;
    if (size > maxBytes) throw tooLarge();
    parts.push(part);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts));
  } catch {
    throw new RequestError(400, "the body is not UTF-8", { param: "body" });
  }
}

/**
 * A body that is JSON, whatever its content type says it is.
 * @throws RequestError 400 with all problems, naming the field of the first; 413
 */
export async function readJson<T>(c: HttpContext, parse: Parse<T>): Promise<T> {
  return parseBody(await readText(c), parse);
}

type Parse<T> = (json: unknown) => { ok: true; value: T } | { ok: false; problems: readonly Problem[] };

export function parseBody<T>(text: string, parse: Parse<T>): T {
  const json = parseJson(text);
  if (json === undefined) throw new RequestError(400, "the body is not JSON", { param: "body" });
  const parsed = parse(json);
  if (parsed.ok) return parsed.value;
  const [first] = parsed.problems;
  const param = first === undefined || first.path === "" ? "body" : first.path;
  throw new RequestError(400, describeProblems(parsed.problems), { param });
}

/** @throws RequestError 400 where it has no characters, or too many */
export function readIdempotencyKey(c: HttpContext): string | undefined {
  const key = c.req.header("idempotency-key");
  if (key === undefined) return undefined;
  if (key.trim() === "" || key.length > maxIdempotencyKeyCharacters) {
    const message = `must have 1 to ${maxIdempotencyKeyCharacters} characters`;
    throw new RequestError(400, `Idempotency-Key: ${message}`, { param: "Idempotency-Key" });
  }
  return key;
}
