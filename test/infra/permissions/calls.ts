/** What IAM decides about: an action, and the resource it is for, by the name this system has for it. */
export interface Permission {
  action: string;
  on: string;
}

/** One request of an AWS SDK client, as it goes over the wire. */
export interface WireCall {
  service: string;
  method: string;
  /** Of the service itself: `/bucket/key` for S3. */
  path: string;
  target: string;
  body: string;
}

/** As far as a body is looked at. */
interface Body {
  TableName?: string;
  IndexName?: string;
  QueueUrl?: string;
  SecretId?: string;
  RequestItems?: Record<string, unknown>;
  TransactItems?: Record<string, { TableName?: string }>[];
  Entries?: { EventBusName?: string }[];
  Statements?: { Statement?: string }[];
}

/** What AWS would ask IAM about this call. A call that is not known here throws: then nobody knows what it needs. */
export function permissionsFor(call: WireCall): Permission[] {
  const operation = call.target.replace(/^.*\./, "");
  const known = byService[call.service]?.(call, operation);
  if (known === undefined) throw new Error(`no permission is known for ${call.service} ${operation || call.method}`);
  return known;
}

type Known = (call: WireCall, operation: string) => Permission[] | undefined;

const byService: Record<string, Known> = {
  dynamodb(call, operation) {
    const body = parse(call);
    // A transaction has no action of its own, and a query of an index is about the index alone.
    if (operation === "TransactWriteItems")
      return (body.TransactItems ?? []).flatMap((item) =>
        Object.entries(item).map(([part, { TableName }]) => ({
          action: `dynamodb:${part === "ConditionCheck" ? "ConditionCheckItem" : `${part}Item`}`,
          on: `table ${TableName}`,
        })),
      );
    if (operation === "BatchGetItem")
      return Object.keys(body.RequestItems ?? {}).map((name) => ({
        action: "dynamodb:BatchGetItem",
        on: `table ${name}`,
      }));
    // Neither has a group of statements: each is asked about by itself.
    if (operation === "BatchExecuteStatement") return (body.Statements ?? []).map(permissionForStatement);
    const index = body.IndexName === undefined ? "" : `/index/${body.IndexName}`;
    return dynamoActions.includes(operation)
      ? [{ action: `dynamodb:${operation}`, on: `table ${body.TableName}${index}` }]
      : undefined;
  },
  sqs(call, operation) {
    const action = operation.replace(/Batch$/, "");
    const queue = (parse(call).QueueUrl ?? "").replace(/^.*\//, "");
    return sqsActions.includes(action) ? [{ action: `sqs:${action}`, on: `queue ${queue}` }] : undefined;
  },
  s3({ method, path }) {
    const action = { GET: "s3:GetObject", PUT: "s3:PutObject" }[method];
    const [, bucket, key] = /^\/([^/]+)\/(.+)$/.exec(path) ?? [];
    return action === undefined || key === undefined ? undefined : [{ action, on: `bucket ${bucket}/*` }];
  },
  events(call, operation) {
    const buses = new Set((parse(call).Entries ?? []).map(({ EventBusName = "default" }) => EventBusName));
    if (operation !== "PutEvents") return undefined;
    return [...buses].map((bus) => ({ action: "events:PutEvents", on: `bus ${bus}` }));
  },
  secretsmanager(call, operation) {
    if (operation !== "GetSecretValue") return undefined;
    return [{ action: "secretsmanager:GetSecretValue", on: `secret ${parse(call).SecretId}` }];
  },
};

function permissionForStatement({ Statement = "" }: { Statement?: string }): Permission {
  const [, verb = "", table] = /^(INSERT INTO|UPDATE) "([^"]+)"/.exec(Statement) ?? [];
  const action = { "INSERT INTO": "dynamodb:PartiQLInsert", UPDATE: "dynamodb:PartiQLUpdate" }[verb];
  if (action === undefined) throw new Error(`no permission is known for the statement ${Statement}`);
  return { action, on: `table ${table}` };
}

const dynamoActions = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"];
const sqsActions = ["SendMessage", "ReceiveMessage", "DeleteMessage"];

function parse({ body }: WireCall): Body {
  return JSON.parse(body);
}
