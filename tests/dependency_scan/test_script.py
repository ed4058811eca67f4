"""`dependency-scan.py` as people and builds run it: as a process."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import requests

from package_gate.commands import dependencies as cli
from tests import preloaded
from tests.dependency_scan.world import as_json, write_files
from tests.fakes.advisories import advisory, write_snapshot
from tests.fakes.aws import ACCESS_KEY_ID, AWS, REGION, SECRET_ACCESS_KEY
from tests.fakes.codeartifact import ACCOUNT
from tests.fakes.https_server import HTTPSServer
from tests.fakes.package_index import PackageIndex
from tests.fakes.snyk_cli import TOKEN, install, vulnerability
from tests.local_run import POLICY, PROJECT

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:dependencies"


@dataclass
class Script:
    """A repository, and how it is scanned."""

    folder: Path
    index: PackageIndex
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def output(self) -> Path:
        return self.folder / "out"

    def run(
        self, files: dict[str, str], *arguments: str, path: str = "team-app"
    ) -> subprocess.CompletedProcess[str]:
        """Scan these files; nothing of this machine but `PATH` is in the environment."""
        for name in ("home", "team-app"):
            (self.folder / name).mkdir(exist_ok=True)
        write_files(self.folder / "team-app", files)
        (self.folder / "policy.toml").write_text(POLICY)
        return preloaded.run(
            [
                sys.executable, str(PROJECT / "dependency-scan.py"), path,
                "--policy", "policy.toml", "--output", "out", *arguments,
            ],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder / "home"),
                "PACKAGE_GATE_ADVISORIES": str(self.folder / "advisories"),
                **self.index.environment,
                **self.environment,
            },
            cwd=self.folder,
        )  # fmt: skip

    def report(self) -> Any:
        return as_json(self.output / "dependencies.json")


@pytest.fixture
def script(tmp_path: Path, server: HTTPSServer) -> Script:
    index = PackageIndex(server)
    index.add_wheel("web", "1.0", ["deep"])
    index.add_wheel("deep", "1.0")
    index.add_wheel("deep", "0.9")
    write_snapshot(
        tmp_path / "advisories",
        advisory(
            package="deep", versions=["1.0"], summary="<b>Deep</b> has a hole.",
            database_specific={"severity": "HIGH"},
            references=[{"type": "WEB", "url": "https://advisories.test/1"}],
        ),
    )  # fmt: skip
    return Script(tmp_path, index)


def test_a_finding_is_reported_everywhere_and_fails_the_build(script: Script) -> None:
    ran = script.run({"a&b/requirements.txt": "# ours\nweb\n", "requirements-bad.txt": "no way\n"})
    assert ran.returncode == 1, ran.stderr
    assert "deep 1.0 is refused:" in ran.stdout
    assert "brought in by web in a&b/requirements.txt:2 (web → deep)" in ran.stdout
    assert "requirements-bad.txt:1: 'no way' is no requirement" in ran.stdout
    report = script.report()
    assert report["verdict"] == "refused"
    assert report["repository"] == "team-app"
    [deep, web] = report["packages"]
    assert (deep["verdict"], web["verdict"]) == ("refused", "nothing known")
    assert deep["brought_in_by"] == [
        {
            "requirement": "web", "path": "a&b/requirements.txt", "line": 2,
            "chain": ["web", "deep"],
        }
    ]  # fmt: skip
    [run] = json.loads((script.output / "findings.sarif").read_bytes())["runs"]
    [result] = run["results"]
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "a%26b/requirements.txt"},
                "region": {"startLine": 2},
            }
        }
    ]
    suite = ET.parse(script.output / "junit.xml").getroot()
    assert (suite.get("failures"), suite.get("errors")) == ("1", "1")
    page = (script.output / "report.html").read_text()
    assert "a&amp;b/requirements.txt:2 (web → deep)" in page
    assert "&lt;b&gt;Deep&lt;/b&gt;" in page
    assert "<b>Deep" not in page
    proposed = script.output / "proposed" / "a&b" / "requirements.txt"
    assert proposed.read_text() == ("# ours\nweb\ndeep==0.9  # needed by web; fixes PYSEC-2024-1\n")
    assert not (script.output / ".scratch").exists()

    script.environment["PACKAGE_GATE_REPORT_ONLY"] = "1"
    assert script.run({}).returncode == 0


def test_a_clean_repository_passes_and_says_what_clean_means(script: Script) -> None:
    ran = script.run({"requirements.txt": "deep==0.9\n", "other/requirements.txt": "x x\n"},
                     "--exclude", "other/*")  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "clean: 0 of 1 packages refused" in ran.stdout
    page = (script.output / "report.html").read_text()
    assert "nothing known" in page
    assert "A package that nobody has written an advisory about" in page
    assert "Left out by --exclude: other/requirements.txt" in page


def test_the_proposed_file_is_clean_and_does_not_outlast_its_run(script: Script) -> None:
    assert script.run({"requirements.txt": "deep==1.0\n"}).returncode == 1
    ran = script.run({}, path="out/proposed")
    assert (ran.returncode, "lies in the output folder" in ran.stderr) == (2, True)
    (script.folder / "proposed").mkdir()
    for file in (script.output / "proposed").iterdir():
        (script.folder / "proposed" / file.name).write_bytes(file.read_bytes())
    script.environment["PACKAGE_GATE_REPORT_ONLY"] = "1"  # which the option overrules
    ran = script.run({}, "--fail-on-findings", path="proposed")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert not (script.output / "proposed").exists()


def test_what_cannot_be_determined_fails_the_build(script: Script) -> None:
    assert "no dependency file" in script.run({"main.py": ""}).stdout
    script.environment["PACKAGE_GATE_ADVISORIES"] = "https://localhost:9"
    ran = script.run({"requirements.txt": "deep==0.9\n"})
    assert ran.returncode == 1
    assert "undetermined" in ran.stdout
    assert "osv did not finish" in ran.stdout
    assert script.report()["verdict"] == "undetermined"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scanners", "guarddog"], "no scanner 'guarddog'"),
        (["--scanners", ""], "at least one"),
        (["--policy", "none.toml"], "can't be read"),
        (["--snyk-monitor"], "needs the scanner snyk"),
        (["--report-only", "--fail-on-findings"], "not allowed with"),
        (["--advisories", "s3://nowhere"], "s3://BUCKET/KEY.zip"),
    ],
    ids=range(6),
)
def test_wrong_arguments_end_it_before_it_begins(
    script: Script, arguments: list[str], words: str
) -> None:
    ran = script.run({"requirements.txt": "deep==0.9\n"}, *arguments)
    assert ran.returncode == 2
    assert words in ran.stderr


def test_a_folder_that_is_not_there_is_a_wrong_argument(script: Script) -> None:
    ran = script.run({}, path="nowhere")
    assert (ran.returncode, "There is no folder nowhere" in ran.stderr) == (2, True)


@pytest.mark.parametrize("place", ["scan", "Closures"])
def test_a_fault_of_the_scans_own_is_one_line_and_never_clean(
    script: Script,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise RecursionError("hunter2")

    monkeypatch.setattr(cli, "prepare_process", lambda: None)
    monkeypatch.setattr(cli, place, fail)
    write_files(script.folder / "team-app", {"requirements.txt": "deep==0.9\n"})
    arguments = [str(script.folder / "team-app"), "--output", str(script.output)]
    status = cli.main(
        [*arguments, "--advisories", str(script.folder / "advisories")],
        {"HOME": str(script.folder), **script.index.environment},
    )
    said = capsys.readouterr()
    told = "The scan failed unexpectedly (RecursionError, test_script.py:"
    assert status == 1
    assert "clean" not in said.out
    assert "hunter2" not in said.out + said.err
    if place == "scan":  # then reports and hosts hear of it
        assert told in said.out
        assert script.report()["verdict"] == "undetermined"
        assert told in script.report()["problems"][0]["text"]
    else:
        [line] = said.err.splitlines()
        assert told in line


def test_as_a_build_with_advisories_in_s3_an_email_and_snyk(script: Script, aws: AWS) -> None:
    import shutil

    programs = script.folder / "programs"
    programs.mkdir()
    snyk = install(programs)
    snyk.vulnerabilities["pkg:pypi/web@1.0"] = [vulnerability("SNYK-PYTHON-WEB-1", "critical")]
    snyk.know()
    aws.client("ssm").put_parameter(Name="/snyk", Value=TOKEN, Type="SecureString")
    aws.client("sns").create_topic(Name="dependencies")
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": REGION})
    archive = shutil.make_archive(str(script.folder / "all"), "zip", script.folder / "advisories")
    s3.upload_file(archive, "data", "all.zip")
    script.environment = {
        **aws.environment,
        "PATH": f"{snyk.path}:{os.environ['PATH']}",
        "PACKAGE_GATE_ADVISORIES": "s3://data/all.zip",
        "PACKAGE_GATE_SNYK_TOKEN": "ssm:/snyk",
        "PACKAGE_GATE_SNYK_MONITOR": "1",
        "SNSTopic": TOPIC,
        "PACKAGE_GATE_REPOSITORY": "team/app",
        "PACKAGE_GATE_BRANCH": "feature/ünicode",
        "PACKAGE_GATE_COMMIT": "a" * 40,
        "PACKAGE_GATE_AUTHOR": "jo@example.com",
        "PACKAGE_GATE_REPORT_URL": "https://builds.test/1",
    }
    ran = script.run({"requirements.txt": "web\n"})
    assert ran.returncode == 1, ran.stderr
    report = script.report()
    assert {p["name"]: [f["rule"] for f in p["findings"]] for p in report["packages"]} == {
        "web": ["SNYK-PYTHON-WEB-1"], "deep": ["PYSEC-2024-1"],
    }  # fmt: skip
    scanners = {info["name"]: info for info in report["scanners"]}
    assert scanners["osv"]["data"].startswith("s3://data/all.zip (ETag")
    assert "snyk" in scanners
    [watched] = snyk.monitored
    assert "--target-reference=feature/ünicode" in watched["arguments"]
    assert "--project-name=team/app" in watched["arguments"]
    assert watched["files"]["poetry.lock"].count("[[package]]") == 2
    [email] = [
        sent
        for topic in requests.get(f"{aws.moto_url}/moto-api/data.json", timeout=30).json()["sns"][
            "Topic"
        ]
        for sent in topic["sent_notifications"]
    ]
    _, body, subject, attributes, _ = email
    assert subject.startswith("[dependency scan] team/app feature/\\xfcnicode: refused")
    assert {name: value["Value"] for name, value in attributes.items()} == {
        "verdict": "refused", "repository": "team/app", "branch": "feature/ünicode",
        "author": "jo@example.com",
    }  # fmt: skip
    assert "brought in by web in requirements.txt:1 (web → deep)" in body
    assert "https://builds.test/1" in body
    for secret in (TOKEN, ACCESS_KEY_ID, SECRET_ACCESS_KEY):
        assert secret not in ran.stdout + ran.stderr + json.dumps(report) + body


def test_what_could_not_be_told_fails_the_build(script: Script, aws: AWS) -> None:
    script.environment = {
        **aws.environment,
        "SNSTopic": f"arn:aws:sns:{REGION}:{ACCOUNT}:nowhere",
    }
    ran = script.run({"requirements.txt": "deep==0.9\n"})
    assert ran.returncode == 1
    assert "clean" in ran.stdout
    assert "SNS did not take it" in ran.stderr
    script.environment["PACKAGE_GATE_ADVISORIES"] = "s3://nowhere/all.zip"
    ran = script.run({}, "--report-only")
    assert ran.returncode == 0
    assert "The advisories s3://nowhere/all.zip can't be had: NoSuchBucket" in ran.stdout
