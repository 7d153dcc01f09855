import { RequestError } from "../../functions/domain/errors.ts";
import { isTerminal, statuses } from "../../functions/domain/session.ts";
import type { Random } from "./random.ts";
import type { Later, Scenario } from "./scenarios.ts";
import type { Process, Scheduler } from "./scheduler.ts";
import type { World } from "./world.ts";

/** A turn that a caller was promised, by `202`. */
export interface Accepted {
  sessionId: string;
  turn: number;
}

export interface Callers {
  accepted: Accepted[];
  /** Sessions whose caller was told that they are canceled. */
  canceled: Set<string>;
  /** Whether everybody who asked for something has been answered; with a session that was refused nobody goes on. */
  areAnswered(): boolean;
}

interface Street {
  world: World;
  scheduler: Scheduler;
  random: Random;
}

/** Everybody asks with a key until there is an answer, as a careful client does; a refusal is one. */
export function startCallers(scenario: Scenario, street: Street): Callers {
  const { world, scheduler, random } = street;
  const accepted: Accepted[] = [];
  const canceled = new Set<string>();
  const { later = [] } = scenario;
  let unanswered = scenario.tasks.length;
  const answered = () => {
    unanswered -= 1;
  };
  const takeBack = (sessionId: string, { within = 0 }: Later) => {
    unanswered += 1;
    const cancel = async (process: Process) => {
      await world.cancel(process, sessionId);
      canceled.add(sessionId);
    };
    scheduler.after(random.below(within * 1000), () => ask("cancel", cancel, { ...street, answered }));
  };
  const goOn = (sessionId: string, { message = "", mode }: Later, key: string) => {
    unanswered += 1;
    const request = { message, ...(mode === undefined ? {} : { mode }) };
    const speak = async (process: Process) => {
      const turn = await world.followUp(process, sessionId, { request, key });
      accepted.push({ sessionId, turn });
    };
    whenEnded(sessionId, street, () => ask("follow-up", speak, { ...street, answered }));
  };
  scenario.tasks.forEach((task, index) => {
    const input = {
      request: { ...task },
      client: "test",
      agents: "*" as const,
      idempotencyKey: `key-${index}`,
      hash: JSON.stringify(task),
    };
    const spawn = async (process: Process) => {
      const { sessionId } = await world.spawn(process, input);
      if (accepted.some((one) => one.sessionId === sessionId)) return;
      accepted.push({ sessionId, turn: 1 });
      later.forEach((one, no) => {
        if (one.task !== index) return;
        if (one.message === undefined) takeBack(sessionId, one);
        else goOn(sessionId, one, `later-${no}`);
      });
    };
    scheduler.after(index * 700, () => ask("spawn", spawn, { ...street, answered }));
  });
  return { accepted, canceled, areAnswered: () => unanswered === 0 };
}

function ask(
  name: string,
  call: (process: Process) => Promise<void>,
  { scheduler, answered }: Street & { answered: () => void },
): void {
  let isAnswered = false;
  const tryOnce = () => {
    if (isAnswered) return;
    const settle = () => {
      if (!isAnswered) answered();
      isAnswered = true;
    };
    const { ended } = scheduler.start(name, async (process) => {
      try {
        await call(process);
      } catch (error) {
        if (!(error instanceof RequestError) || error.status >= 500) throw error;
      }
      settle();
    });
    void ended.then((how) => how !== "returned" && scheduler.after(5_000, tryOnce));
    // A caller that is not answered in time asks again, while the first call may still be under way.
    scheduler.after(30_000, tryOnce);
  };
  tryOnce();
}

function whenEnded(sessionId: string, street: Street, go: () => void): void {
  const { world, scheduler } = street;
  const status = world.peek({ pk: `SESSION#${sessionId}`, sk: "META" })?.["status"];
  if (statuses.some((one) => one === status && isTerminal(one))) go();
  else scheduler.after(2_000, () => whenEnded(sessionId, street, go));
}
