/** What the authorizer reads from its environment. */
export const environmentNames = ["OFFPEAK_TABLE", "OFFPEAK_TOKEN_SECRET"] as const;
