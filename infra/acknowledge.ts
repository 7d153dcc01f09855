import { CfnElement, Stack, Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/**
 * Findings of cdk-nag and cfn-guard that are as they should be, here and below this construct, each by the id that its
 * report names. The reason is for whoever reviews the stack.
 */
export function acknowledge(construct: IConstruct, reason: string, ids: readonly string[]): void {
  Validations.of(construct).acknowledge(...ids.map((id) => ({ id, reason })));
}

/** What holds for every log group: ids, codes and addresses are in it; no task, answer, key or token. */
export function acknowledgeLogs(logGroup: IConstruct): void {
  acknowledge(
    logGroup,
    "What happened a month ago is in the table; whose address called is not kept for longer than it helps.",
    ["cdk-validator-cfnguard::cloudwatch_log_group_retention_period_check"],
  );
  acknowledge(logGroup, "Encrypted with the service's own key: no task, answer, key or token is ever logged.", [
    "cdk-validator-cfnguard::cloudwatch_log_group_encrypted_check",
  ]);
}

/** A role that names everything of a resource: `<its ARN>` and the suffix. cdk-nag has an id for each. */
export function acknowledgeWildcard(construct: IConstruct, suffix: string, reason: string): void {
  const stack = Stack.of(construct);
  const { defaultChild } = construct.node;
  if (defaultChild === undefined || !CfnElement.isCfnElement(defaultChild))
    throw new Error(`${construct.node.path}: no resource`);
  const id = stack.getLogicalId(defaultChild);
  acknowledge(stack, reason, [`AwsSolutions::AwsSolutions-IAM5[Resource::<${id}.Arn>${suffix}]`]);
}
