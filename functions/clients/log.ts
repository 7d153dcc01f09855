import type { Clock } from "../domain/clock.ts";
import { type Log, type Metrics, metricNames } from "../domain/log.ts";

/** One JSON line an event on standard output, which CloudWatch Logs keeps. */
export function jsonLog(room: string): Log {
  return (code, fields = {}) => {
    process.stdout.write(`${JSON.stringify({ code, room, ...fields })}\n`);
  };
}

/**
 * CloudWatch's embedded metric format: figures as a log line, without a call of their own.
 * @param Namespace the stack's own, so that two of them in one account do not add up
 */
export function embeddedMetrics(clock: Clock, Namespace: string): Metrics {
  return (values) => {
    const names = Object.entries(metricNames).filter(([name]) => name in values);
    if (names.length === 0) return;
    const metrics = names.map(([Name, Unit]) => ({ Name, Unit }));
    const directive = { Namespace, Dimensions: [[]], Metrics: metrics };
    process.stdout.write(
      `${JSON.stringify({ _aws: { Timestamp: clock.now(), CloudWatchMetrics: [directive] }, ...values })}\n`,
    );
  };
}
