import type { Anthropic } from "../../functions/clients/anthropic.ts";
import type { PaidCall } from "../../functions/clients/paid-call.ts";
import { parseBatch, parseBatchPage } from "../../functions/domain/batch.ts";
import { createChance } from "../../infra/local/anthropic/chance.ts";
import { type Call, createExchange, type Reply } from "../../infra/local/anthropic/exchange.ts";
import { createFaults, type Faults } from "../../infra/local/anthropic/faults.ts";
import { createModel, type StandInModel } from "../../infra/local/anthropic/model.ts";
import type { Random } from "./random.ts";

export interface SimulatedApi {
  anthropic: Anthropic;
  model: StandInModel;
  faults: Faults;
  /** Every request of a batch that was asked for, whatever came of it. */
  sent: { customId: string; params: string }[];
}

type Answer = Extract<Reply, { kind: "answer" }>;

/** Anthropic with its bill, on the simulation's clock: the stand-in's own HTTP face, without HTTP. */
export function simulatedApi(clock: { now(): number }, random: Random, seed: string): SimulatedApi {
  const batchSeconds = { min: 30, max: 300 };
  const model = createModel({ clock, seed, batchSeconds, resultsBase: () => "http://api" });
  const faults = createFaults(() => random.next());
  const access = { organizationId: "org", defaultWorkspaceId: "workspace", now: clock.now };
  const exchange = createExchange({ model, faults, chance: createChance(seed), access });
  const headers = {
    authorization: "Bearer key",
    "anthropic-version": "2026-10-21",
    "content-type": "application/json",
  };
  const call = (method: Call["method"], url: string, body = "") => exchange({ method, url, headers, body });
  const sent: SimulatedApi["sent"] = [];
  const anthropic: Anthropic = {
    createBatch: async ({ lines, bytes }) => {
      const all = [...lines];
      for (const line of all) sent.push(namesOf(line));
      const requests = all.join(",");
      if (Buffer.byteLength(requests) + 1 !== bytes) throw new Error(`the lines are not ${bytes} bytes`);
      return paid(call("POST", "/v1/messages/batches", `{"requests":[${requests}]}`), (answer) => {
        const batch = parseBatch(JSON.parse(textOf(answer)));
        return batch === undefined ? undefined : { batch };
      });
    },
    async listBatches(createdAfter) {
      const batches = [];
      for (let after = ""; ; ) {
        const query = after === "" ? "" : `&after_id=${after}`;
        const page = parseBatchPage(
          JSON.parse(textOf(answered(call("GET", `/v1/messages/batches?limit=100${query}`)))),
        );
        if (page === undefined) throw new Error("not a page");
        batches.push(...page.batches);
        const oldest = page.batches.at(-1);
        if (!page.hasMore || oldest === undefined || oldest.createdAt < createdAfter) break;
        after = page.lastId ?? oldest.batchId;
      }
      return { batches, workspaceId: "workspace", complete: true };
    },
    async retrieveBatch(batchId) {
      const reply = call("GET", `/v1/messages/batches/${batchId}`);
      return isNotFound(reply) ? undefined : parseBatch(JSON.parse(textOf(answered(reply))));
    },
    async cancelBatch(batchId) {
      answered(call("POST", `/v1/messages/batches/${batchId}/cancel`));
    },
    async results({ batchId }) {
      const reply = call("GET", `/v1/messages/batches/${batchId}/results`);
      return isNotFound(reply) ? undefined : linesOf(answered(reply));
    },
    isServed: async () => isOk(call("GET", "/v1/models?limit=1")),
    createMessage: async ({ body }) => paid(call("POST", "/v1/messages", body), (answer) => ({ text: textOf(answer) })),
  };
  return { anthropic, model, faults, sent };
}

function namesOf(line: string): SimulatedApi["sent"][number] {
  const { custom_id: customId, params } = JSON.parse(line) as { custom_id: string; params: unknown };
  return { customId, params: JSON.stringify(params) };
}

function paid<T extends object>(reply: Reply, read: (answer: Answer) => T | undefined): PaidCall<T> {
  if (reply.kind !== "answer" || reply.broken) return { kind: "unknown", message: reply.kind };
  if (reply.status >= 200 && reply.status < 300) {
    const made = read(reply);
    return made === undefined
      ? { kind: "unknown", message: "unreadable" }
      : { kind: "accepted", workspaceId: "workspace", ...made };
  }
  const retryAfter = Number(reply.headers["retry-after"] ?? Number.NaN);
  const wait = retryAfter > 0 ? { retryAfterSeconds: retryAfter } : {};
  return { kind: "refused", answer: { status: reply.status, error: errorOf(reply), ...wait } };
}

function errorOf(answer: Answer) {
  try {
    const { error } = JSON.parse(textOf(answer)) as { error?: { type?: string; message?: string } };
    return error;
  } catch {
    return undefined;
  }
}

function textOf({ body }: Answer): string {
  return [...body].join("");
}

const isOk = (reply: Reply) => reply.kind === "answer" && reply.status === 200;

function isNotFound(reply: Reply): boolean {
  return reply.kind === "answer" && reply.status === 404;
}

/** Anything but an answer is an exception, as in the real client. */
function answered(reply: Reply): Answer {
  if (reply.kind !== "answer") throw new Error(`no answer: ${reply.kind}`);
  if (reply.status >= 300) throw new Error(`HTTP ${reply.status}`);
  return reply;
}

async function* linesOf(answer: Answer): AsyncGenerator<string> {
  let rest = "";
  for (const part of answer.body) {
    const lines = `${rest}${part}`.split("\n");
    rest = lines.pop() ?? "";
    yield* lines.filter((line) => line !== "");
  }
  if (answer.broken) throw new TypeError("terminated");
  if (rest !== "") yield rest;
}
