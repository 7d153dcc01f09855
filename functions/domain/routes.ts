import type { Scope } from "./principal.ts";

/** The rooms that answer HTTP. */
export type HttpRoom = "spawn" | "sessions";

export interface Access {
  room: HttpRoom;
  scope: Scope;
  /** What it shows or does covers all agents, and cannot be split by them. */
  ofAllAgents?: true;
}

/**
 * Every route there is, and what it takes to use it. The rooms build their applications from it, so that none can be added
 * without saying who may. Where two match one path, the first is meant.
 */
export const routes = {
  "POST /api/sessions/spawn": { room: "spawn", scope: "spawn" },
  "POST /api/sessions/spawn/bulk": { room: "spawn", scope: "spawn" },
  "POST /api/sessions/cancel": { room: "sessions", scope: "cancel" },
  "GET /api/sessions": { room: "sessions", scope: "read" },
  "GET /api/sessions/:id": { room: "sessions", scope: "read" },
  "GET /api/sessions/:id/history": { room: "sessions", scope: "read" },
  "POST /api/sessions/:id/messages": { room: "sessions", scope: "spawn" },
  "POST /api/sessions/:id/cancel": { room: "sessions", scope: "cancel" },
  "GET /api/agents": { room: "sessions", scope: "read" },
  "GET /api/advice": { room: "sessions", scope: "read" },
  "GET /api/budgets": { room: "sessions", scope: "read" },
  // How much is to be done before theirs, and why it waits, concerns whoever waits; no agent is named there.
  "GET /api/lanes": { room: "sessions", scope: "read" },
  "GET /api/batches": { room: "sessions", scope: "read", ofAllAgents: true },
  "GET /api/batches/:id": { room: "sessions", scope: "read", ofAllAgents: true },
  "GET /api/usage": { room: "sessions", scope: "read" },
  "POST /api/usage/rebuild": { room: "sessions", scope: "admin", ofAllAgents: true },
  "POST /api/tokens": { room: "sessions", scope: "admin" },
  "GET /api/tokens": { room: "sessions", scope: "admin" },
  "DELETE /api/tokens/:id": { room: "sessions", scope: "admin" },
} as const satisfies Record<`${"GET" | "POST" | "DELETE"} /api/${string}`, Access>;

type Routes = typeof routes;
/** The routes that a room has to answer. */
export type RouteName<Room extends HttpRoom> = {
  [Name in keyof Routes]: Routes[Name]["room"] extends Room ? Name : never;
}[keyof Routes];

export interface Route extends Access {
  name: string;
  method: string;
  path: string;
}

/** The routes of a room by their paths, in the order of the table. */
export function routesOf(room: HttpRoom): Map<string, Route[]> {
  const entries: [string, Access][] = Object.entries(routes);
  const own = entries
    .filter(([, access]) => access.room === room)
    .map(([name, access]): Route => {
      const [method = "", path = ""] = name.split(" ");
      return { name, method, path, ...access };
    });
  return Map.groupBy(own, ({ path }) => path);
}
