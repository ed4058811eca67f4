"""The buildspec runs: rendered from the template, as CodeBuild does, with a real bundle."""

import json
import os
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

import certifi
import pytest

from package_gate import __version__
from package_gate.scanners.registry import DEFAULTS, UNPACKER
from tests.canaries import traces
from tests.fakes import snyk_cli
from tests.fakes.aws import ACCESS_KEY_ID, AWS, DOMAIN, REPOSITORY, SECRET_ACCESS_KEY
from tests.fakes.codeartifact import TOKEN_MARK
from tests.fakes.codeartifact_state import PackageKey
from tests.fakes.https_server import HTTPSServer
from tests.publishers.github_world import TOKEN
from tests.templates.build_world import (
    REQUESTS,
    SNAPSHOT,
    Gate,
    OfferedSnyk,
    copy_of_project,
    executable,
    gate,
    make_bundle,
    offer_snyk,
    requests,
    snapshot,
)

REPORTS = {
    *("report.html", "findings.sarif", "verdicts.json", "junit.xml"),
    *("inventory.html", "inventory.json"),
}
DONE = dict.fromkeys(
    ("install", "pre_build", "build", "post_build", "upload_artifacts"), "SUCCEEDED"
)
SECRETS = {
    "the AWS key's id": ACCESS_KEY_ID,
    "the AWS key": SECRET_ACCESS_KEY,
    "the CodeArtifact token": TOKEN_MARK,
    "the GitHub token": TOKEN,
}
PUBLISHED = {
    "codeartifact": {"app", "dep", "tool"},
    "github": {"pypi-packages/app/1.0", "pypi-packages/dep/1.5", "pypi/app", "tool"},
}

RECORDS = {
    "codeartifact": "codeartifact/research/approved-packages",
    "github": "github/github.com/organisation/packages",
}


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """The gate's bundle: its SHA-256 and its bytes."""
    folder = tmp_path_factory.mktemp("bundle")
    output = folder / "bundle.tar.gz"
    digest = make_bundle(copy_of_project(folder / "project"), output)
    return digest, output.read_bytes()


@pytest.fixture
def codeartifact(
    tmp_path: Path, server: HTTPSServer, aws: AWS, bundle: tuple[str, bytes]
) -> Iterator[Gate]:
    with gate("codeartifact", tmp_path, server, aws, bundle) as deployed:
        yield deployed


@pytest.mark.parametrize("variant", PUBLISHED)
def test_a_push_publishes_what_is_approved_and_emails_every_verdict(
    variant: str, tmp_path: Path, server: HTTPSServer, aws: AWS, bundle: tuple[str, bytes]
) -> None:
    with gate(variant, tmp_path, server, aws, bundle) as deployed:
        build = deployed.build(requests(server))
        assert build.phases == DONE, build.log
        assert deployed.published() == PUBLISHED[variant]
        told = {e.attributes["package"]: e.attributes["verdict"] for e in deployed.run.emails()}
        assert told == {"app": "approved", "tool": "approved", "holey": "refused"}
        places = {"log": build.log.encode(), **build.artifacts, **deployed.run.records()}
        assert traces(SECRETS, places) == []
        host = deployed.world.server.host if deployed.world else "github.com"
        records = [key.replace(f"/{host}/", "/github.com/") for key in deployed.run.records()]
        kept = [key for key in records if key.startswith("decisions/")]
        assert kept
        assert [key for key in kept if not key.startswith(f"decisions/{RECORDS[variant]}/")] == []
    assert build.metrics() == [
        {"package_gate": {"approved": 2, "refused": 1, "undecided": 0, "waiting": 0, "overdue": 0}}
    ]
    assert set(build.artifacts) == REPORTS
    by = json.loads(build.artifacts["verdicts.json"])["gate_version"]
    assert by == f"{__version__} (bundle sha256:{bundle[0]})"
    ((junit,),) = build.reports.values()
    assert [len(case) for case in ET.fromstring(junit).iter("testcase")] == [0, 0, 1]


