"""The notebook and the dependency scan: fresh, repeated, changed, deleted, nothing left.

`test_neighbour_pages.py` makes and deletes them in both shells.
"""

import base64
import gzip
from collections.abc import Iterator

import pytest
from moto.kms.models import kms_backends

from tests.fakes.aws import DOMAIN, REGION
from tests.fakes.codeartifact import ACCOUNT
from tests.local_run import PROJECT
from tests.shell.caller import Caller, in_turn, moto_client, named

NOTEBOOK, SCAN = "package-gate-notebook", "dependency-scan"
CONNECTION = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/01234567-89ab-cdef"
NEIGHBOURS = ("notebook", SCAN)
MISSING = {
    "create-notebook": {"AWS_REGION", "CODEARTIFACT_DOMAIN"},
    "delete-notebook": {"AWS_REGION"},
    f"create-{SCAN}": {
        *("AWS_REGION", "SNS_EMAIL", "REPOSITORY_NAME", "CODE_CONNECTION_ARN"),
        *("CODESERVICES_VPC_ID", "CODESERVICES_SUBNET_ID1", "CODESERVICES_SUBNET_ID2"),
    },
    f"delete-{SCAN}": {"AWS_REGION"},
}
MALFORMED = {
    "notebook": {
        "AWS_REGION": "Frankfurt",
        "NOTEBOOK_STACK_NAME": "my_notebook",
        "CODEARTIFACT_DOMAIN": "A",
        "CODEARTIFACT_DOMAIN_OWNER": "me",
        "CODEARTIFACT_REPOSITORY": "a/b",
        "NOTEBOOK_KIND": "laptop",
        "NOTEBOOK_INSTANCE_TYPE": "t3.medium",
        "NOTEBOOK_VOLUME_GB": "20 GB",
        "NOTEBOOK_REQUESTS_ADDRESS": "it's there",
        "NOTEBOOK_VPC_ID": "vpc",
        "NOTEBOOK_SUBNET_IDS": "subnet-1",
        "NOTEBOOK_ROUTE_TABLE_IDS": "file:///etc/passwd",
        "NOTEBOOK_VPC_CIDR": "everything",
        "NOTEBOOK_ENDPOINTS": "no",
    },
    SCAN: {
        "AWS_REGION": "Frankfurt",
        "STACK_NAME": "a-name-of-more-than-20",
        "SNS_EMAIL": "nobody",
        "REPOSITORY_NAME": "app",
        "CODE_CONNECTION_ARN": "arn:aws:s3:::bucket",
        "BRANCHES": "release/**",
        "CODESERVICES_VPC_ID": "vpc",
        "CODESERVICES_SUBNET_ID1": "subnet-1",
        "CODESERVICES_SUBNET_ID2": "file:///etc/passwd",
        "FAIL_ON_FINDINGS": "yes",
        "ADVISORIES": "s3://bucket",
        "ADVISORIES_KEY": "key",
        "SNYK_TOKEN_PARAMETER": "the-token",
        "SNYK_TOKEN_KEY": "alias/key",
        "SNYK_ORGANISATION_PARAMETER": "organisation",
        "SNYK_PLAN": "team",
        "SNYK_MONITOR": "1",
        "LOG_RETENTION_DAYS": "7 days",
    },
}


@pytest.fixture(autouse=True)
def neighbour(bash: Caller) -> Iterator[None]:
    """Export what both need besides; the stacks have the names that they have by themselves."""
    del bash.variables["STACK_NAME"]
    bash.variables |= {
        "CODEARTIFACT_DOMAIN": DOMAIN,
        "REPOSITORY_NAME": "organisation/app",
        "CODE_CONNECTION_ARN": CONNECTION,
    }
    yield
    assert [path.name for path in (bash.home / "tmp").iterdir()] == []


def parameters(caller: Caller, stack: str) -> dict[str, str]:
    found: dict[str, str] = caller.cloudformation.stack(stack).parameters
    return found


def test_the_notebook_comes_again_and_goes(bash: Caller) -> None:
    bash.cloudformation.polls = 2
    exported = '. "$PROJECT/shell/create-notebook-stack.sh" && echo "$NOTEBOOK_ROLE_ARN"'
    first = bash.run(exported)
    assert first.status == 0, first.said
    assert first.stdout.startswith(f"arn:aws:iam::{ACCOUNT}:role/{NOTEBOOK}-NotebookRole")
    assert "CONSUMER_ROLES" in first.said
    given = parameters(bash, NOTEBOOK)
    assert (given["DomainName"], given["RepositoryName"]) == (DOMAIN, "internal")
    assert given["PackageAssetsBucket"].startswith("assets-")
    assert given["S3PrefixList"].startswith("pl-")
    made = moto_client(bash.aws, "sagemaker").list_notebook_instances()["NotebookInstances"]
    assert len(made) == 1
    assert bash.run(exported).stdout == first.stdout
    assert bash.cloudformation.operations == [f"create {NOTEBOOK}"]

    unasked = bash.source("delete-notebook")
    assert (unasked.status, "--yes" in unasked.said) == (2, True)
    gone = bash.source("delete-notebook", "--yes", {"AWS_REGION": None})
    assert gone.status == 0, gone.said
    assert bash.left() == {}
    assert not moto_client(bash.aws, "sagemaker").list_notebook_instances()["NotebookInstances"]
    again = bash.source("delete-notebook", "--yes")
    assert (again.status, "There is no stack" in again.said) == (0, True)


