/** A result file that sends nothing for this long is given up, and read again later. */
const silenceMs = 60_000;

/**
 * The lines of a stream, each byte looked at once, whatever its length: the SDK's own splitter copies the whole line at
 * every chunk (9 MB/s at 4 MB lines). Blank lines are left out. A file that breaks off rejects; one that ends on a line
 * boundary does not, so the caller must count.
 */
export async function* splitLines(body: ReadableStream<Uint8Array>, abort: AbortController): AsyncGenerator<string> {
  const { read, end } = silenceBound(body.getReader(), abort);
  let pending: Uint8Array[] = [];
  try {
    for (let chunk = await read(); chunk !== undefined; chunk = await read()) {
      let start = 0;
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, start)) {
        pending.push(chunk.subarray(start, at));
        const line = decode(pending);
        pending = [];
        start = at + 1;
        if (line !== "") yield line;
      }
      if (start < chunk.length) pending.push(chunk.subarray(start));
    }
  } finally {
    // Whoever stops reading early lets go of the connection.
    end();
    abort.abort();
  }
  const last = decode(pending);
  if (last !== "") yield last;
}

function decode(parts: readonly Uint8Array[]): string {
  const line = Buffer.concat(parts).toString("utf8");
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** Only the stream's own silence counts, not the time its reader takes over a line. */
function silenceBound(reader: ReadableStreamDefaultReader<Uint8Array>, abort: AbortController) {
  let isReading = false;
  const timer = setTimeout(() => {
    if (isReading) abort.abort();
  }, silenceMs);
  return {
    async read(): Promise<Buffer | undefined> {
      timer.refresh();
      isReading = true;
      const { value } = await reader.read();
      isReading = false;
      // A buffer looks for a byte many times faster than an array of bytes does.
      return value === undefined ? undefined : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    },
    end: () => clearTimeout(timer),
  };
}
