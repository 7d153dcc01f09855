import { setImmediate } from "node:timers/promises";

/** Pieces of a body are handed over in this size, so that no more of it is there twice. */
const pieceCharacters = 256 * 1024;
const opening = '{"requests":[';
const closing = "]}";

export interface SizedBody {
  stream: ReadableStream<Uint8Array>;
  /** Known before the first byte goes out: a body without a length is not known to be taken. */
  bytes: number;
}

/**
 * The body of a batch create, written while it is sent: 250 MB in one string would be there four times over.
 * @param lineBytes of all lines, each with the comma after it
 */
export function batchBody(lines: Iterable<string>, lineBytes: number): SizedBody {
  const pieces = piecesOf(lines);
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      // Where the other side takes all at once, nothing else had its turn until the end: not the time that ends the call either.
      await setImmediate();
      const { done, value } = pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
  const withoutLastComma = Math.max(0, lineBytes - 1);
  return { stream, bytes: opening.length + withoutLastComma + closing.length };
}

function* piecesOf(lines: Iterable<string>): Generator<string> {
  let piece = opening;
  let separator = "";
  for (const line of lines) {
    piece += separator + line;
    separator = ",";
    if (piece.length < pieceCharacters) continue;
    yield piece;
    piece = "";
  }
  yield piece + closing;
}