def test_a_notebook_in_an_existing_network_makes_none(bash: Caller) -> None:
    network = {
        "NOTEBOOK_VPC_ID": bash.network["CODESERVICES_VPC_ID"],
        "NOTEBOOK_VPC_CIDR": "172.31.0.0/16",
        "NOTEBOOK_ENDPOINTS": "existing",
    }
    incomplete = bash.source("create-notebook", environment={**network, "NOTEBOOK_VPC_CIDR": None})
    assert named(incomplete.said) == {"NOTEBOOK_SUBNET_IDS", "NOTEBOOK_VPC_CIDR"}
    subnets = {"NOTEBOOK_SUBNET_IDS": bash.network["CODESERVICES_SUBNET_ID1"]}
    made = bash.source("create-notebook", environment={**network, **subnets})
    assert made.status == 0, made.said
    assert "networks" not in bash.left()
    before = parameters(bash, NOTEBOOK)
    idle = bash.source("create-notebook", environment={"CODEARTIFACT_DOMAIN": None})
    assert (idle.status, parameters(bash, NOTEBOOK)) == (0, before), idle.said
    moved = {"NOTEBOOK_SUBNET_IDS": bash.network["CODESERVICES_SUBNET_ID2"]}
    unasked = bash.source("create-notebook", "--yes", moved)
    assert (unasked.status, "Give --yes --replace" in unasked.said) == (2, True), unasked.said
    assert "replaced by a new one: the notebook, with its volume" in unasked.said
    assert parameters(bash, NOTEBOOK) == before
    assert bash.source("delete-notebook", "--yes").status == 0
    assert bash.left() == {}


def test_a_notebook_gets_verify_and_the_trust_file(bash: Caller) -> None:
    trust = bash.home / "trust file.json"
    trust.write_text('{"keys": [{"publicKey": "PEM"}]}')
    wrong = bash.source("create-notebook", environment={"NOTEBOOK_TRUST_FILE": "$HOME/none"})
    assert (wrong.status, named(wrong.said)) == (2, {"NOTEBOOK_TRUST_FILE"})
    made = bash.source("create-notebook", environment={"NOTEBOOK_TRUST_FILE": str(trust)})
    assert made.status == 0, made.said
    given = parameters(bash, NOTEBOOK)
    assert base64.b64decode(given["TrustFile"]) == trust.read_bytes()
    packed = "".join(given[f"Verify{number}"] for number in (1, 2, 3))
    verify = (PROJECT / "notebook" / "verify.py").read_bytes()
    assert gzip.decompress(base64.b64decode(packed)) == verify
    idle = bash.source("create-notebook")
    assert (idle.status, parameters(bash, NOTEBOOK)) == (0, given), idle.said
    assert bash.cloudformation.operations == [f"create {NOTEBOOK}"]

    gone = bash.source("create-notebook", "--yes", {"NOTEBOOK_TRUST_FILE": ""})
    assert gone.status == 0, gone.said
    assert "Verify1: H4sI" in gone.said
    assert "… (4096 characters) -> (empty)" in gone.said
    after = parameters(bash, NOTEBOOK)
    assert {after[name] for name in ("TrustFile", "Verify1", "Verify2", "Verify3")} == {""}
    assert bash.source("delete-notebook", "--yes").status == 0


def test_a_domain_that_is_not_there_is_told(bash: Caller) -> None:
    answer = bash.source("create-notebook", environment={"CODEARTIFACT_DOMAIN": "nowhere"})
    assert answer.status == 2
    assert "does not show the domain nowhere" in answer.said
    assert bash.left() == {}


