/** Pieces of a body are handed over in this size, so that no more of it is there twice. */
const pieceCharacters = 256 * 1024;

export interface SizedBody {
  stream: ReadableStream<Uint8Array>;
  /** Known before the first byte goes out: a body without a length is not known to be taken. */
  bytes: number;
}

/** The body of a batch create, written while it is sent: 250 MB in one string would be there four times over. */
export function batchBody(lines: Iterable<string>): SizedBody {
  const pieces = piecesOf(lines);
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const { done, value } = pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
  return { stream, bytes: lengthOf(piecesOf(lines)) };
}

function lengthOf(pieces: Iterable<string>): number {
  let bytes = 0;
  for (const piece of pieces) bytes += Buffer.byteLength(piece);
  return bytes;
}

function* piecesOf(lines: Iterable<string>): Generator<string> {
  let piece = '{"requests":[';
  let separator = "";
  for (const line of lines) {
    piece += separator + line;
    separator = ",";
    if (piece.length < pieceCharacters) continue;
    yield piece;
    piece = "";
  }
  yield `${piece}]}`;
}
