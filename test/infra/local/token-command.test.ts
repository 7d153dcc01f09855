import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { startServer } from "../../../infra/local/server.ts";
import { tokenCommand } from "../../../infra/local/token-command.ts";
import { token } from "../../support/ports.ts";
import { testWorld } from "../../support/world.ts";

const world = testWorld();
const gateway = {
  async authorize(event: unknown) {
    const { headers } = event as { headers: { authorization?: string } };
    return { context: await world.authorize(headers.authorization, "127.0.0.1") };
  },
  appFor: () => ({
    async fetch(request: Request, { event }: { event?: { requestContext?: { authorizer?: { lambda?: unknown } } } }) {
      const init = { method: request.method, ...(request.body === null ? {} : { body: await request.text() }) };
      return world.http(new URL(request.url).pathname, init, event?.requestContext?.authorizer?.lambda);
    },
  }),
};
const server = await startServer(0, gateway);
afterAll(() => server.close());

async function run(args: string, environment: Record<string, string> = { OFFPEAK_TOKEN: token }) {
  const [out, told]: [string[], string[]] = [[], []];
  const words = args.split(" ").filter((word) => word !== "");
  const code = await tokenCommand(words, {
    environment: { OFFPEAK_URL: server.url, ...environment },
    fetch,
    out: (line) => void out.push(line),
    tell: (line) => void told.push(line),
  });
  return { code, out, told: told.join("\n") };
}

describe("npm run token", () => {
  it("makes a token, which alone is on standard output; lists it; and revokes it", async () => {
    const made = await run("create --name ci --scopes spawn,read --agents worker --expires 90d");
    expect([made.code, made.out]).toEqual([0, [expect.stringMatching(/^offpeak_\w{26}_[\w-]{43}$/)]]);
    const { client, scopes, agents } = (await world.authorize(`Bearer ${made.out[0]}`, "")) as Record<string, string>;
    expect([client, scopes, agents]).toEqual(["ci", "spawn read", "worker"]);
    const until = new Date(world.clock.now() + 90 * 86_400_000).toISOString();
    const id = made.out[0]!.split("_")[1]!;
    expect((await run("list")).out).toEqual([`${id}  ci  live  spawn,read  worker  until ${until}`]);
    const revoked = await run(`revoke ${id}`);
    expect([revoked.code, revoked.told]).toEqual([0, expect.stringContaining(`${id}  ci  revoked`)]);
    world.pass(30);
    expect(await world.authorize(`Bearer ${made.out[0]}`, "")).toEqual({ refusal: "unauthorized" });
  });

  it("makes one for all agents, without an end", async () => {
    const { told } = await run("create --name lead --scopes admin --agents *");
    expect(told).toMatch(/ {2}lead {2}live {2}admin {2}\* {2}without end/);
  });

  it.each(["", "create", "create --name ci --scopes read", "list x", "revoke", "revoke a b", "renew", "list --all"])(
    "says how it is used where it is not used so: %j",
    async (args) => {
      const { code, told, out } = await run(args);
      expect([code, out]).toEqual([2, []]);
      expect(told).toMatch(/^usage:/);
    },
  );

  it.each([
    ["create --name owner --scopes read --agents *", "400: name: must not be one of owner"],
    ["create --name ci --scopes everything --agents *", "scopes[0]: must be one of spawn, read, cancel, admin"],
    ["create --name ci --scopes read --agents wroker", "unknown agent wroker"],
    ["create --name ci --scopes read --agents * --expires 90", "--expires: must be"],
    ["revoke nobody", "404: there is no such token"],
  ])("says what is wrong: %s", async (args, message) => {
    const { code, told } = await run(args);
    expect([code, told]).toEqual([1, expect.stringContaining(message)]);
  });

  it.each([
    [{ OFFPEAK_TOKEN: "not-the-token" }, "401: send a valid token"],
    [{ OFFPEAK_URL: "http://example.com", OFFPEAK_TOKEN: token }, "OFFPEAK_URL: must be an https URL"],
    [{ OFFPEAK_URL: "https://api.example.com" }, "OFFPEAK_TOKEN: must be a token"],
    [{ OFFPEAK_URL: "http://127.0.0.1:1", OFFPEAK_TOKEN: token }, "cannot be reached"],
    [{ OFFPEAK_HOME: "/nowhere" }, "OFFPEAK_TOKEN: must be a token"],
  ])("says what its environment lacks: %j", async (environment, message) => {
    const { code, told } = await run("list", environment);
    expect([code, told]).toEqual([1, expect.stringContaining(message)]);
  });

  it("takes the token that npm start made up, on this machine only", async () => {
    const home = mkdtempSync(join(tmpdir(), "offpeak-token-"));
    writeFileSync(join(home, "token"), `${token}\n`);
    expect((await run("list", { OFFPEAK_HOME: home })).code).toBe(0);
    const elsewhere = await run("list", { OFFPEAK_HOME: home, OFFPEAK_URL: "https://api.example.com" });
    expect(elsewhere.told).toContain("OFFPEAK_TOKEN");
    rmSync(home, { recursive: true });
  });
});
