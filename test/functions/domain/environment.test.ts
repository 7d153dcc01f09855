import { describe, expect, it } from "vitest";
import { parseQueueUrls, positiveNumber, readEnvironment } from "../../../functions/domain/environment.ts";

describe("the environment of a room", () => {
  it("gives the variables that the room names", () => {
    const env = readEnvironment(["TABLE", "BUCKET"], { TABLE: "sessions", BUCKET: "bodies", OTHER: "x" });
    expect(env("TABLE")).toBe("sessions");
    expect(env("BUCKET")).toBe("bodies");
  });

  it("names everything that is missing at once, empty ones included", () => {
    const read = () => readEnvironment(["TABLE", "BUCKET", "QUEUE"], { TABLE: "sessions", BUCKET: "" });
    expect(read).toThrow("missing in the environment: BUCKET, QUEUE");
  });
});

describe("a number in the environment", () => {
  it("is above 0", () => {
    expect(positiveNumber("TICK", "60")).toBe(60);
    expect(positiveNumber("TICK", "0.5")).toBe(0.5);
  });

  it.each(["", "0", "-1", "soon", "Infinity", "60s"])("is not %j: the error names the variable", (text) => {
    expect(() => positiveNumber("TICK", text)).toThrow("TICK: must be a number above 0");
  });
});

describe("the queues in the environment", () => {
  it("are URLs by lane", () => {
    const urls = parseQueueUrls(
      '{"default":"http://127.0.0.1:1/q/default","realtime":"http://127.0.0.1:1/q/realtime"}',
    );
    expect([...urls.keys()]).toEqual(["default", "realtime"]);
    expect(urls.get("default")).toBe("http://127.0.0.1:1/q/default");
  });

  it.each(["", "no JSON", "null", "[]", '"http://127.0.0.1:1/"'])("are not %j", (text) => {
    expect(() => parseQueueUrls(text)).toThrow("OFFPEAK_QUEUE_URLS: must be a JSON object");
  });

  it.each(['{"bulk":7}', '{"bulk":"somewhere"}', '{"bulk":null}'])("have a URL each, which %s has not", (text) => {
    expect(() => parseQueueUrls(text)).toThrow("OFFPEAK_QUEUE_URLS.bulk: must be a URL");
  });
});
