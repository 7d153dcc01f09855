import { CfnResource, Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { AttributeType, BillingMode, ProjectionType, Table } from "aws-cdk-lib/aws-dynamodb";
import { Grant, type IGrantable } from "aws-cdk-lib/aws-iam";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { BlockPublicAccess, Bucket, BucketEncryption } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { bodyStepDays, maxBodyDays } from "../functions/domain/limits.ts";
import { acknowledge, acknowledgeLogs, acknowledgeWildcard } from "./acknowledge.ts";
import type { Settings } from "./settings.ts";
import { type IndexDefinition, type KeyAttribute, tableDefinition } from "./table-definition.ts";

/** The folders that bodies are put in, each by how long they are needed at most; see `store/bodies.ts`. */
const bodyFolders = Array.from({ length: maxBodyDays / bodyStepDays }, (_, step) => (step + 1) * bodyStepDays);

/** What a room does with what is stored, and no more: a test holds it against the calls of a recorded run. */
export interface StorageGrant {
  /** Actions on the items of the table. A transaction has none of its own: its parts are these. */
  items: readonly (
    | "GetItem"
    | "BatchGetItem"
    | "Query"
    | "PutItem"
    | "UpdateItem"
    | "DeleteItem"
    // What a group of statements is allowed by.
    | "PartiQLInsert"
    | "PartiQLUpdate"
  )[];
  /** Indexes that it queries. */
  indexes?: readonly (typeof tableDefinition.indexes)[number]["name"][];
  bodies?: readonly ("read" | "write")[];
}

/** The table of small facts, and the bucket for bodies too large for an item. */
export class Storage extends Construct {
  readonly table: Table;
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { stage, withoutIndex }: Pick<Settings, "stage" | "withoutIndex">) {
    super(scope, id);
    const isKept = stage === "prod";
    const removalPolicy = isKept ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    this.table = new Table(this, "Table", {
      partitionKey: toAttribute(tableDefinition.partition),
      sortKey: toAttribute(tableDefinition.sort),
      billingMode: BillingMode.PAY_PER_REQUEST,
      // Encrypted with the key that AWS keeps for the service: one of the account would be one more thing to lose, and to pay.
      timeToLiveAttribute: tableDefinition.timeToLive,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: isKept,
      removalPolicy,
    });
    const indexes: readonly IndexDefinition[] = tableDefinition.indexes;
    for (const { name, partition, sort, includes } of indexes.filter(({ name }) => name !== withoutIndex)) {
      this.table.addGlobalSecondaryIndex({
        indexName: name,
        partitionKey: toAttribute(partition),
        sortKey: toAttribute(sort),
        ...(includes === undefined
          ? { projectionType: ProjectionType.KEYS_ONLY }
          : { projectionType: ProjectionType.INCLUDE, nonKeyAttributes: [...includes] }),
      });
    }
    this.bucket = new Bucket(this, "Bodies", {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      // No versions: a body never changes, and what has gone is to be gone.
      versioned: false,
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter: Duration.days(1) },
        ...bodyFolders.map((days) => ({ prefix: `${days}-days/`, expiration: Duration.days(days + 1) })),
      ],
      removalPolicy,
      autoDeleteObjects: !isKept,
    });
    if (!isKept) this.ownEmptier();
    this.acknowledgeFindings();
  }

  private acknowledgeFindings(): void {
    acknowledge(
      this.table,
      "Encrypted with DynamoDB's own key: one of KMS costs each call, and guards against nobody else.",
      ["cdk-validator-cfnguard::dynamodb_table_encrypted_kms_check"],
    );
    acknowledge(
      this.bucket,
      "Encrypted with S3's own key: one of KMS costs each call, and guards against nobody else.",
      ["cdk-validator-cfnguard::s3_bucket_default_encryption_kms_check"],
    );
    acknowledge(
      this.bucket,
      "A key is the hash of its object, which is written once, never changed, and gone after its days: no version could be older.",
      [
        "cdk-validator-cfnguard::s3_bucket_versioning_enabled_check",
        "cdk-validator-cfnguard::s3_bucket_object_lock_enabled_check",
      ],
    );
    acknowledge(
      this.bucket,
      "Only the functions come here, each with its own role; CloudTrail has data events for whoever asks more.",
      [
        "AwsSolutions::AwsSolutions-S1",
        "cdk-validator-cfnguard::s3_bucket_logging_enabled_check",
        "cdk-validator-cfnguard::s3_event_notifications_enabled_check",
      ],
    );
    acknowledgeWildcard(
      this.bucket,
      "/*",
      "Bodies lie under the hash of their text: no role can know them by name beforehand.",
    );
  }

  grant(grantee: IGrantable, { items, indexes = [], bodies = [] }: StorageGrant): void {
    const { tableArn } = this.table;
    const actions = items.map((action) => `dynamodb:${action}`);
    Grant.addToPrincipal({ grantee, actions, resourceArns: [tableArn] });
    for (const index of indexes) {
      Grant.addToPrincipal({ grantee, actions: ["dynamodb:Query"], resourceArns: [`${tableArn}/index/${index}`] });
    }
    const { bucketArn } = this.bucket;
    const objects = [this.bucket.arnForObjects("*")];
    if (bodies.includes("write")) Grant.addToPrincipal({ grantee, actions: ["s3:PutObject"], resourceArns: objects });
    if (!bodies.includes("read")) return;
    Grant.addToPrincipal({ grantee, actions: ["s3:GetObject"], resourceArns: objects });
    // No room lists. But without it S3 answers 403 for a body that is gone, which would look like S3 being away for ever.
    Grant.addToPrincipal({ grantee, actions: ["s3:ListBucket"], resourceArns: [bucketArn] });
  }

  /** One action, and only where the partition is one of these. @param partitions keys, `*` standing for any text */
  grantPartitions(grantee: IGrantable, action: `dynamodb:${string}`, partitions: readonly string[]): void {
    const conditions = { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": partitions } };
    Grant.addToPrincipal({ grantee, actions: [action], resourceArns: [this.table.tableArn], conditions });
  }

  /** CDK's own function, which empties the bucket, would log into a group that outlives the stack, for ever. */
  private ownEmptier(): void {
    const emptier = Stack.of(this).node.findChild("Custom::S3AutoDeleteObjectsCustomResourceProvider");
    const handler = emptier.node.findChild("Handler");
    if (!CfnResource.isCfnResource(handler)) throw new TypeError("CDK's function is no resource");
    const logs = new LogGroup(this, "EmptierLogs", {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    handler.addPropertyOverride("LoggingConfig", { LogGroup: logs.logGroupName });
    acknowledgeLogs(logs);
    acknowledge(
      emptier,
      "CDK's own, which empties the bucket of a stage that goes: it calls S3 alone, outside of any VPC.",
      ["cdk-validator-cfnguard::lambda_inside_vpc_check"],
    );
  }
}

function toAttribute({ name, type }: KeyAttribute): { name: string; type: AttributeType } {
  return { name, type: type === "N" ? AttributeType.NUMBER : AttributeType.STRING };
}
