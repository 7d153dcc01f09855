import { SecretValue } from "aws-cdk-lib";
import { Grant, type IGrantable } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { type ISecret, Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import { type Config, identityAudience, noKey } from "../functions/domain/config/index.ts";
import { identitySeconds } from "../functions/domain/limits.ts";
import { acknowledge } from "./acknowledge.ts";

/** Anthropic answers it with 401, which parks the lanes with that reason until the key is there. */
const missingKey = "put-your-anthropic-api-key-here";
/** 40 letters and digits: 238 bits, and nothing that a shell or a header would need quoted. */
const tokenCharacters = 40;

/** The bearer token of the HTTP API and the keys of Anthropic's; their values are in no template and no environment. */
export class Secrets extends Construct {
  /** None where the functions are let in by a federation. */
  readonly apiKey: Secret | undefined;
  readonly token: Secret;
  /** The roles that Anthropic's rule has to know, as far as they were granted. */
  readonly federatedRoles: string[] = [];
  private readonly laneKeys: readonly ISecret[];

  constructor(scope: Construct, id: string, { lanes, federation }: Pick<Config, "lanes" | "federation">) {
    super(scope, id);
    this.apiKey = federation === undefined ? this.ownKey() : undefined;
    this.token = new Secret(this, "Token", {
      description: "Bearer token of Offpeak's HTTP API.",
      generateSecretString: { passwordLength: tokenCharacters, excludePunctuation: true },
    });
    acknowledge(
      this,
      "Neither can be changed by AWS alone: the key is Anthropic's, the token is with callers. RUNBOOK.md says how.",
      ["AwsSolutions::AwsSolutions-SMG4"],
    );
    const names = new Set(lanes.flatMap(({ apiKeySecret }) => (apiKeySecret === undefined ? [] : [apiKeySecret])));
    this.laneKeys = [...names].map((name) => this.laneKey(name));
  }

  /** What the functions that call Anthropic have in their environment. */
  get apiKeyName(): string {
    return this.apiKey?.secretArn ?? noKey;
  }

  /** Every key of Anthropic's that a lane may ask for, or a proof of who the function is, for Anthropic alone. */
  grantReadApiKeys(reader: IFunction): void {
    for (const key of this.laneKeys) grantValue(reader, key);
    if (this.apiKey !== undefined) {
      grantValue(reader, this.apiKey);
      return;
    }
    grantProof(reader);
    if (reader.role === undefined) return;
    this.federatedRoles.push(reader.role.roleArn);
    acknowledge(
      reader.role,
      "AWS signs who somebody is for no resource: whom it is for, and for how long, is bounded.",
      ["AwsSolutions::AwsSolutions-IAM5[Resource::*]"],
    );
  }

  private ownKey(): Secret {
    return new Secret(this, "ApiKey", {
      description: "Anthropic API key of Offpeak. Put your key in it.",
      secretStringValue: SecretValue.unsafePlainText(missingKey),
    });
  }

  grantReadToken(reader: IGrantable): void {
    grantValue(reader, this.token);
  }

  private laneKey(name: string): ISecret {
    return name.startsWith("arn:")
      ? Secret.fromSecretCompleteArn(this, `LaneKey ${name.split(":").at(-1)}`, name)
      : Secret.fromSecretNameV2(this, `LaneKey ${name}`, name);
  }
}

interface SecretArns {
  secretArn: string;
  secretFullArn?: string | undefined;
}

/** The value alone. Secrets Manager ends each ARN with six characters, which a secret known by its name does not tell. */
function grantValue(grantee: IGrantable, { secretFullArn, secretArn }: SecretArns): void {
  const resourceArns = [secretFullArn ?? `${secretArn}-??????`];
  Grant.addToPrincipal({ grantee, actions: ["secretsmanager:GetSecretValue"], resourceArns });
}

/** The call knows no resource: what bounds it is whom the proof is for, and how long it is good. */
function grantProof(grantee: IGrantable): void {
  const conditions = {
    "ForAllValues:StringEquals": { "sts:IdentityTokenAudience": identityAudience },
    NumericLessThanEquals: { "sts:DurationSeconds": identitySeconds },
  };
  Grant.addToPrincipal({ grantee, actions: ["sts:GetWebIdentityToken"], resourceArns: ["*"], conditions });
}
