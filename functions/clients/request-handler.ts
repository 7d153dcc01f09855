import { maxSockets } from "../domain/limits.ts";

/** How a client of AWS's SDK calls: nothing may hang, and as many calls as are made at once have a connection. */
export function boundedRequests(requestTimeout: number) {
  const agent = { maxSockets };
  return { connectionTimeout: 3_000, requestTimeout, throwOnRequestTimeout: true, httpsAgent: agent, httpAgent: agent };
}
