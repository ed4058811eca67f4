"""What fails is told with its reason, and the next run goes on from there."""

import shutil
from pathlib import Path

import pytest
from moto.s3.models import s3_backends

from tests.fakes.aws import REGION
from tests.fakes.codeartifact import ACCOUNT
from tests.shell.caller import (
    STACK,
    Caller,
    artifacts_bucket,
    copy_project,
    ec2_client,
    moto_client,
)

EACH = [("bash", "codeartifact"), ("zsh", "github")]
"""Every shell and every variant; what a shell sources does no more than start the program."""


def test_a_failing_network_is_explained_and_made_by_the_next_run(caller: Caller) -> None:
    caller.cloudformation.failing = {"PrivateSubnet2": "The CIDR conflicts with another subnet"}
    answer = caller.source("create-vpc")
    assert answer.status == 1
    reason = "PrivateSubnet2 (AWS::EC2::Subnet): The CIDR conflicts with another subnet"
    assert f"What failed:\n  {reason}\n" in answer.said
    assert caller.cloudformation.statuses() == {"package-gate-vpc": "ROLLBACK_COMPLETE"}
    caller.cloudformation.failing = {}
    again = caller.source("create-vpc")
    assert again.status == 0, again.said
    assert "was never created to the end (ROLLBACK_COMPLETE)" in again.said
    assert caller.cloudformation.statuses() == {"package-gate-vpc": "CREATE_COMPLETE"}


@pytest.mark.parametrize(("shell", "variant"), EACH)
def test_a_failure_in_the_nested_stack_is_explained(bash: Caller, shell: str, variant: str) -> None:
    caller = bash
    caller.shell = shell
    caller.cloudformation.failing = {"SNSTopic": "Topic limit exceeded"}
    answer = caller.source(f"create-{variant}")
    assert answer.status == 1
    assert "  ScanPipeline (AWS::CloudFormation::Stack): Embedded stack arn:aws:" in answer.said
    assert "In the nested stack arn:aws:cloudformation:" in answer.said
    assert "  SNSTopic (AWS::SNS::Topic): Topic limit exceeded" in answer.said
    # Deleting gets rid of what is there, and of nothing else.
    gone = caller.source(f"delete-{variant}", "--yes")
    assert gone.status == 0, gone.said
    assert caller.left() == {}


@pytest.mark.parametrize(("shell", "variant"), EACH)
def test_a_failed_update_is_explained_and_made_by_the_next_run(
    bash: Caller, shell: str, variant: str
) -> None:
    """Of another token: that the secret has it already must not keep it from the stack."""
    bash.shell = shell
    create, stack = f"create-{variant}", bash.cloudformation.stack
    assert bash.source(create, environment={"PRIVATE_GITHUB_PAT": "another-token"}).status == 0
    before = dict(stack(STACK).parameters)
    assert before["TokenVersion"] == bash.secret()["VersionId"]

    bash.cloudformation.failing = {"SNSTopic": "Topic limit exceeded"}
    failed = bash.source(create, "--yes")
    assert failed.status == 1
    assert f"Stack {STACK}: UPDATE_ROLLBACK_COMPLETE. What failed:" in failed.said
    assert "  SNSTopic (AWS::SNS::Topic): Topic limit exceeded" in failed.said
    assert stack(STACK).parameters == before
    assert bash.state_file().exists()

    bash.cloudformation.failing = {}
    again = bash.source(create, "--yes")
    assert again.status == 0, again.said
    assert f"Secret {STACK}-github-token is up to date." in again.said
    assert stack(STACK).parameters["TokenVersion"] == bash.secret()["VersionId"]
    assert bash.secret()["VersionId"] != before["TokenVersion"]
    assert bash.cloudformation.operations.count(f"update {STACK}") == 2


def test_a_stack_that_only_a_change_set_has_begun_is_not_ours(bash: Caller) -> None:
    moto_client(bash.aws, "cloudformation").create_change_set(
        StackName="package-gate-vpc",
        ChangeSetName="somebodys",
        ChangeSetType="CREATE",
        TemplateBody='{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}',
    )
    answer = bash.source("create-vpc")
    assert (answer.status, "was not made by the package gate" in answer.said) == (2, True)


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        ("DELETE_FAILED", "is half deleted"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback --stack-name"),
    ],
)
def test_what_a_person_must_fix_is_told(bash: Caller, status: str, hint: str) -> None:
    assert bash.source("create-vpc").status == 0
    bash.cloudformation.stack("package-gate-vpc").status = status
    answer = bash.source("create-vpc")
    assert (answer.status, hint in answer.said) == (1, True), answer.said


def test_a_secret_that_was_deleted_comes_back(bash: Caller) -> None:
    assert bash.source("create-codeartifact").status == 0
    bash.aws.client("secretsmanager").delete_secret(SecretId=f"{STACK}-github-token")
    answer = bash.source("create-codeartifact")
    assert answer.status == 0, answer.said
    assert "github_pat_" in bash.secret()["SecretString"]


