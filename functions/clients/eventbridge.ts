import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { boundedRequests } from "./request-handler.ts";

export interface OutgoingEvent {
  detailType: string;
  /** JSON, under 1 MB with all others of the call. */
  detail: string;
}

/** The bus outside. */
export interface Events {
  /** Up to 10 in one call; the answer says of each whether the bus took it. */
  put(events: readonly OutgoingEvent[]): Promise<boolean[]>;
}

export const eventSource = "offpeak";

export function eventBridge(EventBusName: string): Events {
  const client = new EventBridgeClient({
    maxAttempts: 3,
    requestHandler: boundedRequests(15_000),
  });
  return {
    async put(events) {
      const Entries = events.map(({ detailType, detail }) => ({
        EventBusName,
        Source: eventSource,
        DetailType: detailType,
        Detail: detail,
      }));
      const { Entries: taken = [] } = await client.send(new PutEventsCommand({ Entries }));
      return events.map((_, index) => taken[index]?.EventId !== undefined);
    },
  };
}
