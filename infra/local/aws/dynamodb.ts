import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { loopback } from "./http.ts";
import { region } from "./protocol.ts";

export type LocalDynamo = {
  url: string;
  /** Rejects when the database ends although nobody stopped it. Never resolves. */
  failed: Promise<never>;
  close(): Promise<void>;
};

const startAttempts = 5;
const readyWithinMs = 10_000;
const endsWithinMs = 5_000;

/**
 * Runs the database as a child of a shell that waits on a pipe from this process. The kernel closes the pipe however this
 * process ends, kill -9 included, and the shell then ends the database. So no pid has to be kept or guessed at the next start.
 * Descriptor 3 is the pipe; the database must not inherit it. TERM first, then KILL if that is not heeded. The watcher is
 * ended with the database, or it would later signal whoever has that pid by then.
 */
const supervisor = `
"$@" 3<&- & child=$!
(
  cat <&3 >/dev/null
  kill -TERM $child 2>/dev/null || exit 0
  for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; kill -0 $child 2>/dev/null || exit 0; done
  kill -KILL $child 2>/dev/null
) >/dev/null 2>&1 & watcher=$!
wait $child; status=$?
kill -KILL $watcher 2>/dev/null
exit $status
`;

/**
 * DynamoDB on disk at `path`, on 127.0.0.1 and a free port. Resolves once it has answered a real request.
 *
 * @throws Error when the platform has no binary, or the database does not come up.
 */
export async function startDynamo(path: string): Promise<LocalDynamo> {
  const binary = findBinary(createRequire(import.meta.url).resolve);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(binary, path);
    } catch (error) {
      // The port was free a moment ago; somebody else may have been quicker.
      if (attempt >= startAttempts) throw error;
    }
  }
}

/** `resolve` finds a file of an installed package. Throws, saying what to do, where the platform has no binary. */
export function findBinary(resolve: (file: string) => string): string {
  try {
    return resolve("@dynoxide/linux-x64/dynoxide");
  } catch (error) {
    const message =
      `There is no embedded DynamoDB for ${process.platform}-${process.arch}. ` +
      "Run another one, DynamoDB Local for example, and set AWS_ENDPOINT_URL_DYNAMODB to its address.";
    throw new Error(message, { cause: error });
  }
}

async function startOnce(binary: string, path: string): Promise<LocalDynamo> {
  const port = await freePort();
  const command = [binary, "serve", "--host", loopback, "--port", String(port), "--db-path", path];
  // Its own session: Ctrl-C in the terminal must not end the database before those who still write to it.
  const child = spawn("/bin/sh", ["-c", supervisor, "dynamodb", ...command], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    detached: true,
  });
  const said = lastWords(child);
  let stopping = false;
  const ended = new Promise<Error>((resolve) => {
    child.once("error", resolve);
    child.once("exit", (code, signal) => {
      child.stdio[3]?.destroy();
      resolve(new Error(`The local DynamoDB ended (${signal ?? code}). ${said()}`));
    });
  });
  const close = async (): Promise<void> => {
    stopping = true;
    child.stdio[3]?.destroy();
    await Promise.race([ended, wait(endsWithinMs, undefined, { ref: false })]);
  };
  const url = `http://${loopback}:${port}`;
  try {
    await untilReady(url, ended);
  } catch (error) {
    await close();
    throw error;
  }
  const failed = ended.then((error) => (stopping ? new Promise<never>(() => {}) : Promise.reject(error)));
  return { url, failed, close };
}

/** Remembers the end of what the database says on stderr, for the error if it dies. */
function lastWords(child: ChildProcess): () => string {
  const maxRememberedCharacters = 500;
  let words = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-maxRememberedCharacters);
  });
  return () => words.trim();
}

async function untilReady(url: string, ended: Promise<Error>): Promise<void> {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new DynamoDBClient({ endpoint: url, region, credentials, maxAttempts: 1 });
  const over = new AbortController();
  const giveUp = AbortSignal.any([over.signal, AbortSignal.timeout(readyWithinMs)]);
  const death = ended.then((error) => Promise.reject(error));
  try {
    await Promise.race([death, answers(client, giveUp)]);
  } finally {
    over.abort();
    client.destroy();
  }
}

async function answers(client: DynamoDBClient, giveUp: AbortSignal): Promise<void> {
  const pauseMs = 10;
  for (;;) {
    try {
      await client.send(new ListTablesCommand({ Limit: 1 }), { abortSignal: giveUp });
      return;
    } catch (error) {
      if (giveUp.aborted)
        throw new Error(`The local DynamoDB gave no answer in ${readyWithinMs} ms.`, { cause: error });
      await wait(pauseMs);
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, loopback, () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("A listening server has no port"));
        else resolve(address.port);
      });
    });
  });
}
