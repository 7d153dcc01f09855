/** What the deployer chooses with `-c name=value`. */
export interface Settings {
  /** `prod` keeps its data when the stack goes and cannot be deleted by accident; `dev` leaves nothing behind. */
  stage: "prod" | "dev";
  /** Who gets a mail when an alarm changes; nobody, unless given. */
  alarmEmail?: string;
}

export type ParsedSettings = { ok: true; settings: Settings } | { ok: false; problems: string[] };

/** @param context reads a context value by name; a value that is not there is `undefined` */
export function parseSettings(context: (name: string) => unknown): ParsedSettings {
  const stage = context("stage") ?? "prod";
  const alarmEmail = context("alarmEmail");
  const isStage = stage === "prod" || stage === "dev";
  const isEmail = typeof alarmEmail === "string" && /^[^@\s]+@[^@\s]+$/.test(alarmEmail);
  if (isStage && alarmEmail === undefined) return { ok: true, settings: { stage } };
  if (isStage && isEmail) return { ok: true, settings: { stage, alarmEmail } };
  const problems = [
    ...(isStage ? [] : ["stage: must be prod or dev"]),
    ...(alarmEmail === undefined || isEmail ? [] : ["alarmEmail: must be an e-mail address"]),
  ];
  return { ok: false, problems };
}
