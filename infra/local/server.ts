import { serve } from "@hono/node-server";
import type { GatewayBindings } from "../../functions/clients/http.ts";
import { toErrorResponse } from "../../functions/domain/errors.ts";

/** What stands behind API Gateway when deployed. */
export interface Gateway {
  authorize(event: unknown): Promise<{ context: unknown }>;
  /** The application that answers a path. */
  appFor(path: string): { fetch(request: Request, bindings: GatewayBindings): Response | Promise<Response> };
}

export interface LocalServer {
  url: string;
  close(): Promise<void>;
}

/** API Gateway on one machine: asks the authorizer, and passes its verdict on with the request. */
export async function startServer(port: number, gateway: Gateway): Promise<LocalServer> {
  const host = "127.0.0.1";
  const listening = Promise.withResolvers<number>();
  const server = serve(
    { hostname: host, port, fetch: (request, { incoming }) => pass(request, addressOf(incoming), gateway) },
    (info) => listening.resolve(info.port),
  );
  server.once("error", listening.reject);
  return {
    url: `http://${host}:${await listening.promise}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeIdleConnections" in server) server.closeIdleConnections();
      }),
  };
}

async function pass(request: Request, sourceIp: string, { authorize, appFor }: Gateway): Promise<Response> {
  const authorization = request.headers.get("authorization");
  const headers = authorization === null ? {} : { authorization };
  try {
    const { context } = await authorize({ headers, requestContext: { http: { sourceIp } } });
    const event = { requestContext: { authorizer: { lambda: context } } };
    return await appFor(new URL(request.url).pathname).fetch(request, { event });
  } catch (error) {
    const { status, body } = toErrorResponse(error);
    return Response.json(body, { status });
  }
}

function addressOf(incoming: unknown): string {
  const socket =
    typeof incoming === "object" && incoming !== null && "socket" in incoming ? incoming.socket : undefined;
  const isKnown = typeof socket === "object" && socket !== null && "remoteAddress" in socket;
  return isKnown && typeof socket.remoteAddress === "string" ? socket.remoteAddress : "unknown";
}
