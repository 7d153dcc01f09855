/** Left over after a create call has run to its bound, to write down what came of it. */
export const afterCallMs = 60_000;

/** A call that began now must end, and be written down, before the function does. */
export function hasTimeFor(room: { millisecondsLeft(): number; createTimeoutSeconds: number }): boolean {
  return room.millisecondsLeft() >= room.createTimeoutSeconds * 1000 + afterCallMs;
}
