import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { splitLines } from "../../functions/clients/lines.ts";
import { atLeast, type Bench, pairs, type Section, seconds } from "./measure.ts";

const lineBytes = 4 * 1024 * 1024;
const linesCount = 48;
/** As a socket hands them over. */
const chunkBytes = 64 * 1024;

/** A result file of very long lines: each byte is to be looked at once. */
export const lines: Bench = { name: "lines", title: "reading results of 4 MB a line, against `readline`", run };

async function run(runs: number): Promise<Section> {
  const chunk = new Uint8Array(Buffer.alloc(chunkBytes, "x"));
  const end = new Uint8Array(Buffer.from(`${"x".repeat(chunkBytes - 1)}\n`));
  const total = (linesCount * lineBytes) / chunkBytes;
  const perLine = lineBytes / chunkBytes;
  const file = () => {
    let sent = 0;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent === total) return controller.close();
        sent += 1;
        controller.enqueue(sent % perLine === 0 ? end : chunk);
      },
    });
  };
  const count = async (read: () => AsyncIterable<string>) => {
    let found = 0;
    const taken = await seconds(async () => {
      // Whoever reads a line looks into it, which is when the pieces of a long one are put together.
      for await (const line of read()) if (line.charCodeAt(lineBytes / 2) === 120) found += 1;
    });
    if (found !== linesCount) throw new Error(`${found} lines`);
    return (linesCount * lineBytes) / 1e6 / taken;
  };
  const { ours, theirs, ratios } = await pairs(
    runs,
    () => count(() => splitLines(file(), new AbortController())),
    () => count(() => createInterface({ input: Readable.from(file()), crlfDelay: Number.POSITIVE_INFINITY })),
  );
  return {
    figures: [
      { what: "ours against `readline`", unit: "", samples: ratios, target: atLeast(0.8) },
      { what: "ours", unit: "MB/s", samples: ours },
      { what: "`readline`", unit: "MB/s", samples: theirs },
    ],
    tables: [],
    notes: [],
  };
}