@pytest.mark.parametrize("variant", PUBLISHED)
def test_a_reevaluation_withdraws_what_the_advisories_of_today_refuse_and_tells(
    variant: str, tmp_path: Path, server: HTTPSServer, aws: AWS, bundle: tuple[str, bytes]
) -> None:
    with gate(variant, tmp_path, server, aws, bundle) as deployed:
        assert deployed.build("app,pypi:app,jo@example.com\n").phases == DONE
        server.routes.clear()  # nothing can be fetched any more
        quiet = deployed.reevaluate()
        assert quiet.phases == DONE, quiet.log
        assert len(deployed.run.emails()) == 1
        deployed.put(SNAPSHOT, snapshot("dep", "1.5", "MAL-2026-1"))
        build = deployed.reevaluate()
        assert build.phases == DONE, build.log
        assert build.artifacts.keys() == {
            *("reevaluation.json", "inventory.html", "inventory.json")
        }
        (decided,) = json.loads(build.artifacts["reevaluation.json"])["decided_again"]
        assert decided["name"] == "dep"
        if variant == "codeartifact":
            dep = PackageKey(DOMAIN, REPOSITORY, "pypi", "", "dep")
            assert aws.codeartifact.status(dep) == {"1.5": "Disposed"}
        told = [(e.attributes["package"], e.attributes["verdict"]) for e in deployed.run.emails()]
        assert ("app", "refused") in told
        assert len(told) == 3  # the approval, the refusal, and what InfoSec gets
        places = {"log": build.log.encode(), **build.artifacts}
        assert traces(SECRETS, places) == []


def test_a_reevaluation_that_nobody_may_believe_fails_its_build(codeartifact: Gate) -> None:
    assert codeartifact.build("app,pypi:app\n").phases == DONE
    build = codeartifact.reevaluate(Advisories="s3://records/advisories/none.zip")
    assert build.phases["build"] == "FAILED", build.log
    assert "advisories/none.zip" in build.log
    assert codeartifact.published() == {"app", "dep"}


def with_snyk(
    deployed: Gate, folder: Path, bundle: tuple[str, bytes], served: bytes = b""
) -> OfferedSnyk:
    offered = offer_snyk(folder, deployed.aws, bundle, served)
    deployed.programs = [offered.image]
    deployed.deploy(offered.bundle)
    deployed.parameters |= {"Scanners": "osv,inspector,snyk", "SnykToken": "/team/snyk"}
    return offered


def test_snyk_and_inspector_are_asked_when_they_are_chosen(
    codeartifact: Gate, tmp_path: Path, bundle: tuple[str, bytes]
) -> None:
    snyk = with_snyk(codeartifact, tmp_path, bundle).cli
    snyk.vulnerabilities["pkg:pypi/dep@1.5"] = [snyk_cli.vulnerability("SNYK-1", "critical")]
    snyk.know()
    build = codeartifact.build(requests(codeartifact.server))
    assert build.phases == DONE, build.log
    assert codeartifact.published() == {"tool"}
    verdicts = json.loads(build.artifacts["verdicts.json"])
    assert {"inspector", "osv", "snyk"} <= {scanner["name"] for scanner in verdicts["scanners"]}
    assert codeartifact.aws.inspector.calls
    places = {"log": build.log.encode(), **build.artifacts, **codeartifact.run.records()}
    assert traces({**SECRETS, "Snyk's token": snyk_cli.TOKEN}, places) == []


def test_another_program_than_the_pinned_one_of_snyk_is_not_run(
    codeartifact: Gate, tmp_path: Path, bundle: tuple[str, bytes]
) -> None:
    canary = tmp_path / "canary"
    served = f"#!/bin/sh\ntouch {canary}\n".encode()
    snyk = with_snyk(codeartifact, tmp_path, bundle, served).cli
    build = codeartifact.build(requests(codeartifact.server))
    assert build.phases == {"install": "FAILED"}, build.log
    assert "is not Snyk's program of version" in build.log
    assert not canary.exists()
    assert snyk.runs == []
    assert codeartifact.untouched()


