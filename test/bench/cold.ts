import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { bundleOptions } from "../../infra/bundle.ts";
import { atMost, type Bench, pairs, type Section } from "./measure.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** What the spawn function cannot do without. */
const clientsAlone = `
export { DynamoDBClient } from "@aws-sdk/client-dynamodb";
export * as document from "@aws-sdk/lib-dynamodb";
export * as sqs from "@aws-sdk/client-sqs";
export * as s3 from "@aws-sdk/client-s3";
export { unmarshall } from "@aws-sdk/util-dynamodb";
`;

/** What a cold start loads, as it is deployed, beside the AWS clients alone, bundled in the same way. */
export const cold: Bench = { name: "cold", title: "the spawn function's bundle and cold import", run };

async function run(runs: number): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), "offpeak-bench-"));
  try {
    const ours = join(folder, "spawn.mjs");
    const theirs = join(folder, "clients.mjs");
    buildSync({ ...bundleOptions, entryPoints: [join(root, "functions/spawn/handler.ts")], outfile: ours });
    buildSync({ ...bundleOptions, stdin: { contents: clientsAlone, resolveDir: root }, outfile: theirs });
    const imports = await pairs(
      runs,
      async () => importMs(ours),
      async () => importMs(theirs),
    );
    const [own, other] = [statSync(ours).size / 1024, statSync(theirs).size / 1024];
    return {
      figures: [
        { what: "bundle, ours against the clients", unit: "", samples: [own / other], target: atMost(1.2) },
        { what: "bundle of spawn", unit: "KB", samples: [own] },
        { what: "bundle of the clients", unit: "KB", samples: [other] },
        { what: "cold import, ours against the clients", unit: "", samples: imports.ratios, target: atMost(1.2) },
        { what: "cold import of spawn", unit: "ms", samples: imports.ours },
        { what: "cold import of the clients", unit: "ms", samples: imports.theirs },
      ],
      tables: [],
      notes: [],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** In a process of its own, from the first byte of the bundle to the last of its statements. */
function importMs(file: string): number {
  const script = `const from = process.hrtime.bigint(); await import(${JSON.stringify(file)}); console.log(Number(process.hrtime.bigint() - from) / 1e6);`;
  return Number(execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" }));
}
