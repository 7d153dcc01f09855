import * as v from "valibot";

export const operations = ["create", "retrieve", "list", "results", "cancel", "delete", "message", "models"] as const;
export type Operation = (typeof operations)[number];

/**
 * What can go wrong on purpose. Those of the first group happen on the way and may do so after the work was done
 * (`afterCommit`), which is what makes an outcome unknown; those of the second are answers given instead of doing it;
 * those of the third let the call succeed and spoil what it returns.
 */
export const faultKinds = [
  /** The connection is reset without an answer; after the commit unless `afterCommit: false`. */
  "lost_response",
  /** 500 `api_error`; before the commit unless `afterCommit: true`. */
  "server_error",
  /** Never answers; before the commit unless `afterCommit: true`. */
  "hang",

  /** 429, with `retry-after` if `retryAfterSeconds` is given. */
  "rate_limited",
  /** 429 `enforced_spend_limit_reached`, without `retry-after`: a limit that pauses until the month ends. */
  "spend_limit",
  /** 529 with `x-should-retry: true`. */
  "overloaded",
  /** 413 as a proxy in front of the API writes it: HTML. */
  "too_large_html",
  /** 413 in JSON without the outer `type` and without a request id. */
  "too_large_json",
  /** 404 for something that is there. */
  "not_found",
  "unauthorized",
  "forbidden",
  /** 402 `billing_error`. */
  "billing",
  /** 400 about the credit balance. */
  "credit",
  /** 400 about a spend limit the customer has set. */
  "usage_limit",
  /** 400 that names the request at `index`. */
  "bad_request",

  /** List: the newest batch, or the one at `index`, is left out. */
  "list_missing",
  /** Retrieve and list: `results_url` points to `url`. */
  "results_elsewhere",
  /** Results: clean end after `index` lines (default: half). */
  "truncated_at_line",
  /** Results: clean end in the middle of line `index`. */
  "truncated_mid_line",
  /** Results: the connection breaks in the middle of line `index`. */
  "reset_mid_stream",
  /** Results: line `index` (default: the first) is not JSON. */
  "garbled_line",
  /** Results: line `index` is left out. */
  "missing_line",
  /** Results: line `index` comes twice. */
  "duplicate_line",
  /** Results: one more line, with a `custom_id` nobody knows, before line `index`. */
  "foreign_line",
] as const;
export type FaultKind = (typeof faultKinds)[number];

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const faultSchema = v.strictObject({
  kind: v.picklist(faultKinds),
  on: v.picklist(operations),
  /** How often; without it, until cleared. */
  times: v.exactOptional(count),
  /** 0 to 1, drawn anew at each call; 1 unless given. */
  probability: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  afterCommit: v.exactOptional(v.boolean()),
  retryAfterSeconds: v.exactOptional(count),
  index: v.exactOptional(count),
  url: v.exactOptional(v.string()),
});
export type Fault = v.InferOutput<typeof faultSchema>;

/** Throws an error that says what is wrong with it. */
export function parseFault(input: unknown): Fault {
  const parsed = v.safeParse(faultSchema, input);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new TypeError(`fault: ${v.getDotPath(issue) ?? ""} ${issue.message}`);
}

export interface Faults {
  /** Adds one; the first that fits a call is the one that happens. */
  set(fault: Fault): void;
  clear(): void;
  list(): readonly Fault[];
  /** The fault that strikes this call, counted; `undefined` almost always. */
  take(operation: Operation): Fault | undefined;
}

/** `random` is at least 0, less than 1. */
export function createFaults(random: () => number): Faults {
  let faults: { fault: Fault; left: number }[] = [];
  return {
    set: (fault) => void faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY }),
    clear: () => {
      faults = [];
    },
    list: () => faults.map(({ fault }) => fault),
    take: (operation) => {
      const struck = faults.find(
        ({ fault, left }) =>
          fault.on === operation && left > 0 && (fault.probability === undefined || random() < fault.probability),
      );
      if (struck === undefined) return undefined;
      struck.left -= 1;
      if (struck.left === 0) faults = faults.filter((other) => other !== struck);
      return struck.fault;
    },
  };
}
