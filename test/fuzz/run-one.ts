/** What may not be reached through any input, and so tells whether something was written to the prototype of everything. */
const names = Object.getOwnPropertyNames(Object.prototype).join();

/** Longer than any input of a few kilobytes may take, on a machine that is busy. */
const patienceMs = 10_000;

/** @throws when it hangs, or has changed what all objects have in common */
export async function checked<T>(what: string, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer in ${patienceMs} ms`)), patienceMs);
  });
  const answer = await Promise.race([work(), tooLong]).finally(() => clearTimeout(timer));
  if (Object.getOwnPropertyNames(Object.prototype).join() !== names)
    throw new Error(`${what}: changed Object.prototype`);
  return answer;
}

/** Anything but these is a bug of ours: an input that nobody thought of. */
const expectedErrors = ["RequestError", "CorruptRecordError"];

/** A parser answers, or says in our words what is wrong. @returns its answer, if there is one */
export async function parsed<T>(what: string, parse: () => T | Promise<T>): Promise<T | undefined> {
  const began = performance.now();
  const answer = await checked(what, async () => parse()).catch(refusal);
  // A parser that hogs the process is not ended by a timer.
  const took = performance.now() - began;
  if (took > patienceMs) throw new Error(`${what}: ${Math.round(took)} ms`);
  return answer;
}

function refusal(error: unknown): undefined {
  if (error instanceof Error && expectedErrors.includes(error.name)) return undefined;
  throw error;
}
