import { DynamoDBServiceException } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import { isAway, NotTakenError } from "../../../functions/clients/away.ts";

const answered = (name: string, $fault: "client" | "server") =>
  new DynamoDBServiceException({ name, $fault, $metadata: { httpStatusCode: 400 }, message: name });

describe("an error is nobody's fault", () => {
  it.each([
    ["a connection that was lost", Object.assign(new Error("ECONNRESET"), { $metadata: { attempts: 5 } })],
    ["a service that failed", answered("InternalServerError", "server")],
    ["a service that has too much to do", answered("ThrottlingException", "client")],
    ["a role that may not, for now", answered("AccessDeniedException", "client")],
    ["messages that were not taken", new NotTakenError("2 messages were not taken")],
  ])("%s", (_name, error) => {
    expect(isAway(error)).toBe(true);
  });
});

describe("an error may be the fault of what was handled", () => {
  it.each([
    ["an exception of our own", new TypeError("undefined is not a function")],
    ["a text that is too long for the machine", new RangeError("Invalid string length")],
    ["a call that the service finds wrong", answered("ValidationException", "client")],
    ["a body that is gone", answered("NoSuchKey", "client")],
    ["what is not even an error", "no"],
  ])("%s", (_name, error) => {
    expect(isAway(error)).toBe(false);
  });
});
