import { Stack } from "aws-cdk-lib";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { Config, Lane } from "../functions/domain/config/index.ts";
import { maxReceives } from "../functions/domain/limits.ts";
import { laneVisibilitySeconds, realtimeVisibilitySeconds } from "./timing.ts";
import { WorkQueue } from "./work-queue.ts";

/** An open lane is drained every minute: an hour means that its quota is full, or that nobody drains it. */
const laneSlackSeconds = 3600;
/** A real-time call may take ten minutes, and its message is there until it ends. */
const realtimeOldestSeconds = 1800;
const daySeconds = 24 * 3600;

export interface QueuesProps extends Pick<Config, "lanes"> {
  topic: ITopic;
}

/** One queue a lane, so that no lane waits behind another, and one for real-time work. */
export class Queues extends Construct {
  readonly realtime: Queue;
  private readonly laneQueues: ReadonlyMap<string, Queue>;

  constructor(scope: Construct, id: string, { lanes, topic }: QueuesProps) {
    super(scope, id);
    this.laneQueues = new Map(lanes.map((lane) => [lane.id, this.laneQueue(lane, topic)]));
    this.realtime = new WorkQueue(this, "Realtime", {
      visibilitySeconds: realtimeVisibilitySeconds,
      maxReceives,
      deadLetters: {
        impact: "A real-time session could not be worked on and waits until it is rescued.",
        heading: "realtime-dead-letters",
      },
      oldest: {
        impact: "Real-time sessions wait for longer than a call takes.",
        heading: "realtime-oldest-queued",
        afterSeconds: realtimeOldestSeconds,
      },
      topic,
    }).queue;
  }

  byName(): [name: string, queue: Queue][] {
    return [...this.laneQueues, ["realtime", this.realtime]];
  }

  /** The value of `OFFPEAK_QUEUE_URLS`: a JSON object of queue URLs by lane, and `realtime`. */
  urls(): string {
    const urls = this.byName().map(([name, queue]) => [name, queue.queueUrl]);
    return Stack.of(this).toJsonString(Object.fromEntries(urls));
  }

  grantSend(sender: IGrantable): void {
    for (const [, queue] of this.byName()) queue.grant(sender, "sqs:SendMessage");
  }

  /** Hand over what cannot be batched, where its lane goes real-time instead of waiting. */
  grantReroute(sender: IGrantable): void {
    this.realtime.grant(sender, "sqs:SendMessage");
  }

  /** Take work out of the lanes; the real-time queue is read by its event source. */
  grantDrain(drainer: IGrantable): void {
    for (const queue of this.laneQueues.values()) queue.grant(drainer, "sqs:ReceiveMessage", "sqs:DeleteMessage");
  }

  private laneQueue(lane: Lane, topic: ITopic): Queue {
    return new WorkQueue(this, `Lane-${lane.id}`, {
      visibilitySeconds: laneVisibilitySeconds,
      maxReceives,
      deadLetters: {
        impact: `A session of lane ${lane.id} could not be put into a batch and waits until it is rescued.`,
        heading: "lane-dead-letters",
      },
      oldest: {
        impact: `Tasks of lane ${lane.id} are accepted, but not sent to Anthropic although the lane is open.`,
        heading: "lane-oldest-queued",
        afterSeconds: longestClosedSeconds(lane) + lane.flushEverySeconds + laneSlackSeconds,
      },
      topic,
    }).queue;
  }
}

/** How long a task may lie in its queue because the lane is closed; a change of the clock is within the slack. */
export function longestClosedSeconds({ hours }: { hours?: { from: number; to: number } }): number {
  if (hours === undefined) return 0;
  const openSeconds = (hours.to - hours.from) * 60;
  return daySeconds - (openSeconds > 0 ? openSeconds : openSeconds + daySeconds);
}
