import { join } from "node:path";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { describe, expect, it, onTestFinished } from "vitest";
import { startS3 } from "../../../../infra/local/aws/s3.ts";
import { clientOptions, temporaryHome, testDeps } from "./support.ts";

async function setUp(home = temporaryHome()) {
  const server = await startS3(join(home, "s3.sqlite"), testDeps());
  const s3 = new S3Client({ ...clientOptions, endpoint: server.url });
  const stop = async () => {
    s3.destroy();
    await server.close();
  };
  await s3.send(new CreateBucketCommand({ Bucket: "bodies" }));
  return { s3, stop, home, url: server.url };
}

async function running(home?: string) {
  const context = await setUp(home);
  onTestFinished(context.stop);
  return context;
}

const at = (Key: string) => ({ Bucket: "bodies", Key });
const status = (httpStatusCode: number) => ({ $metadata: { httpStatusCode } });

describe("an object", () => {
  it("comes back as it was put, with its headers, whatever its key", async () => {
    const { s3 } = await running();
    const Body = Buffer.from([0, 1, 255]);
    const Key = "a/../b c/é%+~.gz";
    await s3.send(
      new PutObjectCommand({ ...at(Key), Body, ContentType: "x/y", ContentEncoding: "gzip", Metadata: { turn: "2" } }),
    );
    const got = await s3.send(new GetObjectCommand(at(Key)));
    expect(Buffer.from(await got.Body!.transformToByteArray())).toEqual(Body);
    expect(got).toMatchObject({
      ContentType: "x/y",
      ContentEncoding: "gzip",
      Metadata: { turn: "2" },
      ContentLength: 3,
    });
    const head = await s3.send(new HeadObjectCommand(at(Key)));
    expect(head).toMatchObject({ ETag: got.ETag, ContentLength: 3, LastModified: new Date("2026-01-02T03:04:05Z") });
  });

  it("is written once under If-None-Match", async () => {
    const { s3 } = await running();
    await s3.send(new PutObjectCommand({ ...at("once"), Body: "first", IfNoneMatch: "*" }));
    const again = s3.send(new PutObjectCommand({ ...at("once"), Body: "second", IfNoneMatch: "*" }));
    await expect(again).rejects.toMatchObject({ name: "PreconditionFailed", ...status(412) });
    const got = await s3.send(new GetObjectCommand(at("once")));
    expect(await got.Body!.transformToString()).toBe("first");
  });

  it("is replaced under If-Match only by who knows its ETag", async () => {
    const { s3 } = await running();
    const { ETag } = await s3.send(new PutObjectCommand({ ...at("o"), Body: "first" }));
    await s3.send(new PutObjectCommand({ ...at("o"), Body: "second", IfMatch: ETag! }));
    const stale = s3.send(new PutObjectCommand({ ...at("o"), Body: "third", IfMatch: ETag! }));
    await expect(stale).rejects.toMatchObject(status(412));
  });

  it("is gone when deleted, and deleting it again is no error", async () => {
    const { s3 } = await running();
    await s3.send(new PutObjectCommand({ ...at("o"), Body: "x" }));
    await s3.send(new DeleteObjectCommand(at("o")));
    await s3.send(new DeleteObjectCommand(at("o")));
    await expect(s3.send(new GetObjectCommand(at("o")))).rejects.toBeInstanceOf(NoSuchKey);
    await expect(s3.send(new HeadObjectCommand(at("o")))).rejects.toMatchObject(status(404));
  });

  it("is there after a restart", async () => {
    const first = await setUp();
    await first.s3.send(new PutObjectCommand({ ...at("o"), Body: "kept" }));
    await first.stop();
    const { s3 } = await running(first.home);
    const got = await s3.send(new GetObjectCommand(at("o")));
    expect(await got.Body!.transformToString()).toBe("kept");
  });
});

describe("an object in a folder of so many days", () => {
  it("is gone a day after them, counted from when it was put last; one elsewhere stays", async () => {
    const home = temporaryHome();
    const deps = testDeps();
    const days = (count: number) => deps.pass(count * 24 * 3600);
    const start = async () => {
      const server = await startS3(join(home, "s3.sqlite"), deps);
      const s3 = new S3Client({ ...clientOptions, endpoint: server.url });
      const put = (key: string) => s3.send(new PutObjectCommand({ ...at(key), Body: "text" }));
      const isThere = (key: string) =>
        s3.send(new HeadObjectCommand(at(key))).then(
          () => true,
          () => false,
        );
      const stop = async () => {
        s3.destroy();
        await server.close();
      };
      return { s3, put, isThere, stop };
    };
    const first = await start();
    await first.s3.send(new CreateBucketCommand({ Bucket: "bodies" }));
    for (const key of ["30-days/results/a", "30-days/results/again", "60-days/results/a", "usage/a"])
      await first.put(key);
    days(20);
    await first.put("30-days/results/again");
    await first.stop();
    days(11.1);
    const second = await start();
    expect(await second.isThere("30-days/results/a")).toBe(false);
    expect(await second.isThere("30-days/results/again")).toBe(true);
    await second.stop();
    days(400);
    const third = await start();
    expect(await third.isThere("60-days/results/a")).toBe(false);
    expect(await third.isThere("usage/a")).toBe(true);
    await third.stop();
  });
});

describe("S3 refuses", () => {
  it("a body that does not match its checksum", async () => {
    const { url } = await running();
    const headers = { "x-amz-checksum-crc32": "AAAAAA==" };
    const answer = await fetch(`${url}/bodies/o`, { method: "PUT", body: "x", headers });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("BadDigest")]);
  });

  it("a bucket it does not have", async () => {
    const { s3 } = await running();
    await expect(s3.send(new HeadBucketCommand({ Bucket: "none" }))).rejects.toMatchObject(status(404));
    const put = new PutObjectCommand({ Bucket: "none", Key: "o", Body: "x" });
    await expect(s3.send(put)).rejects.toMatchObject({ name: "NoSuchBucket" });
  });

  it("what it does not emulate, instead of answering something else", async () => {
    const { s3 } = await running();
    await s3.send(new PutObjectCommand({ ...at("o"), Body: "0123456789" }));
    const range = s3.send(new GetObjectCommand({ ...at("o"), Range: "bytes=0-3" }));
    await expect(range).rejects.toMatchObject({ name: "NotImplemented", ...status(501) });
    await expect(s3.send(new ListObjectsV2Command({ Bucket: "bodies" }))).rejects.toMatchObject(status(501));
  });

  it("a malformed percent-encoding, without a 5xx", async () => {
    const { url } = await running();
    expect((await fetch(`${url}/bodies/%E0%A4%A`)).status).toBe(400);
  });

  it("a caller that came by another name than this machine's", async () => {
    const { url } = await running();
    const { request } = await import("node:http");
    const answered = new Promise((resolve) => {
      request(`${url}/bodies/o`, { headers: { host: "evil.example" } }, (answer) => resolve(answer.statusCode)).end();
    });
    expect(await answered).toBe(403);
  });
});
