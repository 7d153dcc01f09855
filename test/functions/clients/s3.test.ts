import { S3Client } from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, it } from "vitest";
import { type Objects, s3Objects } from "../../../functions/clients/s3.ts";
import { createBucket } from "../../../infra/local/aws/infrastructure.ts";
import { useLocalAws } from "../../support/local-aws.ts";
import { memoryObjects } from "../../support/memory-services.ts";

useLocalAws();

const services: [string, () => Promise<Objects>][] = [
  ["in memory", async () => memoryObjects()],
  [
    "in S3",
    async () => {
      await createBucket("bodies", { s3: new S3Client({ forcePathStyle: true }) });
      return s3Objects("bodies");
    },
  ],
];

describe.each(services)("the objects %s", (_, open) => {
  let objects: Objects;
  beforeAll(async () => {
    objects = await open();
  });

  it("give back every byte", async () => {
    const bytes = Uint8Array.from({ length: 1_000 }, (_none, index) => index % 256);
    await objects.put("results/A/all.gz", bytes);
    expect(await objects.get("results/A/all.gz")).toEqual(bytes);
  });

  it("may be put again, and are what they were", async () => {
    const bytes = new Uint8Array([1, 2, 3]);
    await objects.put("requests/A/twice.gz", bytes);
    await objects.put("requests/A/twice.gz", bytes);
    expect(await objects.get("requests/A/twice.gz")).toEqual(bytes);
  });

  it("are copies: what is changed afterwards changes nothing", async () => {
    const bytes = new Uint8Array([1]);
    await objects.put("requests/A/copy.gz", bytes);
    bytes[0] = 2;
    const read = await objects.get("requests/A/copy.gz");
    read?.fill(3);
    expect(await objects.get("requests/A/copy.gz")).toEqual(new Uint8Array([1]));
  });

  it("are told apart from those that are missing", async () => {
    expect(await objects.get("requests/A/never.gz")).toBeUndefined();
  });
});
