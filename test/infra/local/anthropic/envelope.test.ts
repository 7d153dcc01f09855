import { describe, expect, it } from "vitest";
import { parseEnvelope } from "../../../../infra/local/anthropic/envelope.ts";

const request = (customId: unknown, params: unknown = {}) => ({ custom_id: customId, params });
const parse = (...requests: unknown[]) => parseEnvelope(JSON.stringify({ requests }));

describe("the envelope of a batch is checked at once and refuses the whole create", () => {
  it("takes requests without looking into their params", () => {
    expect(parse(request("a"), request("b", { model: 7 }))).toEqual([request("a"), request("b", { model: 7 })]);
  });

  it.each([
    ["an empty id", [request("")], "requests.0.custom_id: String should have at least 1 character"],
    ["65 characters", [request("x".repeat(65))], "requests.0.custom_id: String should have at most 64 characters"],
    ["a colon", [request("a"), request("a:b")], "requests.1.custom_id: String should match pattern"],
    ["a missing id", [{ params: {} }], "requests.0.custom_id: Field required"],
    ["a number for an id", [request(7)], "requests.0.custom_id: Input should be a valid string"],
    ["a duplicate", [request("a"), request("b"), request("a")], "requests.2.custom_id: custom_id must be unique"],
    ["params that are a list", [request("a", [])], "requests.0.params: Input should be a valid dictionary"],
    ["missing params", [{ custom_id: "a" }], "requests.0.params: Field required"],
    ["an extra key", [{ ...request("a"), priority: 1 }], "requests.0.priority: Extra inputs are not permitted"],
    ["no requests", [], "requests: List should have at least 1 item"],
  ])("refuses %s", (_, requests, message) => {
    expect(() => parse(...requests)).toThrow(message);
  });

  it("refuses 100,001 requests", () => {
    const requests = Array.from({ length: 100_001 }, (_, index) => request(`r${index}`));
    expect(() => parse(...requests)).toThrow("requests: List should have at most 100000 items");
    expect(parse(...requests.slice(1))).toHaveLength(100_000);
  });

  it("refuses more than 256 MB with 413, without reading it", () => {
    expect(() => parseEnvelope("x".repeat(256_000_001))).toThrow(
      expect.objectContaining({ status: 413, type: "request_too_large" }),
    );
  });

  it("refuses what is no JSON, no object, or has other keys", () => {
    expect(() => parseEnvelope("{")).toThrow("not valid JSON");
    expect(() => parseEnvelope("[]")).toThrow("valid dictionary");
    expect(() => parseEnvelope(JSON.stringify({ requests: [request("a")], name: "x" }))).toThrow(
      "name: Extra inputs are not permitted",
    );
  });
});
