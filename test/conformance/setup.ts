import { startOracle } from "./oracle.ts";

/** The tests' processes, which start afterwards, find DynamoDB Local where they would start the embedded one. */
export async function setup(): Promise<() => Promise<void>> {
  const { url, close } = await startOracle();
  process.env["AWS_ENDPOINT_URL_DYNAMODB"] = url;
  return close;
}
