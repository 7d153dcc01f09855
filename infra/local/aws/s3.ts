import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { type LocalRequest, type LocalServer, type Reply, serve } from "./http.ts";
import { AwsFault } from "./protocol.ts";
import { type ObjectFacts, type ObjectStore, openObjectStore } from "./s3-store.ts";

/** What S3 keeps of a PUT's headers and gives back on a read. */
const keptHeaders =
  /^(content-type|content-encoding|content-language|content-disposition|cache-control|expires|x-amz-meta-.+)$/;

const dayMs = 24 * 3_600_000;

/** Asked for by header, not done here: refused, so that nobody takes the plain answer for the one asked for. */
const refusedHeaders = ["range", "x-amz-copy-source", "x-amz-trailer", "x-amz-write-offset-bytes"];

/**
 * S3 on disk, path style: create and head a bucket; put, get, head and delete an object, with `If-Match` and `If-None-Match`.
 * Everything else (lists, multipart, versions, ranges) is answered 501 NotImplemented.
 */
export async function startS3(
  path: string,
  deps: { now: () => number; log: (line: string) => void },
): Promise<LocalServer> {
  const store = openObjectStore(path, deps);
  store.expire();
  const daily = setInterval(store.expire, dayMs).unref();
  const server = await serve((request) => answer(request, store), deps.log);
  const end = () => {
    clearInterval(daily);
    store.close();
  };
  return { url: server.url, close: () => server.close().finally(end) };
}

function answer(request: LocalRequest, store: ObjectStore): Reply {
  try {
    const [, bucket = "", ...rest] = request.path.split("/");
    const key = decodeKey(rest.join("/"));
    checkEmulated(request, bucket);
    return key === "" ? onBucket(request, bucket, store) : onObject(request, { bucket, key }, store);
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
    const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${error.code}</Code><Message>${error.message}</Message></Error>`;
    return { status: error.status, headers: { "content-type": "application/xml" }, body };
  }
}

function decodeKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw new AwsFault("InvalidURI", "Couldn't parse the specified URI.");
  }
}

function checkEmulated(request: LocalRequest, bucket: string): void {
  const parameter = [...request.query.keys()].find((name) => name !== "x-id");
  const header = refusedHeaders.find((name) => request.header(name) !== undefined);
  if (bucket === "" || parameter !== undefined || header !== undefined) {
    throw new AwsFault("NotImplemented", "This request is not emulated here.", { status: 501 });
  }
}

function onBucket(request: LocalRequest, bucket: string, store: ObjectStore): Reply {
  if (request.method === "PUT") {
    store.createBucket(bucket);
    return { status: 200, headers: { location: `/${bucket}` } };
  }
  if (request.method !== "HEAD") throw new AwsFault("NotImplemented", "Not emulated here.", { status: 501 });
  checkBucket(store, bucket);
  return { status: 200 };
}

function onObject(request: LocalRequest, at: { bucket: string; key: string }, store: ObjectStore): Reply {
  checkBucket(store, at.bucket);
  const facts = store.facts(at.bucket, at.key);
  switch (request.method) {
    case "PUT":
      checkPrecondition(request, facts);
      checkDigests(request);
      return {
        status: 200,
        headers: { etag: store.put(at.bucket, at.key, { body: request.body, headers: kept(request) }) },
      };
    case "GET":
    case "HEAD":
      return read(request, at, store, facts);
    case "DELETE":
      store.remove(at.bucket, at.key);
      return { status: 204 };
    default:
      throw new AwsFault("MethodNotAllowed", "The specified method is not allowed.", { status: 405 });
  }
}

function read(
  request: LocalRequest,
  at: { bucket: string; key: string },
  store: ObjectStore,
  facts: ObjectFacts | undefined,
): Reply {
  if (facts === undefined) throw new AwsFault("NoSuchKey", "The specified key does not exist.", { status: 404 });
  const headers = {
    ...facts.headers,
    etag: facts.etag,
    "last-modified": new Date(facts.modified_at).toUTCString(),
    "content-length": String(facts.bytes),
  };
  if (request.header("if-none-match") === facts.etag) return { status: 304, headers: { etag: facts.etag } };
  const wanted = request.header("if-match");
  if (wanted !== undefined && wanted !== facts.etag) throw preconditionFailed();
  return request.method === "HEAD"
    ? { status: 200, headers }
    : { status: 200, headers, body: store.body(at.bucket, at.key) };
}

/** "Conditional writes", S3 user guide: `If-None-Match` takes only `*`; `If-Match` on nothing is 404. */
function checkPrecondition(request: LocalRequest, facts: ObjectFacts | undefined): void {
  const noneMatch = request.header("if-none-match");
  if (noneMatch !== undefined && noneMatch !== "*") {
    throw new AwsFault("NotImplemented", "If-None-Match takes only the value * here.", { status: 501 });
  }
  if (noneMatch === "*" && facts !== undefined) throw preconditionFailed();
  const match = request.header("if-match");
  if (match === undefined) return;
  if (facts === undefined) throw new AwsFault("NoSuchKey", "The specified key does not exist.", { status: 404 });
  if (match !== facts.etag) throw preconditionFailed();
}

/** The SDK sends a CRC32 with every buffered body; one that does not fit means the body was cut or changed on the way. */
function checkDigests(request: LocalRequest): void {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(request.body));
  const expectedCrc = request.header("x-amz-checksum-crc32");
  const expectedMd5 = request.header("content-md5");
  const crcDiffers = expectedCrc !== undefined && expectedCrc !== sum.toString("base64");
  const md5Differs =
    expectedMd5 !== undefined && expectedMd5 !== createHash("md5").update(request.body).digest("base64");
  if (crcDiffers || md5Differs) throw new AwsFault("BadDigest", "The body does not match the digest sent with it.");
}

function checkBucket(store: ObjectStore, bucket: string): void {
  if (store.hasBucket(bucket)) return;
  throw new AwsFault("NoSuchBucket", "The specified bucket does not exist.", { status: 404 });
}

function preconditionFailed(): AwsFault {
  const message = "At least one of the pre-conditions you specified did not hold";
  return new AwsFault("PreconditionFailed", message, { status: 412 });
}

function kept(request: LocalRequest): Record<string, string> {
  return Object.fromEntries(Object.entries(request.headers).filter(([name]) => keptHeaders.test(name)));
}