def test_snyk_without_its_token_is_a_wrong_configuration(codeartifact: Gate) -> None:
    build = codeartifact.build(requests(codeartifact.server), Scanners="osv,snyk")
    assert build.phases["build"] == "FAILED"
    assert "PACKAGE_GATE_SNYK_TOKEN is missing" in build.log
    assert codeartifact.untouched()


@pytest.mark.timeout(900)  # pip installs all of it from the index
def test_the_pinned_requirements_are_really_installed_and_scan_with_the_default_scanners(
    codeartifact: Gate,
) -> None:
    system = os.environ.get("SSL_CERT_FILE") or certifi.where()
    texts = [Path(name).read_text() for name in (codeartifact.server.ca_file, system)]
    codeartifact.server.ca_file.write_text("\n".join(texts))  # the index's and the world's
    build = codeartifact.build(
        requests(codeartifact.server), real_python=True, Scanners=",".join(DEFAULTS)
    )
    assert build.phases == DONE, build.log
    assert codeartifact.published() == PUBLISHED["codeartifact"]
    verdicts = json.loads(build.artifacts["verdicts.json"])
    used = {scanner["name"] for scanner in verdicts["scanners"]}
    assert {UNPACKER, *DEFAULTS} <= used
    installed = build.source / "venv" / "lib"
    assert next(installed.glob("python*/site-packages/guarddog/__init__.py"))


def test_an_undecided_request_fails_the_build_which_still_tells_and_shows_it(
    codeartifact: Gate,
) -> None:
    build = codeartifact.build(f"app,pypi:app\ngone,{codeartifact.server.url}/gone.zip\n")
    assert build.phases == {**DONE, "build": "FAILED"}, build.log
    assert build.metrics() == [
        {"package_gate": {"approved": 1, "refused": 0, "undecided": 1, "waiting": 0, "overdue": 0}}
    ]
    assert set(build.artifacts) == REPORTS
    ((junit,),) = build.reports.values()
    assert b"<error" in junit
    assert codeartifact.published() == {"app", "dep"}


CANARY = "open(__import__('os').environ['CODEBUILD_SRC_DIR'] + '/../canary', 'w')\n"


def tampered(folder: Path) -> bytes:
    """A bundle whose every part says that it was run."""
    project = copy_of_project(folder / "tampered")
    for path in project.rglob("*.py"):
        path.write_text(CANARY)
    (project / "requirements/gate.txt").write_text("not-the-gates-own==1.0\n")
    make_bundle(project, folder / "tampered.tar.gz")
    return (folder / "tampered.tar.gz").read_bytes()