def test_the_dependency_scan_comes_again_and_goes(bash: Caller) -> None:
    first = bash.source(f"create-{SCAN}")
    assert first.status == 0, first.said
    for next_step in ("Confirm the subscription", "Push to organisation/app"):
        assert next_step in first.said
    given = parameters(bash, SCAN)
    assert (given["SourceKind"], given["CodeConnectionArn"]) == ("github", CONNECTION)
    assert parameters(bash, f"{SCAN}-artifacts")["PipelineArtifactsPrefix"] == SCAN
    bucket, s3 = given["S3ArtifactsBucket"], bash.aws.client("s3")
    assert len(s3.get_object(Bucket=bucket, Key=given["GateBundle"])["Body"].read()) > 10_000
    second = bash.source(f"create-{SCAN}")
    assert second.status == 0, second.said
    created = [f"create {SCAN}-artifacts", f"create {SCAN}"]
    assert bash.cloudformation.operations == created

    changed = {"FAIL_ON_FINDINGS": "report-only", "BRANCHES": "release/*"}
    third = bash.source(f"create-{SCAN}", "--yes", changed)
    assert third.status == 0, third.said
    assert "  Branches: * -> release/*" in third.said
    assert parameters(bash, SCAN)["Branches"] == "release/*"
    forgotten = dict.fromkeys(("REPOSITORY_NAME", "CODE_CONNECTION_ARN", *bash.network))
    fourth = bash.source(f"create-{SCAN}", environment=forgotten)
    assert (fourth.status, f"Stack {SCAN} is up to date." in fourth.said) == (0, True)
    assert bash.cloudformation.operations == [*created, f"update {SCAN}"]

    s3.put_object(Bucket=bucket, Key=f"{SCAN}/1/report/report.html", Body=b"old")
    s3.put_object(Bucket=bucket, Key=f"{SCAN}/1/report/report.html", Body=b"new")
    unasked = bash.source(f"delete-{SCAN}")
    assert (unasked.status, "--yes" in unasked.said) == (2, True)
    assert "all reports of scans" in unasked.said
    gone = bash.source(f"delete-{SCAN}", "--yes", {"AWS_REGION": None})
    assert gone.status == 0, gone.said
    assert "On purpose this is left: the KMS key" in gone.said
    assert bash.left() == {}
    again = bash.source(f"delete-{SCAN}", "--yes")
    assert (again.status, "There is no dependency scan" in again.said) == (0, True)


def test_a_repository_in_codecommit_needs_no_connection(bash: Caller) -> None:
    source = {"SOURCE_KIND": "codecommit", "REPOSITORY_NAME": "app", "CODE_CONNECTION_ARN": None}
    answer = bash.source(f"create-{SCAN}", environment=source)
    assert answer.status == 0, answer.said
    given = parameters(bash, SCAN)
    assert (given["SourceKind"], given["RepositoryName"]) == ("codecommit", "app")
    rules = moto_client(bash.aws, "events").list_rules()["Rules"]
    assert len(rules) == 2
    assert bash.source(f"delete-{SCAN}", "--yes").status == 0
    assert bash.left() == {}
    assert moto_client(bash.aws, "events").list_rules()["Rules"] == []


def test_a_failing_scan_is_explained_and_made_by_the_next_run(bash: Caller) -> None:
    bash.cloudformation.failing = {"SNSTopic": "Topic limit exceeded"}
    answer = bash.source(f"create-{SCAN}")
    assert answer.status == 1
    assert "SNSTopic (AWS::SNS::Topic): Topic limit exceeded" in answer.said
    bash.cloudformation.failing = {}
    again = bash.source(f"create-{SCAN}")
    assert again.status == 0, again.said
    assert bash.source(f"delete-{SCAN}", "--yes").status == 0
    assert bash.left() == {}
    keys = kms_backends[ACCOUNT][REGION].keys.values()
    assert {key.key_state for key in keys} == {"PendingDeletion"}


def test_the_bucket_of_a_gate_is_not_taken_for_that_of_a_scan(bash: Caller) -> None:
    """A gate's has the records of its decisions."""
    environment = {"STACK_NAME": "research"}
    assert bash.source("create-github", environment=environment).status == 0
    moto_client(bash.aws, "cloudformation").delete_stack(StackName="research")
    before = bash.left()
    for script in (f"create-{SCAN}", f"delete-{SCAN}"):
        answer = bash.source(
            script, "--yes" if script.startswith("delete") else "", environment=environment
        )
        assert answer.status == 2
        assert "research-artifacts already, of the kind artifacts" in answer.said
    assert bash.left() == before


@pytest.mark.parametrize(("script", "shell"), in_turn(MISSING))
def test_everything_that_is_missing_is_named(bash: Caller, script: str, shell: str) -> None:
    bash.shell = shell
    nothing = {name: None for name in (*bash.variables, *bash.network) if name != "PATH"}
    nothing |= {"AWS_REGION": None, "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    answer = bash.source(script, environment=nothing)
    assert answer.status == 2
    assert named(answer.said) == MISSING[script] | {"AWS"}, answer.said


@pytest.mark.parametrize("kind", NEIGHBOURS)
def test_everything_that_is_malformed_is_named(bash: Caller, kind: str) -> None:
    answer = bash.source(f"create-{kind}", environment=MALFORMED[kind])
    assert answer.status == 2
    assert named(answer.said) == set(MALFORMED[kind]), answer.said
    assert bash.left() == {}


@pytest.mark.parametrize("name", ["gate", "cache", "templates", "decisions"])
def test_a_scan_whose_reports_would_lie_elsewhere_is_refused(bash: Caller, name: str) -> None:
    answer = bash.source(f"create-{SCAN}", environment={"STACK_NAME": name})
    assert (answer.status, named(answer.said)) == (2, {"STACK_NAME"})


@pytest.mark.parametrize(("script", "shell"), in_turn(MISSING))
def test_run_instead_of_sourced_says_what_to_do(bash: Caller, script: str, shell: str) -> None:
    bash.shell = shell
    answer = bash.run(f'{bash.shell} "$PROJECT/shell/{script}-stack.sh"')
    assert answer.status == 2
    assert answer.said.startswith("Source this file, don't run it: source /")
