import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";

/** A request's body, compressed together with others: those of a full batch are 250 MB, and all of them have to wait in memory. */
export interface KeptBody {
  bundle: Bundle;
  /** Where it begins and ends in what the bundle holds. */
  fromByte: number;
  toByte: number;
}

interface Bundle {
  compressed: Uint8Array;
  bytes: number;
}

/** So much is compressed at once, and there again while it is sent. */
const bundleBytes = 256 * 1024;
/** The fastest of the levels that look for anything: 8 µs for 2.5 KB, where gzip of each by itself takes 60. */
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** In the order of the bodies. */
export function keepBodies(bodies: readonly string[]): KeptBody[] {
  return runsOf(bodies.map((body) => Buffer.from(body))).flatMap(keepRun);
}

function runsOf(bodies: readonly Buffer[]): Buffer[][] {
  const runs: Buffer[][] = [];
  let room = 0;
  for (const body of bodies) {
    if (room <= 0) {
      runs.push([]);
      room = bundleBytes;
    }
    runs.at(-1)?.push(body);
    room -= body.byteLength;
  }
  return runs;
}

function keepRun(bodies: readonly Buffer[]): KeptBody[] {
  const whole = Buffer.concat(bodies);
  // A copy, since what is compressed lies in a larger buffer that would stay as well.
  const bundle = { compressed: new Uint8Array(zstdCompressSync(whole, compression)), bytes: whole.byteLength };
  let toByte = 0;
  return bodies.map(({ byteLength }) => {
    const fromByte = toByte;
    toByte += byteLength;
    return { bundle, fromByte, toByte };
  });
}

/** Each with its body again, in an order that needs no bundle twice. */
export function* withBodies<T extends { body: KeptBody }>(holders: readonly T[]): Generator<[holder: T, body: string]> {
  for (const [{ compressed, bytes }, some] of Map.groupBy(holders, ({ body }) => body.bundle)) {
    // Larger than what Node cuts from a buffer that it shares.
    const whole = zstdDecompressSync(compressed, { chunkSize: Math.max(bytes, Buffer.poolSize) });
    for (const holder of some) yield [holder, whole.toString("utf8", holder.body.fromByte, holder.body.toByte)];
    release(whole);
  }
}

/** Gives the memory of a buffer back at once: until it is collected, half of a batch of 250 MB would wait for that. */
function release({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
