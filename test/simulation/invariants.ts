import type { Found, Item, Table } from "../../functions/clients/table.ts";
import { parseCustomId } from "../../functions/domain/ids.ts";
import { manifestMoves } from "../../functions/domain/manifest.ts";
import { unavailableWhy } from "../../functions/domain/routing.ts";
import { canMove, isTerminal, type Status, statuses } from "../../functions/domain/session.ts";

import { deliveredTurns } from "../support/deliveries.ts";
import type { Accepted, Callers } from "./callers.ts";

import { moneyViolations } from "./money.ts";

import type { Scenario } from "./scenarios.ts";
import type { Process, Scheduler } from "./scheduler.ts";
import { dayLimits, queueNames, tickSeconds, type World } from "./world.ts";

/** Watches every write that takes hold: what may never happen is seen when it happens, not only at rest. */
export function watched(table: Table, clock: Moment, violations: string[]): Table {
  const runners = new Map<unknown, Process | undefined>();
  const facts = new Map<string, string>();
  const before = new Map<string, Item>();
  const waits = new Map<string, { attempt: string; until: number }>();
  const holds = new Set<unknown>();
  const deliveries: Item[] = [];
  const check = (was: Item | undefined, is: Item): string[] => {
    if (is.sk === "STATE") return checkParking(was, is, clock);
    if (is.sk === "HEAD") return checkManifestMove(was, is);
    if (is.sk === "RESERVED") return checkBudget(is, before);
    if (is.sk.startsWith("WAIT#")) holds.add(is["until"]);
    const told = holds.has(is["notBefore"]) ? { ...is, notBefore: 0 } : is;
    return is.sk === "META"
      ? [
          ...checkMove(was, is, before, clock),
          ...(was !== undefined && isLeftUntold(was, is) && !deliveredTurns(deliveries)(was)
            ? ["a turn was left undelivered"]
            : []),
          ...checkRun(was, is, runners, clock),
          ...checkPatience(told, waits, clock),
        ]
      : [];
  };
  const look = (item: Item) => {
    const key = `${item.pk} ${item.sk}`;
    if (/^DELIVER/.test(item.sk)) deliveries.push(item);
    if (/^(REQUEST|RESULT|ATTEMPT|DELIVER|PAGE|OWNER)/.test(item.sk)) {
      const text = JSON.stringify(item);
      if ((facts.get(key) ?? text) !== text) violations.push(`${key}: a fact that is written once was changed`);
      facts.set(key, text);
    }
    violations.push(...check(before.get(key), item).map((what) => `${item.pk}: ${what}`));
    before.set(key, item);
  };
  const lookAt = (found: Found): Found => {
    if (found.moved) look(found.item);
    return found;
  };
  const note = (item: Item | undefined) => {
    if (item?.sk === "META") clock.acting?.seen.set(item.pk, item["askedAt"]);
    if (item?.sk === "STATE") clock.acting?.seen.set(item.pk, item["untilResult"]);
    return item;
  };
  return {
    ...table,
    get: async (key) => note(await table.get(key)),
    getMany: async (keys) => {
      const items = await table.getMany(keys);
      items.forEach(note);
      return items;
    },
    insert: async (item) => lookAt(await table.insert(item)),
    put: async (write) => lookAt(await table.put(write)),
    update: async (change) => lookAt(await table.update(change)),
    async transact(writes) {
      const isDone = await table.transact(writes);
      for (const write of isDone ? writes : []) {
        if ("put" in write) look(write.put.item);
        const item = "update" in write ? await table.get(write.update.key) : undefined;
        if (item !== undefined) look(item);
      }
      return isDone;
    },
  };
}

function isLeftUntold(was: Item, is: Item): boolean {
  const status = statusOf(was);
  return status !== undefined && isTerminal(status) && was["turn"] !== is["turn"];
}

function isPoisoned(item: Item): boolean {
  return JSON.stringify(item["error"] ?? "").includes("poison");
}

/** What tells how a turn ended. */
const endings = ["winner", "endedAt", "stopReason", "truncated", "error"] as const;
type IsDelivered = ReturnType<typeof deliveredTurns>;
type Moment = Pick<Scheduler, "now" | "acting">;
const statusOf = (item: Item): Status | undefined => statuses.find((one) => one === item["status"]);

