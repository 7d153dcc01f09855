import { describe, expect, it } from "vitest";
import { splitLines } from "../../../functions/clients/lines.ts";

/** A stream of these pieces, which then ends, or breaks off. */
function streamOf(pieces: readonly (string | Uint8Array)[], broken = false): ReadableStream<Uint8Array> {
  const rest = pieces.map((piece) => (typeof piece === "string" ? new TextEncoder().encode(piece) : piece));
  return new ReadableStream({
    pull(controller) {
      const piece = rest.shift();
      if (piece !== undefined) controller.enqueue(piece);
      else if (broken) controller.error(new TypeError("terminated"));
      else controller.close();
    },
  });
}

async function linesOf(pieces: readonly (string | Uint8Array)[], broken = false) {
  const lines: string[] = [];
  const abort = new AbortController();
  try {
    for await (const line of splitLines(streamOf(pieces, broken), abort)) lines.push(line);
    return { lines, abort };
  } catch (error) {
    return { lines, abort, error };
  }
}

describe("the lines of a stream", () => {
  it.each([
    ["whole", ["a\nb\nc\n"]],
    ["without an end of line at the end", ["a\nb\nc"]],
    ["in pieces", ["a", "\n", "b\nc", "\n"]],
    ["with blank lines between", ["\n\na\n\n\nb\nc\n\n"]],
    ["with carriage returns", ["a\r\nb\r", "\nc\r\n"]],
    ["with empty pieces", ["", "a\nb", "", "\nc"]],
  ])("come one by one, %s", async (_name, pieces) => {
    expect((await linesOf(pieces)).lines).toEqual(["a", "b", "c"]);
  });

  it("are whole, wherever the pieces cut a character", async () => {
    const bytes = new TextEncoder().encode("ü🌙\n日本\n");
    for (let at = 0; at <= bytes.length; at += 1)
      expect((await linesOf([bytes.subarray(0, at), bytes.subarray(at)])).lines).toEqual(["ü🌙", "日本"]);
  });

  it("may hold what other splitters take for an end of line", async () => {
    const line = '{"text":"a\u2028b\u2029c\u0085d"}';
    expect((await linesOf([`${line}\n${line}`])).lines).toEqual([line, line]);
  });

  it("may be long, and each byte is looked at once", async () => {
    const long = "x".repeat(4_000_000);
    const pieces = Array.from({ length: 400 }, (_none, index) => long.slice(index * 10_000, (index + 1) * 10_000));
    expect((await linesOf([...pieces, "\nend"])).lines).toEqual([long, "end"]);
  });

  it("are none of nothing", async () => {
    expect((await linesOf([])).lines).toEqual([]);
    expect((await linesOf(["\n"])).lines).toEqual([]);
  });

  it("of a stream that breaks off come up to there, and then the failure; half a line is no line", async () => {
    const { lines, error } = await linesOf(["a\nb\nhal"], true);
    expect(lines).toEqual(["a", "b"]);
    expect(error).toMatchObject({ message: "terminated" });
  });

  it("let go of the connection when nobody reads on", async () => {
    const abort = new AbortController();
    for await (const line of splitLines(streamOf(["a\n", "b\n"]), abort)) {
      expect(line).toBe("a");
      break;
    }
    expect(abort.signal.aborted).toBe(true);
  });
});
