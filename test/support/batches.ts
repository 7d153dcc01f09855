import type { Item } from "../../functions/clients/table.ts";
import { turnName } from "../../functions/domain/ids.ts";
import type { TestWorld } from "./world.ts";

/** What went to the API, and what is written of it. */
export interface SentRequest {
  custom_id: string;
  params: Record<string, unknown>;
}

/** The bodies of all create calls that came in, in order. */
export function createBodies(world: TestWorld): { requests: SentRequest[]; bytes: number }[] {
  return world.api.calls
    .filter(({ method, url }) => method === "POST" && url === "/v1/messages/batches")
    .map(({ body }) => {
      const { requests }: { requests: SentRequest[] } = JSON.parse(body);
      return { requests, bytes: Buffer.byteLength(body) };
    });
}

export const requestsOf = (world: TestWorld) => createBodies(world).flatMap(({ requests }) => requests);

/** The heads of all manifests, in the order in which they were made. */
export function batchesOf(world: TestWorld): Item[] {
  const heads = world.table.items().filter(({ pk, sk }) => pk.startsWith("MANIFEST#") && sk === "HEAD");
  return heads.toSorted((one, other) => (one.pk < other.pk ? -1 : 1));
}

/** What each manifest says of itself, and how many its pages name. */
export async function memberCounts(world: TestWorld) {
  return Promise.all(
    batchesOf(world).map(async ({ pk, state, count }) => {
      const members = new Set<string>();
      for await (const page of world.deps.manifests.members(pk.replace("MANIFEST#", "")))
        for (const member of page) members.add(turnName(member));
      return { state, count, members: members.size };
    }),
  );
}
