import type { Anthropic } from "../clients/anthropic.ts";
import type { Queues } from "../clients/sqs.ts";
import type { Clock, NewId } from "../domain/clock.ts";
import type { Config, Lane } from "../domain/config/index.ts";
import type { Log } from "../domain/log.ts";
import type { BacklogReader } from "../store/backlog.ts";
import type { Lanes } from "../store/lanes.ts";
import type { Leases } from "../store/leases.ts";
import type { Manifests } from "../store/manifests.ts";
import type { Primers } from "../store/primers.ts";
import type { Sessions } from "../store/sessions.ts";
import type { Turns } from "../store/turns.ts";

export interface BatcherDeps {
  config: Config;
  primers: Primers;
  sessions: Sessions;
  turns: Turns;
  manifests: Manifests;
  lanes: Lanes;
  leases: Leases;
  backlog: BacklogReader;
  queues: Queues;
  /** The API by the credential of a lane. */
  anthropicFor(lane: Lane): Anthropic;
  clock: Clock;
  newId: NewId;
  log: Log;
  createTimeoutSeconds: number;
  /** How often the batcher is called. */
  tickSeconds: number;
  /** Real-time calls under way at once: what waits for them is bounded by it. */
  realtimeAtOnce: number;
  /** Until the function's own end. */
  millisecondsLeft(): number;
  removeMessages(lane: string, handles: readonly string[]): Promise<void>;
}
