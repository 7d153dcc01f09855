import { tableDefinition } from "./table-definition.ts";

/** What the deployer chooses with `-c name=value`. */
export interface Settings {
  /** `prod` keeps its data when the stack goes and cannot be deleted by accident; `dev` leaves nothing behind. */
  stage: "prod" | "dev";
  /** Who gets a mail when an alarm changes; nobody, unless given. */
  alarmEmail?: string;
  /** An index that this deployment leaves out, so that the next one makes it anew: none can be changed in place. */
  withoutIndex?: string;
}

export type ParsedSettings = { ok: true; settings: Settings } | { ok: false; problems: string[] };

/** @param context reads a context value by name; a value that is not there is `undefined` */
export function parseSettings(context: (name: string) => unknown): ParsedSettings {
  const stage = context("stage") ?? "prod";
  const [alarmEmail, withoutIndex] = [context("alarmEmail"), context("withoutIndex")];
  const isStage = stage === "prod" || stage === "dev";
  const isEmail = typeof alarmEmail === "string" && /^[^@\s]+@[^@\s]+$/.test(alarmEmail);
  const index = tableDefinition.indexes.find(({ name }) => name === withoutIndex)?.name;
  const problems = [
    ...(isStage ? [] : ["stage: must be prod or dev"]),
    ...(alarmEmail === undefined || isEmail ? [] : ["alarmEmail: must be an e-mail address"]),
    ...(withoutIndex === undefined || index !== undefined ? [] : ["withoutIndex: there is no such index"]),
  ];
  if (!isStage || problems.length > 0) return { ok: false, problems };
  const email = isEmail ? { alarmEmail } : {};
  return { ok: true, settings: { stage, ...email, ...(index === undefined ? {} : { withoutIndex: index }) } };
}