/** Whatever the conditions of the store: a session only ever makes a move that is drawn, and none that breaks a promise. */
function checkMove(was: Item | undefined, is: Item, all: ReadonlyMap<string, Item>, { now, acting }: Moment): string[] {
  const [from, to] = [was === undefined ? undefined : statusOf(was), statusOf(is)];
  if (was === undefined || from === undefined || to === undefined) return [];
  const wrong: string[] = [];
  const isSameTurn = was["turn"] === is["turn"];
  if ((from !== to || !isSameTurn) && !canMove(from, to)) wrong.push(`${from} became ${to}`);
  if (isTerminal(from) && isSameTurn && from !== to) wrong.push(`turn ${String(is["turn"])}: ${from} became ${to}`);
  if (isTerminal(from) && isSameTurn) {
    const changed = endings.filter((one) => JSON.stringify(was[one]) !== JSON.stringify(is[one]));
    wrong.push(...changed.map((one) => `its ${one} changed after its end`));
  }
  if (Number(is["turn"]) < Number(was["turn"])) wrong.push("it went back a turn");
  const deadlineAt = Number(is["deadlineAt"] ?? Number.NaN);
  const cannotBatch = is["lane"] === "either" && is["why"] === unavailableWhy;
  const wentRealtime = isSameTurn && !cannotBatch && was["mode"] === "batch" && is["mode"] === "realtime";
  if (wentRealtime && !(now >= deadlineAt - maxLeadMs)) wrong.push("went real-time before its time");
  const due = typeof is["due"] === "string" ? is["due"].split("#")[0] : undefined;
  const isLookedAt = to === "submitted" || isTerminal(to) || due === "rescue" || due === "deadline";
  if (!isLookedAt) wrong.push(`${to}, and looked at by nobody: ${due}`);
  const isOld = acting !== undefined && is["askedAt"] !== acting.seen.get(is.pk);
  const isCounted = Number(is["visits"] ?? 0) > Number(was["visits"] ?? 0);
  if (isOld && isSameTurn && (isCounted || isPoisoned(is))) wrong.push("blamed for what an earlier turn did");
  if (from === to) return wrong;
  if (to === "submitted" && is["mode"] !== "batch") wrong.push("batched, though routed real-time");
  if (to === "submitted" && from === "queued") {
    const manifest = all.get(`MANIFEST#${String(is["manifestId"])} HEAD`);
    if (manifest?.["lane"] !== is["lane"]) wrong.push("sent by a lane that is not its own");
    if (manifest?.["state"] === "closed") wrong.push("claimed for a manifest that nobody looks at any more");
  }
  if (to === "running" && from === "queued" && is["mode"] !== "realtime") wrong.push("at full price, though batched");
  if (to === "running" && from === "submitted" && !(now >= deadlineAt - maxLeadMs)) wrong.push("fell back too early");
  if (to === "canceled" && isOld) wrong.push("canceled by a call that has not seen its message");
  if (to === "timeout" && !(now >= deadlineAt)) wrong.push("timed out before its deadline");
  return wrong;
}

/** A real-time attempt is ended by the one who makes it, or once its lease is over: never while it may still be answered. */
function checkRun(
  was: Item | undefined,
  is: Item,
  runners: Map<unknown, Process | undefined>,
  { now, acting }: Moment,
): string[] {
  if (is["status"] === "running" && was?.["status"] !== "running") runners.set(is["run"], acting);
  const isGivenUp =
    was?.["status"] === "running" &&
    (is["status"] === "queued" || is["status"] === "submitted") &&
    was["turn"] === is["turn"];
  if (!isGivenUp || now >= Number(was["runEndsAt"]) || runners.get(was["run"]) === acting) return [];
  return ["its real-time attempt was ended by somebody else"];
}

/** What is reserved of a day and not free again is never more than may be spent: what was spent besides is only less room. */
function checkBudget({ pk, reserved }: Item, all: ReadonlyMap<string, Item>): string[] {
  const settled = [...all].flatMap(([key, item]) => (key.startsWith(`${pk} SETTLED#`) ? [item] : []));
  const released = settled.reduce((sum, item) => sum + Number(item["released"] ?? 0), 0);
  const outstanding = Number(reserved) - released;
  const limit = dayLimits.get(pk.split("#").slice(1, 3).join("#")) ?? 0;
  return outstanding > limit ? [`${outstanding} reserved of ${limit}`] : [];
}

