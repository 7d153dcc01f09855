import { describe, expect, it } from "vitest";
import { maxTokens } from "../../../functions/domain/limits.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are checked by what the tests expect of them
type Json = any;

const ask = async (world: TestWorld, method: string, path: string, body?: object, verdict?: object) => {
  const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await world.http(path, init, ...(verdict === undefined ? [] : [verdict]));
  const json: Json = JSON.parse(await response.text());
  return { status: response.status, body: json };
};
const asked = { name: "ci", scopes: ["spawn", "read"], agents: ["worker"] };
const create = (world: TestWorld, more: object = {}, verdict?: object) =>
  ask(world, "POST", "/api/tokens", { ...asked, ...more }, verdict);
const lead = { client: "lead", scopes: "admin read", agents: "worker" };

describe("POST /api/tokens", () => {
  it("makes one, shows it this once, and says what it is good for", async () => {
    const world = testWorld();
    const { status, body } = await create(world, { expiresInSeconds: 3_600 });
    const at = (seconds: number) => new Date(world.clock.now() + seconds * 1000).toISOString();
    expect(status).toBe(200);
    expect(body).toEqual({
      token: expect.stringMatching(new RegExp(`^offpeak_${body.id}_[A-Za-z0-9_-]{43}$`)),
      id: expect.any(String),
      ...asked,
      state: "live",
      createdAt: at(0),
      createdBy: "owner",
      expiresAt: at(3_600),
      revokedAt: null,
    });
    expect(JSON.stringify((await ask(world, "GET", "/api/tokens")).body)).not.toContain(body.token.slice(-43));
    expect(world.logs).toContainEqual({
      code: "token_created",
      fields: { tokenId: body.id, client: "ci", by: "owner" },
    });
  });

  it.each([
    ["name", { name: "owner" }],
    ["scopes", { scopes: [] }],
    ["agents", { agents: [] }],
    ["agents", { agents: ["wroker"] }],
    ["expiresInSeconds", { expiresInSeconds: -1 }],
    ["expires", { expires: "90d" }],
  ])("answers 400 and names %s where that is wrong", async (param, wrong) => {
    const { status, body } = await create(testWorld(), wrong);
    expect([status, body.error.param]).toEqual([400, param]);
  });

  it.each([
    ["scopes", { scopes: ["spawn"], agents: ["worker"] }],
    ["agents", { scopes: ["read"], agents: ["live"] }],
    ["agents", { scopes: ["read"], agents: ["no-such-agent"] }],
    ["agents", { scopes: ["read"], agents: "*" }],
  ])("answers 403 and names %s where that is more than whoever asks has", async (param, more) => {
    const { status, body } = await create(testWorld(), more, lead);
    expect([status, body.error.type, body.error.param]).toEqual([403, "permission_error", param]);
    expect(body.error.message).not.toContain("live");
  });

  it("hands on no more than is left of the time of whoever asks", async () => {
    const world = testWorld();
    const ending = { ...lead, endsAt: world.clock.now() + 60_000 };
    expect((await create(world, { scopes: ["read"] }, ending)).body.error.param).toBe("expiresInSeconds");
    expect((await create(world, { scopes: ["read"], expiresInSeconds: 60 }, ending)).status).toBe(200);
  });

  it("keeps their number bounded", async () => {
    const world = testWorld();
    const { body } = await create(world);
    const item = await world.table.get({ pk: "TOKEN", sk: body.id });
    for (let index = 1; index < maxTokens; index += 1)
      await world.table.insert({ ...item, pk: "TOKEN", sk: `T${index}` });
    expect((await create(world)).status).toBe(409);
  });
});

describe("GET /api/tokens", () => {
  it("shows how each stands", async () => {
    const world = testWorld();
    const [short, , gone] = [await create(world, { expiresInSeconds: 1 }), await create(world), await create(world)];
    await ask(world, "DELETE", `/api/tokens/${gone.body.id}`);
    world.pass(1);
    const { body } = await ask(world, "GET", "/api/tokens");
    expect(body.tokens.map(({ state }: Json) => state)).toEqual(["expired", "live", "revoked"]);
    expect(body.tokens[0].id).toBe(short.body.id);
  });

  it("shows none with more than whoever asks has", async () => {
    const world = testWorld();
    const { body: mine } = await create(world, { scopes: ["read"] });
    for (const more of [{ scopes: ["read"], agents: ["live"] }, { scopes: ["read"], agents: "*" }, asked])
      await create(world, more);
    const { body } = await ask(world, "GET", "/api/tokens", undefined, lead);
    expect(body.tokens.map(({ id }: Json) => id)).toEqual([mine.id]);
  });

  it("goes on where one cannot be read, and says so", async () => {
    const world = testWorld();
    await create(world);
    await world.table.put({ item: { pk: "TOKEN", sk: "BAD" }, when: [] });
    expect((await ask(world, "GET", "/api/tokens")).body.tokens).toHaveLength(1);
    expect(world.logs.at(-1)).toEqual({ code: "record_corrupt", fields: { tokenId: "BAD" } });
  });
});

describe("DELETE /api/tokens/{id}", () => {
  it("ends one for good, and a repeat is as good as once", async () => {
    const world = testWorld();
    const { body: made } = await create(world);
    const revokedAt = new Date(world.clock.now()).toISOString();
    for (let call = 0; call < 2; call += 1) {
      const { status, body } = await ask(world, "DELETE", `/api/tokens/${made.id.toLowerCase()}`);
      expect([status, body.state, body.revokedAt]).toEqual([200, "revoked", revokedAt]);
      world.pass(5);
    }
  });

  it("answers 404 where there is none, or one that whoever asks could not have made", async () => {
    const world = testWorld();
    const { body: made } = await create(world);
    for (const [id, verdict] of [
      ["01KAJ8Z3M4N5P6Q7R8S9T0V1W2", undefined],
      ["x".repeat(2_000), undefined],
      [made.id, lead],
    ]) {
      const { status, body } = await ask(world, "DELETE", `/api/tokens/${id}`, undefined, verdict);
      expect([status, body.error.message]).toEqual([404, "there is no such token"]);
    }
    expect((await world.deps.tokens.find(made.id))?.revokedAt).toBeUndefined();
  });
});
