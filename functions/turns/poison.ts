import type { Session } from "../domain/session.ts";
import { poisonError } from "../domain/visits.ts";
import type { Moved } from "../store/sessions.ts";
import { fail, type SettleDeps } from "./settle.ts";

/** Ends what broke its handler each time, from wherever it stands. The turn is due to be delivered like any other. */
export function failPoison(session: Session, deps: Pick<SettleDeps, "sessions" | "clock" | "log">): Promise<Moved> {
  return fail(session, poisonError, deps);
}
