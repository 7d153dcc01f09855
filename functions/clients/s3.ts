import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { boundedRequests } from "./request-handler.ts";

/** Large bodies, by key. */
export interface Objects {
  /** Idempotent: the key is made from the content. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** `undefined` when there is no such object. */
  get(key: string): Promise<Uint8Array | undefined>;
}

export function s3Objects(Bucket: string): Objects {
  const client = new S3Client({
    maxAttempts: 5,
    forcePathStyle: true,
    requestHandler: boundedRequests(30_000),
  });
  return {
    async put(Key, Body) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: "application/gzip" }));
    },
    async get(Key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
        return new Uint8Array((await Body?.transformToByteArray()) ?? []);
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
  };
}
