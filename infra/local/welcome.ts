export interface WelcomeFacts {
  url: string;
  token: string;
  isTokenGiven: boolean;
  /** The first of the list: any will do for a first call. */
  agentId: string;
  hasKey: boolean;
  home: string;
  baseUrl: string | undefined;
}

/** What a person needs to know after a start, with a command to copy. */
export function welcome({ url, token, isTokenGiven, agentId, hasKey, home, baseUrl }: WelcomeFacts): string {
  const model = hasKey
    ? `Anthropic at ${baseUrl ?? "https://api.anthropic.com"}, with the key of ANTHROPIC_API_KEY: tasks cost money`
    : `a built-in stand-in for Anthropic at ${baseUrl} (set ANTHROPIC_API_KEY for the real one): tasks cost nothing`;
  return [
    "",
    `Offpeak at ${url}`,
    `  model    ${model}`,
    `  data     ${home}`,
    `  token    ${isTokenGiven ? "the one in OFFPEAK_TOKEN" : `${token} (made up; kept for the next start)`}`,
    "",
    `  curl -s ${url}/api/sessions/spawn -H "Authorization: Bearer ${isTokenGiven ? "$OFFPEAK_TOKEN" : token}" \\`,
    `    -d '{"task": "Summarize what happened today.", "agentId": "${agentId}"}'`,
    "",
  ].join("\n");
}
