import { readFileSync } from "node:fs";
import { seededRandom } from "../support/chance.ts";

/** People's prose, so that it compresses as people's prose does: pieces of this project's own pages. */
const pages = ["../../README.md", "../../functions/README.md", "../../infra/RUNBOOK.md"];

/** Texts of so many bytes, each from another place. */
export function prose(bytes: number, seed: number): () => string {
  const random = seededRandom(seed);
  const text = pages.map((page) => readFileSync(new URL(page, import.meta.url), "utf8")).join("\n");
  const ascii = text.replace(/[^\n\x20-\x7e]/g, "-");
  return () => {
    const from = Math.floor(random() * ascii.length);
    return `${ascii.slice(from)}${ascii}`.slice(0, bytes);
  };
}
