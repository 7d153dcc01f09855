import type { LambdaContext, LambdaEvent } from "hono/aws-lambda";
import { handle as toLambda } from "hono/aws-lambda";
import type { HttpApp } from "./http.ts";

/** What AWS calls a function with, as far as it is not parsed elsewhere. */
export function isHttpEvent(event: unknown): event is LambdaEvent {
  if (typeof event !== "object" || event === null || !("requestContext" in event)) return false;
  const { requestContext } = event;
  return typeof requestContext === "object" && requestContext !== null && "http" in requestContext;
}

export function handle(app: HttpApp, event: LambdaEvent, context: unknown): Promise<unknown> {
  return toLambda(app)(event, isLambdaContext(context) ? context : undefined);
}

function isLambdaContext(context: unknown): context is LambdaContext {
  return typeof context === "object" && context !== null && "awsRequestId" in context;
}

/** How long the function may still run. Without a context (on one machine) it is as long as Lambda's longest. */
export function millisecondsLeft(context: unknown): () => number {
  if (isLambdaContext(context)) return () => context.getRemainingTimeInMillis();
  const end = Date.now() + 900_000;
  return () => end - Date.now();
}
