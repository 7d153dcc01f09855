import { createWriteStream } from "node:fs";

/** Events that a person at the terminal need not see. */
const quiet = new Set(["login_failed", "lane_busy", "session_repeated", "message_dropped"]);

/**
 * The functions write their log as JSON lines on standard output, where Lambda wants it. On one machine all of it goes to
 * a file, and the terminal gets a short form of what matters to a person.
 */
export function divertLog(path: string): { say(line: string): void; close(): void } {
  const file = createWriteStream(path, { flags: "a", mode: 0o600 });
  const write = process.stdout.write.bind(process.stdout);
  const say = (line: string) => void write(`${line}\n`);
  const divert = (chunk: unknown, ...rest: unknown[]): boolean => {
    const text = typeof chunk === "string" ? chunk : "";
    if (!text.startsWith('{"code"') && !text.startsWith('{"_aws"'))
      return Reflect.apply(write, process.stdout, [chunk, ...rest]);
    // Figures are for alarms, which one machine has none of; every few seconds they would fill the disk.
    if (text.startsWith('{"_aws"')) return true;
    file.write(text);
    const short = shortForm(text);
    if (short !== undefined) say(short);
    return true;
  };
  process.stdout.write = divert;
  return {
    say,
    close() {
      process.stdout.write = write;
      file.end();
    },
  };
}

/** `10:20:01 poller manifest_settled lines=2` */
export function shortForm(line: string, now = new Date()): string | undefined {
  const parsed: unknown = JSON.parse(line);
  if (typeof parsed !== "object" || parsed === null || !("code" in parsed)) return undefined;
  const { code, ...fields } = parsed;
  if (quiet.has(String(code))) return undefined;
  const { room = "", ...rest } = { room: undefined, ...fields };
  const words = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return [now.toTimeString().slice(0, 8), room ?? "", String(code), ...words].join(" ");
}
