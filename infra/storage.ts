import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, BillingMode, ProjectionType, Table } from "aws-cdk-lib/aws-dynamodb";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import { BlockPublicAccess, Bucket, BucketEncryption } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { Settings } from "./settings.ts";
import { type IndexDefinition, type KeyAttribute, tableDefinition } from "./table-definition.ts";

/** Longer than any result lives at Anthropic (29 days) and than manifests must be kept (35 days). */
const bodyDays = 90;

const readActions = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"];
/** What the parts of a transaction need as well: a transaction has no action of its own. */
const writeActions = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem"];

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
      lifecycleRules: [{ expiration: Duration.days(bodyDays), abortIncompleteMultipartUploadAfter: Duration.days(1) }],
      removalPolicy,
      autoDeleteObjects: !isKept,
    });
  }

  /** Read sessions, lists and bodies. */
  grantRead(reader: IGrantable): void {
    this.table.grant(reader, ...readActions);
    this.bucket.grantRead(reader);
  }

  /** Read and write all of it; no scan, no stream, no deletion of bodies, since no room does any. */
  grantReadWrite(writer: IGrantable): void {
    this.table.grant(writer, ...readActions, ...writeActions);
    this.bucket.grantRead(writer);
    this.bucket.grantPut(writer);
  }

  /** Count, and nothing else: an update returns the new figure, so that not even reading is needed. */
  grantCount(counter: IGrantable): void {
    this.table.grant(counter, "dynamodb:UpdateItem");
  }
}

function toAttribute({ name, type }: KeyAttribute): { name: string; type: AttributeType } {
  return { name, type: type === "N" ? AttributeType.NUMBER : AttributeType.STRING };
}
