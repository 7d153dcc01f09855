import { Aws, CfnOutput, Duration, Stack } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import {
  Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  Metric,
  SingleValueWidget,
  Stats,
  TextWidget,
} from "aws-cdk-lib/aws-cloudwatch";
import { Construct } from "constructs";
import type { Queues } from "./queues.ts";
import { RoomFunction } from "./room-function.ts";
import { alarmPeriod, metricNamespace } from "./runbook-alarm.ts";

export interface OverviewProps {
  queues: Queues;
  api: HttpApi;
}

/** Widgets lie on a grid of so many columns. */
const columns = 24;

/**
 * What a person looks at first, from the top: whether anything is wrong, how old the oldest work is, what ends and how, what
 * fails, then the lanes, then the dollars. It is made last, of the alarms and rooms that are there.
 */
export class Overview extends Construct {
  private readonly minute = Duration.minutes(1);

  constructor(scope: Construct, id: string, { queues, api }: OverviewProps) {
    super(scope, id);
    const widgets = [
      [this.title(), this.alarms()],
      [this.ages(queues), this.ends(), this.failures(api)],
      [this.lanes(queues), this.atAnthropic(), this.calls(api)],
      [this.dollarsToday(), this.dollars()],
    ];
    // Dashboards are the account's, whatever their region.
    const dashboardName = `${Stack.of(this).stackName}-${Aws.REGION}`;
    new Dashboard(this, "Dashboard", { dashboardName, defaultInterval: Duration.hours(12), widgets });
    new CfnOutput(Stack.of(this), "DashboardName", { value: dashboardName });
  }

  private title(): IWidget {
    const markdown =
      "Red first: each alarm names its heading in `infra/RUNBOOK.md`. Below: age of the oldest work, ends, failures; lanes; dollars.";
    return new TextWidget({ markdown, width: columns, height: 1 });
  }

  private alarms(): IWidget {
    const alarms = Stack.of(this)
      .node.findAll()
      .filter((one) => one instanceof Alarm);
    return new AlarmStatusWidget({ title: "Is anything wrong?", alarms, width: columns, height: 5 });
  }

  private ages(queues: Queues): IWidget {
    const queued = queues.byName().map(([name, queue]) =>
      queue.metricApproximateAgeOfOldestMessage({
        period: alarmPeriod,
        statistic: Stats.MAXIMUM,
        label: `queued: ${name}`,
      }),
    );
    return graph("Oldest work, seconds", [
      ...queued,
      this.figure("oldestOpenBatchSeconds", Stats.MAXIMUM, "open batch"),
      this.figure("settleLagSeconds", Stats.MAXIMUM, "ended, not settled"),
      this.figure("undeliveredSeconds", Stats.MAXIMUM, "ended, not told"),
    ]);
  }

  private ends(): IWidget {
    return graph("Turns that ended, a minute", [
      this.figure("endedTurns", Stats.SUM, "all", this.minute),
      this.figure("failedTurns", Stats.SUM, "failed", this.minute),
      this.figure("missedDeadlines", Stats.SUM, "deadline missed", this.minute),
    ]);
  }

  private failures(api: HttpApi): IWidget {
    const rooms = Stack.of(this)
      .node.findAll()
      .filter((one) => one instanceof RoomFunction);
    return graph("Failures", [
      ...rooms.map((room) => room.failures),
      api.metricServerError({ period: alarmPeriod, statistic: Stats.SUM, label: "HTTP 5xx" }),
      this.figure("quarantinedLines", Stats.SUM, "lines not readable"),
      this.figure("lostResults", Stats.SUM, "results lost"),
    ]);
  }

  private lanes(queues: Queues): IWidget {
    const waiting = queues
      .byName()
      .map(([name, queue]) =>
        queue.metricApproximateNumberOfMessagesVisible({ period: alarmPeriod, statistic: Stats.MAXIMUM, label: name }),
      );
    return graph("Messages in the queues, and parked lanes", waiting, [
      this.figure("parkedLanes", Stats.MAXIMUM, "parked lanes"),
    ]);
  }

  private atAnthropic(): IWidget {
    return graph("Requests in open batches", [this.figure("inFlightRequests", Stats.MAXIMUM, "in flight")]);
  }

  private calls(api: HttpApi): IWidget {
    const options = { period: this.minute, statistic: Stats.SUM };
    return graph("HTTP calls a minute", [
      api.metricCount({ ...options, label: "all" }),
      api.metricClientError({ ...options, label: "4xx" }),
    ]);
  }

  private dollarsToday(): IWidget {
    const metrics = [
      this.figure("spentTodayUsd", Stats.MAXIMUM, "spent today, $"),
      this.figure("savedTodayUsd", Stats.MAXIMUM, "saved today, $"),
    ];
    return new SingleValueWidget({ title: "Dollars, UTC day", metrics, width: columns / 3, height: 6 });
  }

  private dollars(): IWidget {
    const metrics = [
      this.figure("spentTodayUsd", Stats.MAXIMUM, "spent"),
      this.figure("savedTodayUsd", Stats.MAXIMUM, "saved, against real time"),
    ];
    return new GraphWidget({ title: "Dollars of the day so far", left: metrics, width: (2 * columns) / 3, height: 6 });
  }

  private figure(metricName: string, statistic: string, label: string, period = alarmPeriod): IMetric {
    return new Metric({ namespace: metricNamespace(this), metricName, statistic, period, label });
  }
}

/** A third of the width. */
function graph(title: string, left: IMetric[], right: IMetric[] = []): IWidget {
  return new GraphWidget({ title, left, right, width: columns / 3, height: 6 });
}
