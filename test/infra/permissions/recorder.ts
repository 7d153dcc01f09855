import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Permission, permissionsFor } from "./calls.ts";

/** The services' endpoint variables, by the prefix that IAM's actions have. */
export const endpointVariables: Record<string, string> = {
  dynamodb: "AWS_ENDPOINT_URL_DYNAMODB",
  sqs: "AWS_ENDPOINT_URL_SQS",
  s3: "AWS_ENDPOINT_URL_S3",
  events: "AWS_ENDPOINT_URL_EVENTBRIDGE",
  secretsmanager: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
};

export interface Recorder {
  /** `http://…/<room>/<service>` stands before each service and passes on what that room says. */
  url: string;
  /** What was called, by room. */
  called: ReadonlyMap<string, Permission[]>;
  /** Calls whose permission nobody knows. */
  unknown: string[];
  close(): Promise<void>;
}

/** Stands between the rooms and the emulators, and notes what IAM would be asked. */
export async function startRecorder(environment: Record<string, string>): Promise<Recorder> {
  const called = new Map<string, Map<string, Permission>>();
  const unknown: string[] = [];
  const note = (room: string, permission: Permission) => {
    const seen = called.get(room) ?? new Map<string, Permission>();
    called.set(room, seen.set(`${permission.action} ${permission.on}`, permission));
  };
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const [, room = "", service = "", path = ""] = /^\/(\w+)\/(\w+)(\/.*)?$/.exec(incoming.url ?? "") ?? [];
    const body = await read(incoming);
    const target = String(incoming.headers["x-amz-target"] ?? "");
    const call = {
      service,
      method: incoming.method ?? "",
      path: path.replace(/\?.*/, ""),
      target,
      body: body.toString(),
    };
    try {
      for (const permission of permissionsFor(call)) note(room, permission);
    } catch (error) {
      unknown.push(`${room}: ${String(error)}`);
    }
    const url = new URL(path === "" ? "/" : path, environment[endpointVariables[service] ?? ""]);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const onward = forward(url, { method: incoming.method ?? "POST", headers: incoming.headers }, resolve);
      onward.once("error", reject);
      onward.end(body);
    });
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(outgoing);
  };
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get called() {
      return new Map([...called].map(([room, seen]) => [room, [...seen.values()]]));
    },
    unknown,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