function checkManifestMove(was: Item | undefined, is: Item): string[] {
  if (was === undefined) return [];
  const [from, to] = [was["state"], is["state"]];
  const isDrawn = Object.values(manifestMoves).some(
    (row) => row.from.some((state) => state === from) && (row.to === to || (row.to === undefined && from === to)),
  );
  return isDrawn ? [] : [`${String(from)} became ${String(to)}`];
}

/** No lead is longer than this. */
const maxLeadMs = 600_000;

/** What was told to wait, for a retry or a parked lane, is not sent before; who only waits for a primer may be. */
function checkPatience(item: Item, waits: Map<string, { attempt: string; until: number }>, { now }: Moment): string[] {
  const attempt = `${String(item["turn"])}.${String(item["attempt"])}`;
  const before = waits.get(item.pk);
  const until = Math.max(Number(item["notBefore"]), before?.attempt === attempt ? before.until : 0);
  waits.set(item.pk, { attempt, until });
  // A deadline does not wait for the end of a pause.
  if (item["fellBack"] === true) return [];
  const isSent = item["status"] === "submitted" || (item["status"] === "running" && item["manifestId"] === undefined);
  return isSent && now < until ? [`sent ${until - now} ms too early`] : [];
}

/** What was learned of a lane is not forgotten by those who know less, and one session at a time goes ahead. */
function checkParking(was: Item | undefined, is: Item, { now, acting }: Moment): string[] {
  if (was?.["reason"] === undefined) return [];
  const isOpen = is["reason"] === undefined;
  const isUnaware = was["untilResult"] === true && acting?.seen.get(is.pk) !== true;
  const isPending = was["probe"] !== undefined && Number(was["probeEndsAt"]) > now;
  return [
    ...(isOpen && Number(was["until"]) > now ? ["resumed before its time"] : []),
    ...(isOpen && isUnaware ? ["resumed, though it waits for a result"] : []),
    ...(!isOpen && Number(is["until"]) < Number(was["until"]) ? ["parked for less than it was"] : []),
    ...(!isOpen && was["untilResult"] === true && is["untilResult"] !== true
      ? ["it waits for no result any more"]
      : []),
    ...(!isOpen && isPending && is["probe"] !== undefined && is["probe"] !== was["probe"]
      ? ["two probes at once"]
      : []),
  ];
}

/** Where nothing goes wrong, a policy is applied in the tick of its deadline, or in the next where a batch is read first. */
export function lateAtRest(world: World, { apiFaults = [] }: Scenario): string[] {
  const slackMs = 2 * (tickSeconds + 5) * 1000;
  return world.items().flatMap((item) => {
    const { deadlineAt, endedAt, onDeadline } = item;
    if (item.sk !== "META" || deadlineAt === undefined || onDeadline === "wait") return [];
    const isLate = Number(endedAt) > Number(deadlineAt) + (onDeadline === "fail" ? slackMs : 0);
    // A turn that paused needs several answers, and a lost answer a second call.
    const isAnswered = onDeadline === "fail" || (item["turn"] === 1 && apiFaults.every(({ on }) => on !== "message"));
    return isLate && isAnswered
      ? [`${item.pk}: ended ${Number(endedAt) - Number(deadlineAt)} ms after its deadline`]
      : [];
  });
}

/** What this run may do that others may not. */
export interface Allowed extends Pick<Scenario, "mayPayTwice"> {
  /** Its handlers break, or stall, again and again: nothing else may set a message aside. */
  mayFillDeadLetters?: boolean;
}

/** What must hold once there is nothing left to do. */
export function violationsAtRest(
  world: World,
  callers: Callers,
  { mayPayTwice = false, ...scenario }: Allowed,
): string[] {
  const items = world.items();
  const byKey = new Map(items.map((item) => [`${item.pk} ${item.sk}`, item]));
  const isDelivered = deliveredTurns(items);
  return [
    ...[...callers.accepted, ...unasked(items, callers.accepted)].flatMap((one) =>
      checkSession(byKey, one, { world, isDelivered }),
    ),
    ...checkCanceled(callers, byKey),
    ...checkBill(world, byKey, items, mayPayTwice),
    ...checkBatches(world, byKey),
    ...checkSent(world),
    ...checkLeftovers(world, items, scenario),
    ...moneyViolations(world),
  ];
}

