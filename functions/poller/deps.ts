import type { Anthropic } from "../clients/anthropic.ts";
import type { Credential } from "../clients/anthropic-by-lane.ts";
import type { Queues } from "../clients/sqs.ts";
import type { Config } from "../domain/config/index.ts";
import type { IsNews } from "../domain/news.ts";
import type { Books } from "../store/books.ts";
import type { CacheRuns } from "../store/cache-runs.ts";
import type { Departures } from "../store/departures.ts";
import type { Latencies } from "../store/latencies.ts";
import type { Leases } from "../store/leases.ts";
import type { Manifests } from "../store/manifests.ts";
import type { Primers } from "../store/primers.ts";
import type { DeliverDeps } from "../turns/deliver.ts";
import type { SettleDeps } from "../turns/settle.ts";

export interface PollerDeps extends SettleDeps, DeliverDeps {
  config: Config;
  manifests: Manifests;
  latencies: Latencies;
  cacheRuns: CacheRuns;
  primers: Primers;
  departures: Departures;
  books: Books;
  leases: Leases;
  queues: Queues;
  anthropicFor(credential: Credential): Anthropic;
  /** Of the lists of batches: what is the same as in the last tick is not said again. */
  isNews: IsNews;
  tickSeconds: number;
  reconcileGraceSeconds: number;
  /** Until the function's own end. */
  millisecondsLeft(): number;
}
