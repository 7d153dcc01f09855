import { readFileSync } from "node:fs";
import { seededRandom } from "../support/chance.ts";

/** People's prose, so that it compresses as people's prose does: pieces of this project's own pages. */
const pages = ["../../README.md", "../../functions/README.md", "../../infra/RUNBOOK.md"];

const written = () => pages.map((page) => readFileSync(new URL(page, import.meta.url), "utf8")).join("\n");

/** Texts of so many bytes, each from another place. */
export function prose(bytes: number, seed: number): () => string {
  const random = seededRandom(seed);
  const ascii = written().replace(/[^\n\x20-\x7e]/g, "-");
  return () => {
    const from = Math.floor(random() * (ascii.length - bytes));
    return ascii.slice(from, from + bytes);
  };
}

/** Texts of the same words in no order: however many are compressed together, none is found in another. */
export function words(bytes: number, seed: number): () => string {
  const random = seededRandom(seed);
  const all = written().match(/[a-z]+/gi) ?? [];
  return () => {
    const some: string[] = [];
    for (let length = 0; length < bytes; length += (some.at(-1)?.length ?? 0) + 1)
      some.push(all[Math.floor(random() * all.length)] ?? "");
    return some.join(" ").slice(0, bytes);
  };
}
