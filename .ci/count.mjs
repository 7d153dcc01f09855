// The last line of CI: the sum over the reports of all runs. A run without a failed test that ended with an error, or without
// a report, is one failure by itself.
import { existsSync, readFileSync } from "node:fs";

const [folder, ...runs] = process.argv.slice(2);
let [passed, failed] = [0, 0];
for (const run of runs) {
  const path = `${folder}/${run}.json`;
  const report = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { numPassedTests: 0, numFailedTests: 0 };
  const hasFailed = !existsSync(path) || existsSync(`${folder}/${run}.failed`);
  if (hasFailed) console.log(`${run} failed: see above.`);
  passed += report.numPassedTests;
  failed += Math.max(report.numFailedTests, hasFailed ? 1 : 0);
}
console.log(`${passed} passed, ${failed} failed`);
