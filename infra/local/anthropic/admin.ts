import type { Call, Reply } from "./exchange.ts";
import { type Faults, parseFault } from "./faults.ts";
import type { StandInModel } from "./model.ts";

export const adminPrefix = "/_stand-in/";

/**
 * The stand-in's own door, for tests in another process: `GET`, `POST` and `DELETE /_stand-in/faults`, and
 * `GET /_stand-in/bill`. It asks for no key; the server listens on loopback only.
 */
export function administer(
  { method, url, body }: Call,
  { model, faults }: { model: StandInModel; faults: Faults },
): Reply {
  const what = `${method} ${url.slice(adminPrefix.length)}`;
  if (what === "GET bill") return reply(200, { bill: model.bill() });
  if (what === "POST faults") {
    try {
      faults.set(parseFault(JSON.parse(body)));
    } catch (error) {
      return reply(400, { error: String(error) });
    }
  } else if (what === "DELETE faults") faults.clear();
  else if (what !== "GET faults") return reply(404, { error: `no such door: ${what}` });
  return reply(200, { faults: faults.list() });
}

function reply(status: number, body: object): Reply {
  const headers = { "content-type": "application/json" };
  return { kind: "answer", status, headers, body: [JSON.stringify(body)], broken: false, afterMs: 0 };
}
