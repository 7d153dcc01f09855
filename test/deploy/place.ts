import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
/** What is installed stays there for the next run. */
export const cache = join(root, ".cache/deploy");
/** What a run writes: its logs, the synthesized templates, the functions' code. Gone after a run without a failure. */
export const runFolder = join(cache, "run");

export const region = "eu-central-1";
/** The emulator answers calls that nobody signed, as those of an HTTP API, for this account alone. */
export const account = "000000000000";

/** A line about work that takes a while, for whoever watches. */
export function say(line: string): void {
  process.stdout.write(`deploy: ${line}\n`);
}

/**
 * What every process of a run finds in its environment, and nothing of what the machine has in its own: no key, no profile, and
 * proxies at which nobody listens, so that a call which would leave the machine fails.
 */
export function environmentOf(endpoint: string): Record<string, string> {
  const nobody = "http://127.0.0.1:9";
  return {
    PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
    HOME: runFolder,
    TMPDIR: runFolder,
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_EC2_METADATA_DISABLED: "true",
    CDK_DISABLE_CLI_TELEMETRY: "true",
    CDK_DISABLE_VERSION_CHECK: "true",
    CI: "true",
    HTTP_PROXY: nobody,
    HTTPS_PROXY: nobody,
    NO_PROXY: "127.0.0.1,localhost",
  };
}
