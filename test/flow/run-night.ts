import { parseArgs } from "node:util";
import { describeNight, longestRecovery, runNight } from "./night.ts";
import { recoveryBoundSeconds } from "./night-plan.ts";
import { temporaryHome } from "./support.ts";

/**
 * `npm run night -- [--kills N] [--sessions N] [--seed S]`: starts `npm start` with a data folder of its own, gives it work,
 * and kills it with SIGKILL at N random moments. Ends non-zero where an accepted session was lost, or paid for twice, or
 * took longer than 30 s from `ready` on, besides what its batches took.
 */
const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "20" },
    sessions: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
  },
});
const { home, remove } = temporaryHome();
const say = (line: string) => void process.stdout.write(`${line}\n`);
const night = await runNight({
  home,
  kills: Number(values.kills),
  sessions: Number(values.sessions),
  seed: Number(values.seed),
  say,
});
say(describeNight(night));
const isGood = night.problems.length === 0 && longestRecovery(night) <= recoveryBoundSeconds;
// What went wrong is to be looked at.
if (isGood) remove();
else say(`the data folder is ${home}`);
process.exitCode = isGood ? 0 : 1;
