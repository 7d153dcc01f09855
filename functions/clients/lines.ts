/** A result file that sends nothing for this long is given up, and read again later. */
const silenceMs = 60_000;

/**
 * The lines of a stream, each byte looked at once, whatever its length: the SDK's own splitter copies the whole line at
 * every chunk (9 MB/s at 4 MB lines). Blank lines are left out. A file that breaks off rejects; one that ends on a line
 * boundary does not, so the caller must count.
 */
export async function* splitLines(body: ReadableStream<Uint8Array>, abort: AbortController): AsyncGenerator<string> {
  const reader = body.getReader();
  let pending: Uint8Array[] = [];
  try {
    for (;;) {
      const chunk = await readBeforeSilence(reader, abort);
      if (chunk === undefined) break;
      let start = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        pending.push(chunk.subarray(start, end));
        const line = decode(pending);
        pending = [];
        start = end + 1;
        if (line !== "") yield line;
      }
      if (start < chunk.length) pending.push(chunk.subarray(start));
    }
  } finally {
    // Whoever stops reading early lets go of the connection.
    abort.abort();
  }
  const last = decode(pending);
  if (last !== "") yield last;
}

function decode(parts: readonly Uint8Array[]): string {
  return Buffer.concat(parts).toString("utf8").replace(/\r$/, "");
}

/** Only the stream's own silence counts, not the time its reader takes over a line. */
async function readBeforeSilence(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  abort: AbortController,
): Promise<Uint8Array | undefined> {
  const timer = setTimeout(() => abort.abort(), silenceMs);
  try {
    return (await reader.read()).value;
  } finally {
    clearTimeout(timer);
  }
}
