import { type Access, authenticate, betasIn } from "./access.ts";
import { ApiError, creditMessage, errorObject, invalid, usageLimitMessage } from "./api-error.ts";
import type { Chance } from "./chance.ts";
import { resultFile, spoilBody } from "./damage.ts";
import type { Fault, Faults } from "./faults.ts";
import { exchangeToken, tokenPath } from "./federation.ts";
import type { Caller, StandInModel } from "./model.ts";
import { findRoute, type Route } from "./routes.ts";

/** One HTTP request, header names in lower case. */
export interface Call {
  method: string;
  /** Path and query. */
  url: string;
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
}

/** What happens to it. A server, or a simulation's own `fetch`, carries it out. */
export type Reply =
  | {
      kind: "answer";
      status: number;
      headers: Record<string, string>;
      body: Iterable<string>;
      broken: boolean;
      afterMs: number;
    }
  | { kind: "reset" }
  | { kind: "hang" };

export interface ExchangeDeps {
  model: StandInModel;
  faults: Faults;
  chance: Chance;
  access: Access;
}

/** Answers one call, synchronously: the whole HTTP face of the API without a network. */
export function createExchange(deps: ExchangeDeps): (call: Call) => Reply {
  let calls = 0;
  return (call) => {
    calls += 1;
    return exchange(call, { ...deps, requestId: deps.chance.id("req", calls) });
  };
}

type Deps = ExchangeDeps & { requestId: string };

function exchange(call: Call, deps: Deps): Reply {
  try {
    if (call.url === tokenPath) return giveToken(call, deps);
    const route = findRoute(call);
    const fault = deps.faults.take(route.operation);
    const early = fault === undefined ? undefined : insteadOf(fault, deps);
    if (early !== undefined) return early;
    const caller = authenticate(call, deps.access);
    const reply = perform({ call, route, fault, caller }, deps);
    return fault === undefined ? reply : (afterwards(fault, deps) ?? reply);
  } catch (error) {
    if (error instanceof ApiError) return refusal(error, deps);
    throw error;
  }
}

/** The one call for which nobody needs a key. */
function giveToken({ method, headers, body }: Call, deps: Deps): Reply {
  if (method !== "POST") throw new ApiError("invalid_request_error", "Method Not Allowed", { status: 405 });
  const { now, defaultWorkspaceId } = deps.access;
  const given = exchangeToken({ body, betas: betasIn(headers), now: now() }, defaultWorkspaceId);
  return json(200, headersFor(deps), given);
}

/** Faults that keep the call from being carried out. */
function insteadOf(fault: Fault, deps: Deps): Reply | undefined {
  const { kind, afterCommit } = fault;
  if (kind === "lost_response" && afterCommit === false) return { kind: "reset" };
  if (kind === "hang" && afterCommit !== true) return { kind: "hang" };
  if (kind === "server_error" && afterCommit !== true) return serverError(deps);
  if (kind === "too_large_html")
    return html(413, "<html><head><title>413 Request Entity Too Large</title></head></html>");
  if (kind === "too_large_json") {
    const error = { type: "request_too_large", message: "Request exceeds the maximum size" };
    return json(413, { "content-type": "application/json" }, { error });
  }
  const { error, headers } = refusalOf(fault) ?? {};
  return error === undefined ? undefined : refusal(error, deps, headers);
}

/** Faults that strike once the call was carried out. */
function afterwards({ kind }: Fault, deps: Deps): Reply | undefined {
  if (kind === "lost_response") return { kind: "reset" };
  if (kind === "hang") return { kind: "hang" };
  return kind === "server_error" ? serverError(deps) : undefined;
}

function serverError(deps: Deps): Reply {
  return refusal(new ApiError("api_error", "Internal server error"), deps);
}

function refusalOf({
  kind,
  retryAfterSeconds,
  index = 0,
}: Fault): { error: ApiError; headers?: Record<string, string> } | undefined {
  switch (kind) {
    case "rate_limited": {
      const headers = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
      return { error: new ApiError("rate_limit_error", "Number of requests has exceeded your rate limit."), headers };
    }
    case "spend_limit": {
      const details = { error_code: "enforced_spend_limit_reached" };
      return { error: new ApiError("rate_limit_error", "You have reached your monthly spend limit.", { details }) };
    }
    case "overloaded":
      return { error: new ApiError("overloaded_error", "Overloaded"), headers: { "x-should-retry": "true" } };
    case "not_found":
      return { error: new ApiError("not_found_error", "Not found") };
    case "unauthorized":
      return { error: new ApiError("authentication_error", "invalid x-api-key") };
    case "forbidden":
      return { error: new ApiError("permission_error", "Your API key does not have permission to use this resource.") };
    case "billing":
      return { error: new ApiError("billing_error", "There is a problem with your billing or payment information.") };
    case "credit":
      return { error: invalid(creditMessage) };
    case "usage_limit":
      return { error: invalid(usageLimitMessage) };
    case "bad_request":
      return { error: invalid(`requests.${index}.params.messages: Field required`) };
    default:
      return undefined;
  }
}

interface Performance {
  call: Call;
  route: Route;
  fault: Fault | undefined;
  caller: Caller;
}

function perform({ call, route, fault, caller }: Performance, deps: Deps): Reply {
  const headers = headersFor(deps, caller);
  const result = route.run({ model: deps.model, caller, body: call.body });
  if ("lines" in result) {
    const { pieces, broken } = resultFile(result.lines, result.count, fault);
    const type = { "content-type": "application/x-jsonl" };
    return { kind: "answer", status: 200, headers: { ...headers, ...type }, body: pieces, broken, afterMs: 0 };
  }
  return { ...json(200, headers, spoilBody(result.body, fault)), afterMs: result.afterMs ?? 0 };
}

function headersFor({ requestId, access }: Deps, caller?: Caller): Record<string, string> {
  return {
    "content-type": "application/json",
    "request-id": requestId,
    "anthropic-organization-id": access.organizationId,
    ...(caller === undefined ? {} : { "anthropic-workspace-id": caller.workspaceId }),
  };
}

function refusal(error: ApiError, deps: Deps, headers: Record<string, string> = {}): Reply {
  const body = { type: "error", error: errorObject(error), request_id: deps.requestId };
  return json(error.status, { ...headersFor(deps), ...headers }, body);
}

type AnswerReply = Extract<Reply, { kind: "answer" }>;

function json(status: number, headers: Record<string, string>, body: object): AnswerReply {
  return { kind: "answer", status, headers, body: [JSON.stringify(body)], broken: false, afterMs: 0 };
}

function html(status: number, body: string): AnswerReply {
  return { kind: "answer", status, headers: { "content-type": "text/html" }, body: [body], broken: false, afterMs: 0 };
}
