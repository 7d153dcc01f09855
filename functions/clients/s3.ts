import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";

/** Large bodies, by key. */
export interface Objects {
  /** Idempotent: the key is made from the content. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** @throws when the object is missing */
  get(key: string): Promise<Uint8Array>;
}

export function s3Objects(Bucket: string): Objects {
  const client = new S3Client({
    maxAttempts: 5,
    forcePathStyle: true,
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 30_000, throwOnRequestTimeout: true },
  });
  return {
    async put(Key, Body) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: "application/gzip" }));
    },
    async get(Key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      if (Body === undefined) throw new Error(`object ${Key} has no body`);
      return Body.transformToByteArray();
    },
  };
}
