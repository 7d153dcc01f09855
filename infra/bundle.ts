import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { type BuildOptions, buildSync } from "esbuild";
import type { ConfigFile } from "./configuration.ts";

export const rooms = ["spawn", "sessions", "authorizer", "batcher", "realtime", "poller"] as const;
export type Room = (typeof rooms)[number];

const functionsFolder = fileURLToPath(new URL("../functions", import.meta.url));

/** Packages that are CommonJS inside call `require`, which an ES module does not have by itself. */
const requireBanner = "import{createRequire}from'node:module';const require=createRequire(import.meta.url);";

/** How every room is bundled. */
export const bundleOptions = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node24",
  mainFields: ["module", "main"],
  minify: true,
  sourcemap: "external",
  sourcesContent: false,
  banner: { js: requireBanner },
  logLevel: "warning",
} as const satisfies BuildOptions;

/** A room's code with the files it reads, ready to be uploaded. Nothing is built while a stack's bundling is switched off. */
export function bundledCode(room: Room, files: readonly ConfigFile[]): Code {
  return Code.fromAsset(join(functionsFolder, room), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // CDK asks for an image, but takes it only where the local bundling declines, which this one never does.
      image: DockerImage.fromRegistry("scratch"),
      local: {
        tryBundle(folder) {
          bundleRoom({ room, files, folder });
          return true;
        },
      },
    },
  });
}

/**
 * Writes `index.mjs`, with everything it imports, and `files` into `folder`. The AWS SDK is bundled too: the runtime's own
 * copy is another version than the tested one. Source maps lie beside the code, for whoever reads a stack trace, and are
 * not loaded at a cold start.
 */
export function bundleRoom({
  room,
  files,
  folder,
}: {
  room: Room;
  files: readonly ConfigFile[];
  folder: string;
}): void {
  buildSync({
    ...bundleOptions,
    entryPoints: [join(functionsFolder, room, "handler.ts")],
    outfile: join(folder, "index.mjs"),
  });
  for (const { path, text } of files) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}
