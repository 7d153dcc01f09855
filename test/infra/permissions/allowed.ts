import type { Template } from "aws-cdk-lib/assertions";
import type { Room } from "../../../infra/bundle.ts";
import { allowedTo } from "../support.ts";
import type { Permission } from "./calls.ts";

/** What the recording calls a resource, by the beginning of its logical id. */
const names: readonly [RegExp, (found: string) => string][] = [
  [/^StorageTable/, () => "table offpeak"],
  [/^StorageBodies/, () => "bucket offpeak"],
  [/^QueuesRealtimeQueue/, () => "queue offpeak-realtime"],
  [/^QueuesLane(\w+?)Queue/, (lane) => `queue offpeak-${lane}`],
  [/^SpawnDeadLetters/, () => "queue of spawn's dead letters"],
  [/^SecretsApiKey/, () => "secret api-key"],
  [/^SecretsToken/, () => "secret token"],
  [/^Bus/, () => "bus offpeak"],
  [/^\w+RoomLogs/, () => "its log group"],
];

/** What the role of a room's function allows, by the names that the recording uses. */
export function allowedBy(template: Template, room: Room): Permission[] {
  return allowedTo(template, room).flatMap(({ action, on }) =>
    [JSON.parse(on)].flat().map((resource) => ({ action, on: nameOf(resource) })),
  );
}

function nameOf(resource: unknown): string {
  const text = render(resource);
  const [, secret] = /:secret:(.+)-\?{6}$/.exec(text) ?? [];
  return secret === undefined ? text : `secret ${secret}`;
}

/** An ARN as text, each reference in it by its name. */
function render(part: unknown): string {
  if (typeof part === "string") return part;
  if (Array.isArray(part)) return part.map(render).join("");
  const [[key, value] = ["", undefined]] = Object.entries(part as object);
  if (key === "Fn::Join") return render((value as unknown[])[1]);
  if (key === "Fn::GetAtt") return nameById(String((value as unknown[])[0]));
  if (key === "Ref") return nameById(String(value));
  throw new Error(`a resource that cannot be read: ${JSON.stringify(part)}`);
}

function nameById(id: string): string {
  for (const [pattern, name] of names) {
    const found = pattern.exec(id);
    if (found !== null) return name(found[1] ?? "");
  }
  return id.startsWith("AWS::") ? id : `unknown ${id}`;
}
