import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maxMetadataBytes, maxTimeoutSeconds } from "../../../functions/domain/limits.ts";
import { parseSpawnBody, parseSpawnDetail } from "../../../functions/domain/spawn-request.ts";

const task = "Summarize last night's alarms.";
const problemsOf = (body: unknown) => {
  const parsed = parseSpawnBody(body);
  return parsed.ok ? [] : parsed.problems.map(({ path, message }) => `${path}: ${message}`);
};
const requestOf = (body: unknown) => {
  const parsed = parseSpawnBody(body);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.value;
};
/** JSON of exactly this many bytes. */
const metadataOf = (bytes: number) => ({ note: "x".repeat(bytes - JSON.stringify({ note: "" }).length) });

describe("a body that may be spawned", () => {
  it("needs a task and nothing else", () => {
    expect(requestOf({ task })).toEqual({ task });
  });

  it("keeps every key it names, under one word each", () => {
    const body = { task, agentId: "worker", model: "claude-haiku-4-5", label: "nightly", timeoutSeconds: 60 };
    const more = { onDeadline: "fail", lane: "bulk", cacheRetention: "long", metadata: { ticket: 7, tags: ["a"] } };
    expect(requestOf({ ...body, ...more, routing: "batch" })).toEqual({ ...body, ...more, mode: "batch" });
  });

  it("keeps the task as it was written, spaces and all", () => {
    const odd = "  Zeile eins\r\n\tzwei 🦉 \u0000 ";
    expect(requestOf({ task: odd }).task).toBe(odd);
  });

  it.each([
    [{ batch: true }, "batch"],
    [{ batch: false }, "realtime"],
    [{ routing: "realtime" }, "realtime"],
    [{ routing: "batch", batch: true }, "batch"],
    [{ routing: "realtime", batch: false }, "realtime"],
    [{}, undefined],
  ])("with %j asks for %s", (asked, mode) => {
    expect(requestOf({ task, ...asked }).mode).toBe(mode);
  });

  it.each([
    [{ timeoutSeconds: 60 }, 60],
    [{ runTimeoutSeconds: 60 }, 60],
    [{ timeoutSeconds: 60, runTimeoutSeconds: 60 }, 60],
    [{ timeoutSeconds: maxTimeoutSeconds }, maxTimeoutSeconds],
    [{ timeoutSeconds: 0 }, 0],
    [{ runTimeoutSeconds: 0 }, 0],
    [{}, undefined],
  ])("with %j may take %s seconds, where 0 is a wish of its own: none, whatever the lane says", (asked, seconds) => {
    expect(requestOf({ task, ...asked }).timeoutSeconds).toBe(seconds);
  });

  it("may have a label of exactly 64 characters, whatever they take in bytes", () => {
    expect(requestOf({ task, label: "x".repeat(64) }).label).toHaveLength(64);
    expect(requestOf({ task, label: "🦉".repeat(64) }).label).toBe("🦉".repeat(64));
  });

  it.each(["", "   ", "\n"])("has no label where it is blank: %j", (label) => {
    expect(requestOf({ task, label })).toEqual({ task });
  });

  it("may have metadata up to the limit", () => {
    expect(requestOf({ task, metadata: metadataOf(maxMetadataBytes) }).metadata).toEqual(metadataOf(maxMetadataBytes));
    expect(requestOf({ task, metadata: {} }).metadata).toEqual({});
  });
});

const textIsWanted = "must be a string";
const notEmpty = "must not be empty";
const wellFormed = "must be well-formed Unicode";
const halfAnOwl = "half an owl: \ud83e";

