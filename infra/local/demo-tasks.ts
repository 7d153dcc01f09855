/** One task of the demo's night. The agents are those of the example configuration. */
export interface DemoTask {
  agentId: string;
  task: string;
  /** Only for what somebody waits for: everything else goes as its agent says. */
  routing?: "realtime";
}

/** Six tasks that can wait until the morning, and one that cannot, to show what waiting saves. */
export const nightlyTasks: readonly DemoTask[] = [
  {
    agentId: "worker",
    task: "Write the nightly report for these figures: 1,204 orders (1,150 yesterday), 31 refunds (12 yesterday), 3 timeouts.",
  },
  {
    agentId: "worker",
    task: "Name the three riskiest steps in moving a small web shop to another database, and one safeguard for each.",
  },
  {
    agentId: "worker",
    task: "Turn this note into two clear action items: backups ran, but nobody has tried a restore since spring.",
  },
  {
    agentId: "worker",
    task: "Compare weekly and daily releases for a team of four, in five sentences.",
  },
  {
    agentId: "digest",
    task: "Digest for the morning: disk at 71 %, certificate ends in 12 days, two dependency updates are waiting.",
  },
  {
    agentId: "digest",
    task: "Digest of five customer notes: too slow, love it, too slow, price unclear, export is missing.",
  },
  {
    agentId: "live",
    task: "Somebody is waiting: what does HTTP status 409 mean?",
    routing: "realtime",
  },
];