def test_a_connection_needs_no_token_and_no_secret(bash: Caller) -> None:
    arn = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/01234567-89ab-cdef"
    environment = {"CODE_CONNECTION_ARN": arn, "PRIVATE_GITHUB_PAT": None}
    answer = bash.source("create-codeartifact", environment=environment)
    assert answer.status == 0, answer.said
    assert "secrets" not in bash.left()
    parameters = bash.cloudformation.stack(STACK).parameters
    assert parameters["CodeConnectionArn"] == arn
    assert parameters["PrivateGitHubToken"] == ""


def test_a_network_in_use_is_not_deleted(bash: Caller) -> None:
    made = bash.run('. "$PROJECT/shell/create-vpc-stack.sh" && echo "$CODESERVICES_VPC_ID"')
    ec2_client(bash.aws).create_security_group(
        GroupName="notebooks", Description="somebody's", VpcId=made.stdout.strip()
    )
    answer = bash.source("delete-vpc", "--yes")
    assert answer.status == 2
    assert "in use: the security group notebooks" in answer.said
    assert bash.cloudformation.statuses() == {"package-gate-vpc": "CREATE_COMPLETE"}


def test_full_buckets_and_late_logs_do_not_stop_a_deletion(bash: Caller) -> None:
    assert bash.source("create-github").status == 0
    bucket = artifacts_bucket(bash)
    for number in range(1100):
        s3_backends[ACCOUNT]["aws"].put_object(bucket, f"cache/{number % 800}", b"x")
    bash.cloudformation.late_log = True
    answer = bash.source("delete-github", "--yes")
    assert answer.status == 0, answer.said
    assert "once more" in answer.said
    assert bash.left() == {}


def test_records_that_can_not_be_copied_keep_everything(bash: Caller) -> None:
    assert bash.source("create-github").status == 0
    before = bash.left()
    bash.aws.client("s3").put_object(
        Bucket=artifacts_bucket(bash), Key="decisions/one.json", Body=b"1"
    )
    (bash.home / "file").write_text("")
    answer = bash.source("delete-github", "--yes --records ~/file")
    assert (answer.status, "Nothing was deleted" in answer.said) == (1, True)
    (bash.home / "records/decisions/one.json").mkdir(parents=True)
    answer = bash.source("delete-github", "--yes --records ~/records")
    assert (answer.status, "Nothing was deleted" in answer.said) == (1, True), answer.said
    assert bash.left() == before


def test_an_update_of_the_gate_is_shown_asked_for_and_made(bash: Caller, tmp_path: Path) -> None:
    bash.project = copy_project(tmp_path / "another checkout")
    environment = {"SCANNERS": "osv,ruff"}
    assert bash.source("create-codeartifact", environment=environment).status == 0
    before = dict(bash.cloudformation.stack(STACK).parameters)
    update = 'bash "$PROJECT/shell/update-gate.sh"'
    same = bash.run(f"{update} --yes")
    assert (same.status, "already" in same.said) == (0, True), same.said

    policy = bash.project / "scan-policy.toml"
    policy.write_text(policy.read_text() + "# a changed policy\n")
    (bash.project / "package_gate" / "new.py").write_text("")
    (bash.project / "package_gate" / "pipeline" / "gate.py").write_text("changed = True\n")
    refused = bash.run(update)
    assert refused.status == 2
    for line in (
        f"  GateBundleSHA256: {before['GateBundleSHA256']} -> ",
        "ScanPipeline (AWS::CloudFormation::Stack): changed in place",
        "Files in-use/package_gate/pipeline/gate.py and "
        "this-checkout/package_gate/pipeline/gate.py differ",
        "Only in this-checkout/package_gate: new.py",
        "+# a changed policy",
        "--yes",
    ):
        assert line in refused.said
    assert bash.cloudformation.stack(STACK).parameters == before

    # From another shell; the region is in the state file.
    done = bash.run(f"{update} --yes --stack {STACK}", {"STACK_NAME": None, "AWS_REGION": None})
    assert done.status == 0, done.said
    assert "aws codepipeline start-pipeline-execution" in done.said
    after = bash.cloudformation.stack(STACK).parameters
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"GateBundle", "GateBundleSHA256"}
    s3 = bash.aws.client("s3")
    bundle = s3.get_object(Bucket=artifacts_bucket(bash), Key=after["GateBundle"])["Body"].read()
    assert len(bundle) > 10_000

    s3.put_object(Bucket=artifacts_bucket(bash), Key=after["GateBundle"], Body=b"tampered")
    shutil.rmtree(bash.project / "package_gate" / "report")
    tampered = bash.run(f"{update} --yes")
    assert tampered.status == 0, tampered.said
    assert "WARNING: somebody changed the bundle in use" in tampered.said


def test_only_a_gate_is_updated(bash: Caller) -> None:
    answer = bash.run('bash "$PROJECT/shell/update-gate.sh" --yes')
    assert (answer.status, "There is no gate gate" in answer.said) == (2, True)
