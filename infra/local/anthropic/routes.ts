import { ApiError } from "./api-error.ts";
import type { BatchResults } from "./batches.ts";
import type { Operation } from "./faults.ts";
import type { PageQuery } from "./list.ts";
import type { Caller, StandInModel } from "./model.ts";

export interface RouteInput {
  model: StandInModel;
  caller: Caller;
  body: string;
}

export type RouteResult = { body: object; afterMs?: number } | BatchResults;

export interface Route {
  operation: Operation;
  run(input: RouteInput): RouteResult;
}

/** Method and path to what is to be done; throws 404 for a path that is not there, 405 for a method it does not take. */
export function findRoute({ method, url }: { method: string; url: string }): Route {
  const { pathname, searchParams } = new URL(url, "http://stand-in");
  const [version, ...segments] = pathname.split("/").slice(1);
  const byMethod = version === "v1" ? routesAt(segments.map(decode), readQuery(searchParams)) : undefined;
  if (byMethod === undefined) throw new ApiError("not_found_error", `Not found: ${pathname}`);
  const route = byMethod[method];
  if (route === undefined) throw new ApiError("invalid_request_error", "Method Not Allowed", { status: 405 });
  return route;
}

type ByMethod = Readonly<Record<string, Route>>;

function routesAt([first, second, third, fourth, ...more]: string[], query: PageQuery): ByMethod | undefined {
  if (more.length > 0) return undefined;
  if (first === "models" && third === undefined) return modelRoutes(second, query);
  if (first !== "messages") return undefined;
  if (second === undefined) return messageRoutes;
  if (second === "count_tokens" && third === undefined) return countRoutes;
  if (second !== "batches") return undefined;
  if (third === undefined) return batchesRoutes(query);
  return batchRoutes(third, fourth);
}

const messageRoutes: ByMethod = {
  POST: {
    operation: "message",
    run: ({ model, caller, body }) => {
      const { message, afterMs } = model.createMessage(body, caller);
      return { body: message, afterMs };
    },
  },
};

const countRoutes: ByMethod = {
  POST: { operation: "message", run: ({ model, caller, body }) => ({ body: model.countTokens(body, caller) }) },
};

function modelRoutes(id: string | undefined, query: PageQuery): ByMethod {
  const run = ({ model }: RouteInput) => ({
    body: id === undefined ? model.listModels(query) : model.retrieveModel(id),
  });
  return { GET: { operation: "models", run } };
}

function batchesRoutes(query: PageQuery): ByMethod {
  return {
    POST: { operation: "create", run: ({ model, caller, body }) => ({ body: model.createBatch(body, caller) }) },
    GET: { operation: "list", run: ({ model, caller }) => ({ body: model.listBatches(query, caller) }) },
  };
}

function batchRoutes(id: string, action: string | undefined): ByMethod | undefined {
  if (action === "cancel") {
    return { POST: { operation: "cancel", run: ({ model, caller }) => ({ body: model.cancelBatch(id, caller) }) } };
  }
  if (action === "results") {
    return { GET: { operation: "results", run: ({ model, caller }) => model.batchResults(id, caller) } };
  }
  if (action !== undefined) return undefined;
  return {
    GET: { operation: "retrieve", run: ({ model, caller }) => ({ body: model.retrieveBatch(id, caller) }) },
    DELETE: { operation: "delete", run: ({ model, caller }) => ({ body: model.deleteBatch(id, caller) }) },
  };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function readQuery(params: URLSearchParams): PageQuery {
  const query: PageQuery = {};
  for (const name of ["limit", "after_id", "before_id"] as const) {
    const value = params.get(name);
    if (value !== null) query[name] = value;
  }
  return query;
}
