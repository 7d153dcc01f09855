import { invalid } from "./api-error.ts";
import { digest } from "./chance.ts";
import { isObject } from "./json.ts";
import { type Block, prefixHashes } from "./prompt.ts";

/**
 * Thinking blocks are bound to their conversation: the signature covers system, tools, every earlier message and the
 * rest of the answer the block came with. Whoever changes or re-serializes one of these and sends the block back is
 * refused, as the API's prefix check does. Cache markers, `max_tokens` and tool choice may change.
 */
export function signedThinking(
  prompt: readonly Block[],
  rest: readonly object[],
): { type: "thinking"; thinking: string; signature: string } {
  const seal = sealOf(
    prefixHashes(prompt).at(-1) ?? "",
    rest.map((block) => JSON.stringify(block)),
  );
  return { type: "thinking", thinking: "", signature: `${rest.length}.${seal}` };
}

/** Throws `invalid_request_error` for the first thinking block that was not made for the blocks around it. */
export function checkSignatures(blocks: readonly Block[]): void {
  if (!blocks.some((block) => block.type === "thinking")) return;
  const hashes = prefixHashes(blocks);
  blocks.forEach((block, index) => {
    if (block.type === "thinking" && !isBound({ block, index, blocks, hashes })) {
      throw invalid(
        `${block.path}: Invalid \`signature\` in \`thinking\` block. The block is bound to a different conversation`,
      );
    }
  });
}

interface Candidate {
  block: Block;
  index: number;
  blocks: readonly Block[];
  hashes: readonly string[];
}

function isBound({ block, index, blocks, hashes }: Candidate): boolean {
  const value: unknown = JSON.parse(block.text);
  const signature = isObject(value) ? value["signature"] : undefined;
  const [, count = ""] = /^(\d+)\./.exec(typeof signature === "string" ? signature : "") ?? [];
  if (count === "" || !isObject(value) || value["thinking"] !== "") return false;
  const rest = blocks.slice(index + 1, index + 1 + Number(count)).map((next) => next.text);
  return signature === `${count}.${sealOf(hashes[index - 1] ?? "", rest)}`;
}

function sealOf(prefix: string, rest: readonly string[]): string {
  return digest("thinking", prefix, ...rest).toString("base64");
}