@pytest.mark.parametrize("how", ["other content", "one more byte", "cut off", "empty", "missing"])
def test_a_tampered_bundle_stops_the_build_before_anything_of_it_runs(
    how: str, codeartifact: Gate, bundle: tuple[str, bytes], tmp_path: Path
) -> None:
    key, content = codeartifact.parameters["GateBundle"], bundle[1]
    if how == "missing":
        codeartifact.aws.client("s3").delete_object(Bucket="records", Key=key)
    else:
        changed = {
            "one more byte": content + b"\0",
            "cut off": content[: len(content) // 2],
            "empty": b"",
        }
        codeartifact.put(key, changed[how] if how in changed else tampered(tmp_path))
    build = codeartifact.build(requests(codeartifact.server))
    assert build.phases == {"install": "FAILED"}
    assert how == "missing" or "Nothing of it was run" in build.log
    assert not (build.source / "gate").exists()
    assert not (build.source / "venv").exists()
    assert not (build.source.parent / "canary").exists()
    assert codeartifact.untouched()


def test_the_canary_of_the_tampered_bundle_sings_when_it_is_deployed(
    codeartifact: Gate, tmp_path: Path
) -> None:
    """Else the test above would prove nothing."""
    content = tampered(tmp_path)
    digest = make_bundle(tmp_path / "tampered", tmp_path / "again.tar.gz")
    codeartifact.deploy((digest, content))
    build = codeartifact.build(requests(codeartifact.server))
    assert (build.source.parent / "canary").exists(), build.log


def test_nothing_of_the_requesters_repository_but_the_request_file_is_used(
    codeartifact: Gate, tmp_path: Path
) -> None:
    """Not the scan script, nor the policy, nor whatever else tools take from where they run."""
    checkout, victim = tmp_path / "checkout", tmp_path / "victim"
    checkout.mkdir()
    victim.mkdir()
    (victim / "kept").write_text("kept")
    sing = f"#!{sys.executable}\n{CANARY}"
    for name in (
        *("codeartifact-codeguru-security-scan.py", "github-codeguru-security-scan.py"),
        *("gate.py", "json.py", "os.py", "sitecustomize.py", "usercustomize.py", "pip.py"),
        *(
            "package_gate/__init__.py",
            "package_gate/commands/gate.py",
            "package_gate/core/policy.py",
        ),
        *("gate/codeartifact-codeguru-security-scan.py", "gate/package_gate/__init__.py"),
        *("aws", "git", "find", "python3", "sha256sum", "venv/bin/python", "venv/bin/pip"),
        *(".git/hooks/post-checkout", ".git/hooks/pre-commit", ".git/hooks/pre-push"),
        "report/verdicts.json",
    ):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        executable(checkout / name, sing)
    for name, text in {
        "scan-policy.toml": '[refuse]\nvulnerability = "never"\n',
        "gate/scan-policy.toml": '[refuse]\nvulnerability = "never"\n',
        "requirements.txt": "not-the-gates-own==1.0\n",
        "buildspec.yml": "version: 0.2\nphases: {build: {commands: [touch ../canary]}}\n",
        "pip.conf": "[global]\nindex-url = https://evil.test/\n",
        "uv.toml": 'index-url = "https://evil.test/"\n',
        "pyproject.toml": "[tool.uv]\nindex-url = 'https://evil.test/'\n",
        ".python-version": "../../../../checkout\n",
        ".aws/config": "[default]\nendpoint_url = https://evil.test/\n",
        ".netrc": "default login a password b\n",
        "-rf": "",
        "--output": "",
        "new\nline": "",
        f"{REQUESTS}.bak": "",
    }.items():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(text)
    (checkout / "gate.tar.gz").symlink_to(victim / "kept")
    (checkout / "folder").symlink_to(victim)
    (checkout / REQUESTS).write_text(requests(codeartifact.server))
    build = codeartifact.build(checkout)
    assert build.phases == DONE, build.log
    assert build.metrics() == [
        {"package_gate": {"approved": 2, "refused": 1, "undecided": 0, "waiting": 0, "overdue": 0}}
    ]
    assert codeartifact.published() == PUBLISHED["codeartifact"]
    assert not (build.source.parent / "canary").exists()
    left = {path.name for path in build.source.iterdir()}
    assert left == {REQUESTS, "gate", "gate.tar.gz", "report", "venv"}
    assert (victim / "kept").read_text() == "kept"
    assert set(build.artifacts) == REPORTS


def _missing(checkout: Path) -> None:
    (checkout / "elsewhere").mkdir()
    (checkout / "elsewhere" / REQUESTS).write_text("app,pypi:app\n")


def _link(checkout: Path) -> None:
    (checkout / "real.csv").write_text("app,pypi:app\n")
    (checkout / REQUESTS).symlink_to("real.csv")


def _link_outside(checkout: Path) -> None:
    (checkout / REQUESTS).symlink_to("/etc/passwd")


def _folder(checkout: Path) -> None:
    (checkout / REQUESTS).mkdir()


def _huge(checkout: Path) -> None:
    (checkout / REQUESTS).write_text("# nothing\n" * 420_000)


@pytest.mark.parametrize(
    ("spoil", "say"),
    [
        (_missing, "must be a file"),
        (_link, "no link"),
        (_link_outside, "no link"),
        (_folder, "no link or folder"),
        (_huge, "larger than 4 MiB"),
    ],
    ids=["missing", "link", "link outside", "folder", "huge"],
)
def test_a_request_file_that_is_no_plain_file_stops_the_build_and_says_what_to_do(
    spoil: Callable[[Path], None], say: str, codeartifact: Gate, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    spoil(checkout)
    build = codeartifact.build(checkout)
    assert build.phases == {"install": "FAILED"}
    assert say in build.log
    assert codeartifact.untouched()
