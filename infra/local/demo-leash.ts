/**
 * Loaded into the system that the demo starts (`node --import`), before anything else. Standard input is a pipe from the
 * demo, which the kernel closes however the demo ends, kill -9 included; the system then stops as if it had been asked to.
 */
process.stdin.once("end", () => process.kill(process.pid, "SIGTERM"));
process.stdin.resume();
