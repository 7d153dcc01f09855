import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { bodyStore } from "../../../functions/store/bodies.ts";
import { memoryObjects } from "../../support/memory-services.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

const path = "results/01KAJ8Z3M4N5P6Q7R8S9T0V1W2";
const folder = { path };

describe("a body", () => {
  const open = () => {
    const objects = memoryObjects();
    const clock = virtualClock();
    return { objects, clock, bodies: bodyStore(objects, clock) };
  };

  it.each([
    ["nothing", "", "text"],
    ["little", "ü".repeat(512), "text"],
    ["more", "ü🌙\n".repeat(1_000), "gzip"],
    ["much that compresses well", "x".repeat(5_000_000), "gzip"],
    ["much that does not", randomBytes(400_000).toString("base64"), "object"],
  ])("comes back as it was: %s", async (_name, text, kind) => {
    const { bodies } = open();
    const packed = await bodies.pack(text, folder);
    expect(packed.kind).toBe(kind);
    expect(await bodies.unpack(packed)).toBe(text);
  });

  it("takes no object where it fits an item, and one where it does not", async () => {
    const { objects, bodies } = open();
    await bodies.pack("x".repeat(100_000), folder);
    expect(objects.keys()).toEqual([]);
    const text = randomBytes(400_000).toString("base64");
    await bodies.pack(text, folder);
    expect(objects.keys()).toEqual([expect.stringMatching(new RegExp(`^${path}/[0-9a-f]{64}\\.gz$`))]);
  });

  it("packed again is the same object, and another body is another", async () => {
    const { objects, bodies } = open();
    const text = randomBytes(400_000).toString("base64");
    expect(await bodies.pack(text, folder)).toEqual(await bodies.pack(text, folder));
    await bodies.pack(`${text}.`, folder);
    expect(objects.keys()).toHaveLength(2);
  });

  it("that came with many others shares an object with them, and each comes back as it was", async () => {
    const { objects, bodies } = open();
    const texts = ["short", ...Array.from({ length: 20 }, () => randomBytes(1_000).toString("base64")), ""];
    const packed = await bodies.packTogether(texts, folder);
    expect(objects.keys()).toHaveLength(1);
    expect(packed.map(({ kind }) => kind)).toEqual(["text", ...Array.from({ length: 20 }, () => "part"), "text"]);
    for (const [index, one] of packed.entries()) expect(await bodies.unpack(one)).toBe(texts[index]);
  });

  it("is read with all others of its object at once, and only once", async () => {
    const { objects, bodies } = open();
    const texts = Array.from({ length: 20 }, () => randomBytes(1_000).toString("base64"));
    const packed = await bodies.packTogether(texts, folder);
    let reads = 0;
    const get = (key: string) => {
      reads += 1;
      return objects.get(key);
    };
    const counted = bodyStore({ ...objects, get }, virtualClock());
    expect(await Promise.all(packed.map((one) => counted.unpack(one)))).toEqual(texts);
    expect(await counted.unpack(packed[7])).toBe(texts[7]);
    expect(reads).toBe(1);
  });

  it("is read again where the bucket did not answer", async () => {
    const { objects, bodies } = open();
    const texts = Array.from({ length: 20 }, () => randomBytes(1_000).toString("base64"));
    const [first] = await bodies.packTogether(texts, folder);
    let isAway = true;
    const away = { ...objects, get: (key: string) => (isAway ? Promise.reject(new Error("away")) : objects.get(key)) };
    const store = bodyStore(away, virtualClock());
    await expect(store.unpack(first)).rejects.toThrow("away");
    isAway = false;
    expect(await store.unpack(first)).toBe(texts[0]);
  });

  it("shares none with so few that items are cheaper", async () => {
    const { objects, bodies } = open();
    const packed = await bodies.packTogether(["x".repeat(5_000), "y".repeat(5_000)], folder);
    expect(packed.map(({ kind }) => kind)).toEqual(["gzip", "gzip"]);
    expect(objects.keys()).toEqual([]);
  });

  it.each([
    [1, "30-days"],
    [30, "30-days"],
    [30.1, "60-days"],
    [120, "120-days"],
    [395, "420-days"],
    [-3, "30-days"],
  ])("that is needed for %f days lies where nothing is removed before", async (days, step) => {
    const { objects, bodies, clock } = open();
    const expiresAt = clock.now() / 1000 + days * 24 * 3600;
    await bodies.pack(randomBytes(400_000).toString("base64"), { path, expiresAt });
    expect(objects.keys()).toEqual([expect.stringMatching(new RegExp(`^${step}/${path}/`))]);
  });

  it("whose object is missing is an error, never an empty text", async () => {
    for (const place of [{ kind: "object" }, { kind: "part", from: 0, to: 9 }]) {
      const packed = { ...place, key: `${path}/gone.gz` };
      await expect(open().bodies.unpack(packed)).rejects.toMatchObject({ name: "CorruptRecordError" });
    }
  });

  it.each([undefined, null, "text", {}, { kind: "text" }, { kind: "zip", bytes: "x" }, { kind: "gzip", bytes: "x" }])(
    "that is none of these is named as corrupt: %o",
    async (packed) => {
      await expect(open().bodies.unpack(packed)).rejects.toMatchObject({ name: "CorruptRecordError" });
    },
  );
});