/** Of a call that was asked twice, one may be refused for want of room and the other find some: its session is as good as any. */
function unasked(items: readonly Item[], accepted: readonly Accepted[]): Accepted[] {
  const known = new Set(accepted.map(({ sessionId }) => sessionId));
  return items.flatMap(({ pk, sk, turn }) => {
    const sessionId = pk.replace("SESSION#", "");
    return sk === "META" && !known.has(sessionId) ? [{ sessionId, turn: Number(turn) }] : [];
  });
}

/** A turn is told of by its own event; one that paused is ended by the turn that went on with it. */
function isTold(sessionId: string, turn: number, { events }: World, isDelivered: IsDelivered): boolean {
  const id = `"id":"${sessionId}.${turn}.completed"`;
  const isEnded = (one: number) => isDelivered({ pk: `SESSION#${sessionId}`, turn: one });
  const went = Array.from({ length: 20 }, (_, ahead) => turn + ahead).find(isEnded);
  return events.some(({ detail }) => detail.includes(id)) || (went !== undefined && went > turn);
}

/** Who was told so stays canceled, unless the user spoke again; and nobody gets a result that was taken back. */
function checkCanceled({ canceled, accepted }: Callers, byKey: ReadonlyMap<string, Item>): string[] {
  return [...canceled].flatMap((sessionId) => {
    const item = byKey.get(`SESSION#${sessionId} META`);
    const goesOn = accepted.some((one) => one.sessionId === sessionId && one.turn > 1);
    if (goesOn || item === undefined) return [];
    return item["status"] === "canceled" && item["winner"] === undefined ? [] : [`${sessionId}: canceled, and yet not`];
  });
}

function checkSession(
  byKey: ReadonlyMap<string, Item>,
  { sessionId, turn: promised }: Accepted,
  { world, isDelivered }: { world: World; isDelivered: IsDelivered },
): string[] {
  const item = byKey.get(`SESSION#${sessionId} META`);
  if (item === undefined) return [`${sessionId}: accepted, and not there`];
  const status = statuses.find((one) => one === item["status"]);
  if (status === undefined || !isTerminal(status)) return [`${sessionId}: still ${String(item["status"])}`];
  const id = `${sessionId}.${String(item["turn"])}.completed`;
  const turn = String(item["turn"]).padStart(4, "0");
  const source = item["winner"];
  const winner = typeof source === "string" ? `SESSION#${sessionId} RESULT#${turn}#${source}` : undefined;
  const told = world.events.filter(({ detail }) => detail.includes(`"id":"${id}"`)).length;
  return [
    ...(status === "timeout" && item["onDeadline"] !== "fail"
      ? [`${sessionId}: ended by a policy it does not have`]
      : []),
    ...(winner !== undefined && !byKey.has(winner) ? [`${sessionId}: its winner is no result of this turn`] : []),
    ...(isTold(sessionId, promised, world, isDelivered)
      ? []
      : [`${sessionId}: turn ${promised} was accepted and never told of`]),
    ...(told === 0 ? [`${sessionId}: ended, and nobody was told`] : []),
    ...(isDelivered(item) ? [] : [`${sessionId}: not noted as delivered`]),
    ...(item["due"] === undefined ? [] : [`${sessionId}: ended, and still due`]),
  ];
}

