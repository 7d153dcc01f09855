import * as v from "valibot";
import type { LocalRequest, Reply } from "./http.ts";

export const region = "us-east-1";
export const account = "000000000000";

/** An answer in AWS's own terms: the SDK makes its typed exception from `code`. */
export class AwsFault extends Error {
  override name = "AwsFault";
  readonly code: string;
  readonly status: number;
  /** Overrides `code` for callers of the old query protocol, as SQS does. */
  readonly queryCode: string | undefined;

  constructor(code: string, message: string, more: { status?: number; queryCode?: string } = {}) {
    super(message);
    this.code = code;
    this.status = more.status ?? 400;
    this.queryCode = more.queryCode;
  }
}

export type Operation = (input: unknown, request: LocalRequest) => unknown;

/** Answers AWS JSON 1.0 and 1.1: the operation is named by `X-Amz-Target: <service>.<operation>`. */
export async function answerJson(
  request: LocalRequest,
  service: { target: string; version: "1.0" | "1.1"; operations: ReadonlyMap<string, Operation> },
): Promise<Reply> {
  const contentType = `application/x-amz-json-${service.version}`;
  try {
    const [target, name = ""] = (request.header("x-amz-target") ?? "").split(".");
    const operation = target === service.target ? service.operations.get(name) : undefined;
    if (operation === undefined) throw new AwsFault("UnknownOperationException", `${name} is not emulated here`);
    const output = await operation(parseJson(request.body), request);
    return { status: 200, headers: { "content-type": contentType }, body: JSON.stringify(output ?? {}) };
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
    return faultReply(error, contentType);
  }
}

function faultReply(fault: AwsFault, contentType: string): Reply {
  const query = fault.queryCode === undefined ? {} : { "x-amzn-query-error": `${fault.queryCode};Sender` };
  return {
    status: fault.status,
    headers: { "content-type": contentType, "x-amzn-errortype": fault.code, ...query },
    body: JSON.stringify({ __type: fault.code, message: fault.message }),
  };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new AwsFault("SerializationException", "The request body is not JSON");
  }
}

/** Parses an operation's input; the fault names the first field that is wrong. */
export function parseInput<S extends v.GenericSchema>(schema: S, input: unknown, code: string): v.InferOutput<S> {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new AwsFault(code, `${v.getDotPath(issue) ?? "request"}: ${issue.message}`);
}
