import { parentPort, workerData } from "node:worker_threads";

/** One room in a thread of its own, with an environment of its own: the handler as Lambda would load and call it. */
const { room } = workerData;
const { handler } = await import(`../../../functions/${room}/handler.ts`);

const answer = async ({ id, event }: { id: number; event: unknown }) => {
  const context = { awsRequestId: String(id), getRemainingTimeInMillis: () => 600_000 };
  try {
    parentPort?.postMessage({ id, answer: await handler(event, context) });
  } catch (error) {
    parentPort?.postMessage({ id, error: String(error) });
  }
};
parentPort?.on("message", (message) => void answer(message));
parentPort?.postMessage({ id: 0 });