/** Every line Anthropic bills is booked once, by its own result item; a real-time call without one, by its attempt. */
function checkBill(
  world: World,
  byKey: ReadonlyMap<string, Item>,
  items: readonly Item[],
  mayPayTwice: boolean,
): string[] {
  const violations: string[] = [];
  const paid = new Map<string, number>();
  let realtime = 0;
  for (const { customId } of world.api.model.bill()) {
    const id = customId === null ? undefined : parseCustomId(customId);
    if (customId?.startsWith("theirs-") === true) continue;
    if (id === undefined) {
      realtime += 1;
      continue;
    }
    const turn = String(id.turn).padStart(4, "0");
    const result = byKey.get(`SESSION#${id.sessionId} RESULT#${turn}#${id.manifestId}`);
    if (result?.["billed"] !== true) violations.push(`${customId}: paid, and not booked`);
    const name = `${id.sessionId} turn ${turn}`;
    paid.set(name, (paid.get(name) ?? 0) + 1);
  }
  for (const [name, times] of paid)
    if (times > 1 && !mayPayTwice) violations.push(`${name}: paid ${times} times in batches`);
  const attempts = items.filter(({ sk }) => sk.startsWith("ATTEMPT#"));
  const sources = new Set(items.filter(({ sk }) => sk.startsWith("RESULT#")).map((item) => String(item["source"])));
  const booked = items.filter(
    (item) => item.sk.startsWith("RESULT#") && item["tier"] === "standard" && item["billed"] === true,
  ).length;
  const unknown = attempts.filter((item) => !sources.has(String(item["run"]))).length;
  if (realtime < booked || realtime > booked + unknown) {
    violations.push(`real time: ${realtime} paid, ${booked} booked, ${unknown} unknown`);
  }
  return violations;
}

/** A marker makes a block of a text, and says nothing to the model. */
function unmarked(params: string): string {
  return JSON.stringify(JSON.parse(params), (key, value: unknown) => {
    if (key === "cache_control") return undefined;
    const [only, ...others]: { type?: string; text?: string }[] = Array.isArray(value) ? value : [];
    return only?.type === "text" && others.length === 0 ? only.text : value;
  });
}

/** However often a turn is sent, it is sent as it was frozen, but for cache markers; and no turn is sent as another. */
function checkSent({ api }: World): string[] {
  const [bodies, turns] = [new Map<string, string>(), new Map<string, string>()];
  return api.sent.flatMap(({ customId, params: marked }) => {
    const [id, params] = [parseCustomId(customId), unmarked(marked)];
    if (id === undefined) return [];
    const turn = `${id.sessionId} turn ${id.turn}`;
    const isSame = (bodies.get(turn) ?? params) === params;
    const isOwn = (turns.get(`${id.sessionId} ${params}`) ?? turn) === turn;
    bodies.set(turn, params);
    turns.set(`${id.sessionId} ${params}`, turn);
    return [...(isSame ? [] : [`${turn}: sent in two ways`]), ...(isOwn ? [] : [`${turn}: sent as another turn`])];
  });
}

function checkBatches(world: World, byKey: ReadonlyMap<string, Item>): string[] {
  const ours = world.api.model.bill().filter(({ customId }) => customId?.startsWith("theirs-") !== true);
  const batches = new Set(ours.flatMap(({ batchId }) => (batchId === null ? [] : [batchId])));
  return [...batches].flatMap((batchId) =>
    byKey.get(`BATCH#${batchId} OWNER`)?.["manifestId"] === undefined ? [`${batchId}: paid, and nobody owns it`] : [],
  );
}

function checkLeftovers(world: World, items: readonly Item[], { mayFillDeadLetters = false }: Allowed): string[] {
  const open = items
    .filter(({ pk }) => pk === "OPEN" || pk === "UNSUMMED")
    .map(({ sk }) => `${sk}: still open, or not summed`);
  const queued = queueNames(world.config).flatMap((queue) => [
    ...(world.queues.bodies(queue).length === 0
      ? []
      : [`${queue}: ${world.queues.bodies(queue).length} messages left`]),
    ...(mayFillDeadLetters || world.queues.deadLetters(queue).length === 0 ? [] : [`${queue}: dead letters`]),
  ]);
  return [...open, ...queued];
}

/** Whether anything is still to be done; looked at between ticks, without any effect. */
export function isAtRest(world: World, { accepted }: Callers, allowed: Allowed): boolean {
  const items = world.items();
  const byKey = new Map(items.map((item) => [`${item.pk} ${item.sk}`, item]));
  const isDelivered = deliveredTurns(items);
  const sessions = [...accepted, ...unasked(items, accepted)].map(({ sessionId }) =>
    byKey.get(`SESSION#${sessionId} META`),
  );
  const isDone = (item: Item | undefined) => {
    const status = statuses.find((one) => one === item?.["status"]);
    const isEnded = status !== undefined && isTerminal(status);
    return item !== undefined && isEnded && isDelivered(item) && item["due"] === undefined;
  };
  return sessions.every(isDone) && checkLeftovers(world, items, allowed).length === 0;
}