/** Each bad body with the one thing that is said of it. */
const bad: [body: unknown, said: string][] = [
  ["a task", ": must be a JSON object"],
  [null, ": must be a JSON object"],
  [[{ task }], ": must be a JSON object"],
  [7, ": must be a JSON object"],
  [{}, "task: is required"],
  [{ task: "" }, `task: ${notEmpty}`],
  [{ task: " \n\t" }, `task: ${notEmpty}`],
  [{ task: null }, `task: ${textIsWanted}`],
  [{ task: ["a"] }, `task: ${textIsWanted}`],
  [{ task: halfAnOwl }, `task: ${wellFormed}`],
  [{ task, agentId: "" }, `agentId: ${notEmpty}`],
  [{ task, agentId: 7 }, `agentId: ${textIsWanted}`],
  [{ task, agentId: null }, `agentId: ${textIsWanted}`],
  [{ task, agentId: "a".repeat(65) }, "agentId: must have at most 64 characters"],
  [{ task, model: "" }, `model: ${notEmpty}`],
  [{ task, model: "  " }, `model: ${notEmpty}`],
  [{ task, model: 5 }, `model: ${textIsWanted}`],
  [{ task, model: "m".repeat(129) }, "model: must have at most 128 characters"],
  [{ task, model: halfAnOwl }, `model: ${wellFormed}`],
  [{ task, label: 1 }, `label: ${textIsWanted}`],
  [{ task, label: "x".repeat(65) }, "label: must have at most 64 characters"],
  [{ task, label: halfAnOwl }, `label: ${wellFormed}`],
  [{ task, timeoutSeconds: "60" }, "timeoutSeconds: must be an integer"],
  [{ task, timeoutSeconds: 1.5 }, "timeoutSeconds: must be an integer"],
  [{ task, timeoutSeconds: -1 }, "timeoutSeconds: must be 0 (none) or more"],
  [{ task, timeoutSeconds: maxTimeoutSeconds + 1 }, `timeoutSeconds: must be at most ${maxTimeoutSeconds}`],
  [{ task, timeoutSeconds: null }, "timeoutSeconds: must be an integer"],
  [{ task, runTimeoutSeconds: true }, "runTimeoutSeconds: must be an integer"],
  [{ task, timeoutSeconds: 60, runTimeoutSeconds: 61 }, "runTimeoutSeconds: disagrees with timeoutSeconds"],
  [{ task, timeoutSeconds: 0, runTimeoutSeconds: 60 }, "runTimeoutSeconds: disagrees with timeoutSeconds"],
  [{ task, routing: "fast" }, 'routing: must be "batch" or "realtime"'],
  [{ task, routing: true }, 'routing: must be "batch" or "realtime"'],
  [{ task, batch: "yes" }, "batch: must be true or false"],
  [{ task, batch: { enabled: true } }, "batch: must be true or false"],
  [{ task, routing: "batch", batch: false }, 'batch: disagrees with routing "batch"'],
  [{ task, routing: "realtime", batch: true }, 'batch: disagrees with routing "realtime"'],
  [{ task, onDeadline: "panic" }, 'onDeadline: must be "wait", "fallback" or "fail"'],
  [{ task, lane: "" }, `lane: ${notEmpty}`],
  [{ task, lane: 1 }, `lane: ${textIsWanted}`],
  [{ task, metadata: "a" }, "metadata: must be an object"],
  [{ task, metadata: null }, "metadata: must be an object"],
  [{ task, metadata: [1, 2] }, "metadata: must be an object"],
  [{ task, metadata: metadataOf(maxMetadataBytes + 1) }, "metadata: must be at most 4096 bytes of JSON"],
  [{ task, metadata: { owls: "🦉".repeat(1_025) } }, "metadata: must be at most 4096 bytes of JSON"],
  [{ task, timeout: 60 }, "timeout: unknown key"],
  [{ task, Task: task }, "Task: unknown key"],
  [{ task, idempotencyKey: "a" }, "idempotencyKey: unknown key"],
  [JSON.parse('{"task": "a", "__proto__": {}}'), "__proto__: unknown key"],
  [{ task, constructor: 1 }, "constructor: unknown key"],
];

describe("a body that may not be spawned", () => {
  it.each(bad.map(([body, said]) => ({ body, said, shown: JSON.stringify(body).slice(0, 80) })))(
    "$shown says $said",
    ({ body, said }) => {
      expect(problemsOf(body)).toEqual([said]);
    },
  );

  it("may nest its metadata ever so deep, and is told that it is too large", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const problems = problemsOf(JSON.parse(`{"task": "a", "metadata": {"deep": ${deep}}}`));
    expect(problems).toEqual(["metadata: must be at most 4096 bytes of JSON"]);
  });

  it("says all that is wrong at once", () => {
    const problems = problemsOf({ task: "", label: 1, lane: 2, timeout: 3, colour: 4 });
    expect(problems).toEqual([
      `task: ${notEmpty}`,
      `label: ${textIsWanted}`,
      `lane: ${textIsWanted}`,
      "timeout: unknown key",
      "colour: unknown key",
    ]);
  });
});

describe("any JSON at all", () => {
  it("is spawned or refused with a reason, and never throws", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        const parsed = parseSpawnBody(body);
        if (!parsed.ok) expect(parsed.problems.length).toBeGreaterThan(0);
        parseSpawnDetail(body);
      }),
    );
  });

  it("under the keys of a body names only keys that are there, or the task", () => {
    const keys = ["task", "agentId", "model", "label", "timeoutSeconds", "routing", "batch", "lane", "metadata", "x"];
    const anyBody = fc.dictionary(fc.constantFrom(...keys), fc.jsonValue());
    fc.assert(
      fc.property(anyBody, (body) => {
        const parsed = parseSpawnBody(body);
        if (parsed.ok) expect(parsed.value.task).toBe(body["task"]);
        else
          for (const { path } of parsed.problems)
            expect(["task", ...Object.keys(body)]).toContain(path.split(/[.[]/)[0]);
      }),
    );
  });
});

describe("the detail of an event on the bus", () => {
  it("is a body with a key of its own", () => {
    const parsed = parseSpawnDetail({ task, batch: true, idempotencyKey: "night-1" });
    expect(parsed).toEqual({ ok: true, value: { request: { task, mode: "batch" }, idempotencyKey: "night-1" } });
  });

  it("may leave the key to the id of the event", () => {
    expect(parseSpawnDetail({ task })).toEqual({ ok: true, value: { request: { task } } });
  });

  it.each(["", " ", "k".repeat(256), 7, null])("is refused for the key %j", (idempotencyKey) => {
    const message = "must have 1 to 255 characters";
    const problems = [{ path: "idempotencyKey", message }];
    expect(parseSpawnDetail({ task, idempotencyKey })).toEqual({ ok: false, problems });
  });

  it("is refused as a body is", () => {
    expect(parseSpawnDetail({ task, batch: true, routing: "realtime" })).toMatchObject({ ok: false });
    expect(parseSpawnDetail({ task: "", colour: 1 })).toMatchObject({
      problems: [{ path: "task" }, { path: "colour", message: "unknown key" }],
    });
    expect(parseSpawnDetail("task")).toMatchObject({ problems: [{ message: "must be a JSON object" }] });
  });
});
