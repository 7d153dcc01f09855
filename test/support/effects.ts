/** One call out to a client. */
export interface Effect {
  port: string;
  method: string;
  args: readonly unknown[];
}

/** What happens around each effect: a test or a simulation may delay it, refuse it, lose its answer, or end the process. */
export type Around = <T>(effect: Effect, run: () => Promise<T>) => Promise<T>;

/** A client whose every asynchronous call goes through `around`; what only a test may see of it stays as it is. */
export function withEffects<T extends object>(name: string, port: T, around: Around): T {
  return new Proxy(port, {
    get(target, property) {
      const method: unknown = Reflect.get(target, property);
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => {
        const run = () => Promise.resolve(Reflect.apply(method, target, args));
        return isSynchronous(name, String(property))
          ? Reflect.apply(method, target, args)
          : around({ port: name, method: String(property), args }, run);
      };
    },
  });
}

const isSynchronous = (port: string, method: string) => port === "secrets" && method === "forget";

/** `table.update META submitted`: the kind of item and the state it is given, for plans and traces. */
export function describeEffect({ port, method, args: [first] }: Effect): string {
  const text = JSON.stringify(first) ?? "";
  const kind = /"sk":"([A-Z]+)/.exec(text)?.[1];
  const state = /"(?:status|state)":"([a-z]+)"/.exec(text)?.[1];
  return [`${port}.${method}`, kind, method === "get" ? undefined : state]
    .filter((word) => word !== undefined)
    .join(" ");
}

export interface CrashPlan {
  /** The first effect it says yes to is where the process ends. `no` counts from 1. */
  at: (what: string, no: number) => boolean;
  /** Whether that effect still takes hold. */
  when: "before" | "after";
}

export interface Dying {
  around: Around;
  /** Runs until it returns or the process ends, whichever is first. @returns whether it ended by the crash */
  run(work: () => Promise<unknown>): Promise<boolean>;
  /** Every effect that was begun, in order. */
  trace: string[];
}

/** A process that ends at one effect: nothing it does afterwards has any effect, and nothing answers it. */
export function dying({ at, when }: CrashPlan): Dying {
  const trace: string[] = [];
  const death = Promise.withResolvers<true>();
  let isDead = false;
  const never = () => new Promise<never>(() => {});
  const die = () => {
    isDead = true;
    death.resolve(true);
    return never();
  };
  return {
    trace,
    around: async (effect, run) => {
      if (isDead) return never();
      const what = describeEffect(effect);
      trace.push(what);
      const isLast = at(what, trace.length);
      if (isLast && when === "before") return die();
      // What others of the same process began is under way, and takes hold too.
      const answer = await run();
      return isLast || isDead ? die() : answer;
    },
    run: (work) => Promise.race([work().then(() => false), death.promise]),
  };
}
