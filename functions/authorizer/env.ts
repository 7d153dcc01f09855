import { loginPartition, tokenPartition } from "../domain/token.ts";

/** What the authorizer reads from its environment. */
export const environmentNames = ["OFFPEAK_TABLE", "OFFPEAK_TOKEN_SECRET"] as const;

/** All that it may read of the table, and where it may count: it stands at the door, and sees no session. */
export const partitionsRead = [tokenPartition];
export const partitionsCounted = [`${loginPartition}*`];
