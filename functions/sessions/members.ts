import { RequestError } from "../domain/errors.ts";
import { membersPerPage } from "../domain/limits.ts";
import { type Member, standingOf } from "../domain/manifest.ts";
import type { Session } from "../domain/session.ts";
import type { ManifestViews } from "../store/manifest-views.ts";
import type { Sessions } from "../store/sessions.ts";

export interface MembersDeps {
  manifestViews: ManifestViews;
  sessions: Sessions;
}

/** A place among the members: a page of the manifest, and how many of it were shown. */
interface Place {
  page: number;
  shown: number;
}

/**
 * Some members and how they stand now, however many there are: one page of names is read, and so many sessions.
 * @param pages not known where the manifest's own record cannot be read: then another may follow each full one
 */
export async function membersPage(
  { manifestId, pages }: { manifestId: string; pages: number | undefined },
  { from = { page: 1, shown: 0 }, limit }: { from: Place | undefined; limit: number },
  deps: MembersDeps,
) {
  const names = await deps.manifestViews.page(manifestId, from.page);
  const shown = from.shown + limit;
  const members = await standings((names ?? []).slice(from.shown, shown), manifestId, deps);
  const next =
    shown < (names?.length ?? 0)
      ? { page: from.page, shown }
      : from.page < (pages ?? (names?.length === membersPerPage ? from.page + 1 : 0))
        ? { page: from.page + 1, shown: 0 }
        : undefined;
  return {
    members,
    ...(names === undefined ? { damaged: true } : {}),
    ...(next === undefined ? {} : { membersCursor: `${next.page}.${next.shown}` }),
  };
}

/** What became of the first members, by standing or, where the batch ended their turn, by status. */
export async function countMembers(manifestId: string, deps: MembersDeps) {
  const counted = await standings((await deps.manifestViews.page(manifestId, 1)) ?? [], manifestId, deps);
  const counts: Record<string, number> = {};
  for (const { standing, status } of counted) {
    const word = standing === "ended" && status !== undefined ? status : standing;
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return { of: counted.length, ...counts };
}

async function standings(members: readonly Member[], manifestId: string, { sessions }: MembersDeps) {
  const found = await sessions.getMany(members.map(({ sessionId }) => sessionId));
  const byId = new Map<string, Session>(found.sessions.map((session) => [session.sessionId, session]));
  return members.map((member) => {
    const session = byId.get(member.sessionId);
    const standing = session === undefined ? "left" : standingOf(session, member, manifestId);
    return { ...member, status: session?.status, standing };
  });
}

/** @throws RequestError 400 naming `cursor` */
export function readMembersCursor(cursor: string): Place {
  const [, page, shown] = /^([1-9]\d{0,4})\.(\d{1,4})$/.exec(cursor) ?? [];
  const place = { page: Number(page), shown: Number(shown) };
  if (page === undefined || place.shown >= membersPerPage)
    throw new RequestError(400, "cursor: is not one of ours", { param: "cursor" });
  return place;
}
