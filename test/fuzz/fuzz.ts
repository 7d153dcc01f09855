import fc from "fast-check";
import { parsers, type Target } from "./parsers.ts";
import { events, logins, messages, routes } from "./routes.ts";
import { stored } from "./stored.ts";

/** What is fuzzed, and its part of all cases: a case of a route is as dear as a hundred of a parser. */
export const targets: readonly { target: Target; part: number }[] = [
  ...parsers.map((target) => ({ target, part: 0.74 / parsers.length })),
  { target: routes, part: 0.16 },
  { target: events, part: 0.05 },
  { target: messages, part: 0.02 },
  { target: logins, part: 0.02 },
  { target: stored, part: 0.01 },
];

export interface Fuzzed {
  name: string;
  cases: number;
  /** What failed, the smallest of its kind, and how to see it again. */
  failure?: string;
}

export async function fuzz({ target, part }: (typeof targets)[number], all: number, seed: number): Promise<Fuzzed> {
  const details = await fc.check(target.property(), {
    numRuns: Math.max(1, Math.round(all * part)),
    seed,
    ignoreEqualValues: false,
  });
  const cases = details.numRuns;
  if (!details.failed) return { name: target.name, cases };
  const { errorInstance: error } = details;
  const why =
    error instanceof Error
      ? `${error.stack}\n${error.cause instanceof Error ? error.cause.message : ""}`
      : String(error);
  return { name: target.name, cases, failure: `${fc.defaultReportMessage(details)}\n${why}` };
}
