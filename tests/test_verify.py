"""notebook/verify.py: what it lets pip install, and what each kind of tampering is told as."""

import base64
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import venv
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from package_gate.attestations.attestor import Attestor
from package_gate.attestations.trust import Trust
from package_gate.core.artifact import Artifact, ArtifactFile, Origin
from package_gate.core.decision import PackageDecision, Verdict
from package_gate.core.standing_list import Withdrawn
from package_gate.publishers.interface import ApprovedPackage, PublishedPackage
from package_gate.publishers.local import LocalFolder
from tests.attestations.signed import attestor, decision
from tests.local_run import PROJECT
from tests.publishers.test_local import wheel

SCRIPT = PROJECT / "notebook" / "verify.py"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WHEEL = "tiny-1.0-py3-none-any.whl"
STATEMENT = f"simple/tiny/{WHEEL}.vsa.json"
Change = Callable[[Path], object]


def load() -> Any:
    """Import the script."""
    spec = importlib.util.spec_from_file_location("verify", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


verify = load()


@dataclass
class Notebook:
    """A repository with one approved package, and a notebook beside it."""

    folder: Path
    attestor: Attestor
    now: datetime = NOW

    @property
    def index(self) -> Path:
        return self.folder / "simple"

    def decided(self, name: str = "tiny", verdict: Verdict = Verdict.APPROVED) -> PackageDecision:
        """Give the decision on a package whose wheel is there."""
        path = self.folder / f"{name}-1.0-py3-none-any.whl"
        if not path.exists():
            path.write_bytes(wheel(name, "1.0"))
        content = path.read_bytes()
        artifact = Artifact(path.name, hashlib.sha256(content).hexdigest(), len(content))
        return replace(
            decision(verdict), name=name, version="1.0", artifacts=(artifact,), decided_at=self.now
        )

    def publish(self, name: str = "tiny") -> None:
        made = self.decided(name)
        path = self.folder / made.artifacts[0].filename
        file = ArtifactFile(made.artifacts[0], path)
        folder = LocalFolder(self.folder)
        folder.publish(ApprovedPackage(name, "1.0", Origin.PYPI, self.now, (file,)))
        folder.attest(PublishedPackage.of(made), self.attestor.attest(made).content)

    def post(self, *withdrawn: Withdrawn, issued: datetime | None = None) -> None:
        envelope = self.attestor.list_standing(withdrawn, (), issued or self.now)
        LocalFolder(self.folder).post_standing_list(envelope.content)

    def trust(self, by: Attestor | None = None) -> Path:
        by = by or self.attestor
        trust = Trust(by.verifier, by.repository)
        trust = trust.with_key(by.signer, NOW - timedelta(days=1), NOW + timedelta(days=30))
        path = self.folder / "trust.json"
        path.write_bytes(trust.content)
        return path

    def checked(self, *arguments: str, now: datetime | None = None) -> list[str]:
        """Check in this process; gives the names of the files."""
        given = ["--trust", str(self.folder / "trust.json"), "--index", self.index.as_uri()]
        options = verify.options_of([*given, *(arguments or ("tiny", "--dry-run"))])
        return [file.filename for file in verify.checked(options, now or self.now)]

    def refused(self, *arguments: str, now: datetime | None = None) -> tuple[str, str]:
        """What is told as changed, and how."""
        with pytest.raises(verify.Refused) as error:
            self.checked(*arguments, now=now)
        return error.value.what, str(error.value)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Notebook:
    folder = tmp_path_factory.mktemp("repository")
    made = Notebook(folder, attestor(folder))
    made.publish()
    made.post()
    made.trust()
    return made


@pytest.fixture
def notebook(world: Notebook, tmp_path: Path) -> Notebook:
    """Give a copy of the repository, to change something in."""
    shutil.copytree(world.folder, tmp_path, dirs_exist_ok=True)
    return replace(world, folder=tmp_path)


@pytest.fixture
def offline(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """Give one whose pip is not started: it would install `tiny` with the right digest."""
    file = notebook.index / "tiny" / WHEEL
    found = [verify.File("tiny", "1.0", file.as_uri(), verify.sha256_of(file))]
    monkeypatch.setattr(verify.Pip, "would_install", lambda self, requirements: found)
    return notebook


def flip(path: Path, at: int | None = None) -> None:
    """Change one byte."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if at is None else at] ^= 1
    path.write_bytes(content)


def change_payload(path: Path, before: str, after: str) -> None:
    """Change what an envelope says, and leave its signature."""
    envelope = json.loads(path.read_bytes())
    payload = base64.b64decode(envelope["payload"]).decode()
    assert before in payload
    envelope["payload"] = base64.b64encode(payload.replace(before, after).encode()).decode()
    path.write_text(json.dumps(envelope))


def test_it_installs_what_is_approved_with_an_environment_that_names_another_index(
    notebook: Notebook,
) -> None:
    notebook = replace(notebook, now=datetime.now(UTC))
    shutil.rmtree(notebook.index)
    notebook.publish()
    notebook.post()
    trust = Trust(notebook.attestor.verifier, notebook.attestor.repository)
    start = notebook.now - timedelta(days=1)
    trust = trust.with_key(notebook.attestor.signer, start, start + timedelta(days=30))
    (notebook.folder / "trust.json").write_bytes(trust.content)
    venv.create(notebook.folder / "venv", symlinks=True)
    pip = Path(importlib.util.find_spec("pip").origin or "").parents[1]  # type: ignore[union-attr]
    site = next((notebook.folder / "venv").glob("lib/python*/site-packages"))
    (site / "pip.pth").write_text(f"{pip}\n")
    python = notebook.folder / "venv" / "bin" / "python"
    command = [str(python), str(SCRIPT), "--trust", str(notebook.folder / "trust.json")]
    done = subprocess.run(
        [*command, "--index", notebook.index.as_uri(), "tiny"],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "PIP_INDEX_URL": "http://localhost:9/", "HOME": "/none"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 file checked and installed." in done.stdout
    assert (site / "tiny.py").is_file()


def test_a_byte_of_the_package_and_one_of_the_index_are_told_apart(notebook: Notebook) -> None:
    assert notebook.checked() == [WHEEL]
    flip(notebook.index / "tiny" / WHEEL)
    what, package = notebook.refused()
    assert what == "package"
    assert f"Somebody has changed {WHEEL}" in package
    shutil.copy(notebook.folder / WHEEL, notebook.index / "tiny" / WHEEL)
    page = notebook.index / "tiny" / "index.html"
    text = page.read_text()
    digit = text.index("sha256=") + 7
    page.write_text(f"{text[:digit]}{'0' if text[digit] != '0' else '1'}{text[digit + 1 :]}")
    what, index = notebook.refused()
    assert what == "index"
    assert "Somebody has changed the index: it names " in index


def test_bytes_that_index_and_repository_agree_on_are_not_what_was_approved(
    offline: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = offline.index / "tiny" / WHEEL
    found = [verify.File("tiny", "1.0", file.as_uri(), "ab" * 32)]
    monkeypatch.setattr(verify.Pip, "would_install", lambda self, requirements: found)
    what, why = offline.refused()
    assert what == "index"
    assert f"offers {WHEEL} with SHA-256 {'ab' * 32}, which is not what was approved" in why


def test_a_changed_statement_is_refused(offline: Notebook) -> None:
    change_payload(offline.folder / STATEMENT, "because", "becauze")
    what, why = offline.refused()
    assert what == "statement"
    assert "is not what was signed" in why


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"payload": 1}'])
def test_a_statement_that_is_none_is_refused(offline: Notebook, content: bytes) -> None:
    (offline.folder / STATEMENT).write_bytes(content)
    what, why = offline.refused()
    assert what == "statement"
    assert "is damaged" in why


def test_a_missing_statement_is_refused(offline: Notebook) -> None:
    (offline.folder / STATEMENT).unlink()
    assert offline.refused()[1].startswith(f"Nothing is signed about {WHEEL} with SHA-256 ")


def test_another_key_is_refused(offline: Notebook) -> None:
    offline.trust(attestor(offline.folder, "other.pem"))
    what, why = offline.refused()
    assert what == "key"
    assert "signed by a key that is not trusted" in why


def test_a_changed_key_is_refused(offline: Notebook) -> None:
    path = offline.trust()
    document = json.loads(path.read_bytes())
    lines = document["keys"][0]["publicKey"].splitlines()
    lines[1] = lines[1][:-5] + ("A" if lines[1][-5] != "A" else "B") + lines[1][-4:]
    document["keys"][0]["publicKey"] = "\n".join(lines)
    path.write_text(json.dumps(document))
    what, why = offline.refused()
    assert what == "key"
    assert "Somebody has changed the key" in why


def test_a_key_counts_in_its_time_only_and_a_second_one_takes_over(offline: Notebook) -> None:
    late = NOW + timedelta(days=31)
    offline.post(issued=late)
    what, why = offline.refused(now=late)
    assert what == "key"
    assert "counts from 2026-05-31 to 2026-07-01 only" in why
    new = attestor(offline.folder, "new.pem")
    trust = json.loads(offline.trust().read_bytes())
    second = Trust("", "").with_key(new.signer, NOW, late + timedelta(days=30))
    trust["keys"] += json.loads(second.content)["keys"]
    (offline.folder / "trust.json").write_text(json.dumps(trust))
    offline.post()
    assert offline.checked() == [WHEEL]
    rotated = replace(offline, attestor=new)
    rotated.publish()
    rotated.post(issued=late)
    assert rotated.checked(now=late) == [WHEEL]


def test_another_repository_is_refused(offline: Notebook) -> None:
    other = replace(offline.attestor, repository="https://other.example/simple")
    signed = replace(offline, attestor=other)
    signed.publish()
    what, why = offline.refused()
    assert what == "repository"
    assert "is about https://other.example/simple, not about https://packages.example" in why


def test_another_verifier_is_refused(offline: Notebook) -> None:
    replace(offline, attestor=replace(offline.attestor, verifier="urn:other")).publish()
    assert offline.refused()[1].endswith("is by urn:other, not by urn:package-gate.")


def test_a_refusal_that_is_signed_is_no_approval(offline: Notebook) -> None:
    refused = offline.attestor.attest(offline.decided(verdict=Verdict.REFUSED))
    (offline.folder / STATEMENT).write_bytes(refused.content)
    assert offline.refused() == ("verdict", f"The gate has not approved {WHEEL}: FAILED.")


def test_a_statement_on_another_package_is_refused(
    offline: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = offline.index / "tiny" / WHEEL
    found = [verify.File("wanted", "1.0", file.as_uri(), verify.sha256_of(file))]
    monkeypatch.setattr(verify.Pip, "would_install", lambda self, requirements: found)
    assert f"The index offers {WHEEL} as wanted" in offline.refused()[1]


def test_an_approved_release_under_the_name_of_another_is_refused(
    offline: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = offline.index / "tiny" / "tiny-2.0-py3-none-any.whl"
    shutil.copy(offline.index / "tiny" / WHEEL, path)
    shutil.copy(offline.folder / STATEMENT, f"{path}.vsa.json")
    found = [verify.File("tiny", "2.0", path.as_uri(), verify.sha256_of(path))]
    monkeypatch.setattr(verify.Pip, "would_install", lambda self, requirements: found)
    what, why = offline.refused()
    assert what == "index"
    assert "another name than tiny-2.0-py3-none-any.whl: they were approved as" in why
    assert why.endswith(f", {WHEEL}.")


def test_an_archive_is_checked_under_the_name_that_its_request_gave_it(notebook: Notebook) -> None:
    folder = notebook.folder / "generic"
    folder.mkdir()
    path = folder / "v2.zip"
    path.write_bytes(b"bytes of an archive")
    artifact = Artifact("v2.zip", verify.sha256_of(path), path.stat().st_size)
    made = replace(
        notebook.decided(), name="Some.Tool", origin=Origin.ARCHIVE, artifacts=(artifact,)
    )
    statement = notebook.attestor.attest(made).content
    for name in ("Some.Tool.zip", "v2.zip", "pandas.zip", "Some.Tool.pandas.zip"):
        if name != path.name:
            shutil.copy(path, folder / name)
        (folder / f"{name}.vsa.json").write_bytes(statement)
    assert notebook.checked("--file", str(folder / "Some.Tool.zip")) == ["Some.Tool.zip"]
    for name in ("v2.zip", "pandas.zip", "Some.Tool.pandas.zip"):
        what, why = notebook.refused("--file", str(folder / name))
        assert what == "index"
        assert f"than {name}: they were approved as pkg:generic/some-tool@" in why


def test_a_program_of_the_current_folder_is_never_taken_for_pip(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "downloads"
    there.mkdir()
    for name in ("pip", "runpy", "json", "sysconfig"):
        (there / f"{name}.py").write_text("open('ran', 'w').close()\n")
    monkeypatch.chdir(there)
    assert notebook.checked() == [WHEEL]
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(verify.Unchecked, match="pip has no index"):
        verify.configured_index(verify.options_of(["tiny"]))
    assert sorted(path.suffix for path in there.iterdir()) == [".py"] * 4


def test_a_changed_standing_list_is_refused(offline: Notebook) -> None:
    change_payload(offline.index / "standing-list.json", "2026-06-08", "2027-06-08")
    what, why = offline.refused()
    assert what == "standing list"
    assert "is not what was signed" in why


def test_a_standing_list_that_is_old_missing_or_of_tomorrow_is_refused(offline: Notebook) -> None:
    what, why = offline.refused(now=NOW + timedelta(days=8))
    assert (what, "counted until 2026-06-08 12:00 UTC only" in why) == ("standing list", True)
    offline.post(issued=NOW + timedelta(hours=1))
    assert "which is to come" in offline.refused()[1]
    (offline.index / "standing-list.json").unlink()
    assert "There is none" in offline.refused()[1]


def test_a_statement_is_no_standing_list(offline: Notebook) -> None:
    shutil.copy(offline.folder / STATEMENT, offline.index / "standing-list.json")
    assert "is something else: application/vnd.in-toto+json" in offline.refused()[1]


def test_a_withdrawal_beats_a_signature(offline: Notebook) -> None:
    assert offline.checked() == [WHEEL]
    made = offline.decided()
    gone = Withdrawn(Origin.PYPI, "tiny", "1.0", (made.artifacts[0].sha256,), NOW)
    offline.post(gone)
    what, why = offline.refused()
    assert what == "withdrawn"
    assert "was approved and is withdrawn since 2026-06-01T12:00:00Z" in why


def test_what_is_withdrawn_and_installed_is_named_whatever_is_asked_for(
    offline: Notebook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    info = site / "Some_Thing-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Some_Thing\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(site))
    offline.post(Withdrawn(Origin.PYPI, "some-thing", "2.0", ("aa" * 32,), NOW))
    assert offline.checked() == [WHEEL]
    offline.post(Withdrawn(Origin.PYPI, "some-thing", "1.0", ("aa" * 32,), NOW))
    what, why = offline.refused()
    assert what == "withdrawn"
    assert "Some_Thing 1.0 is installed here, was approved and is withdrawn" in why
    assert "-m pip uninstall Some_Thing" in why


def test_what_has_left_the_index_is_told_as_withdrawn(
    offline: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object) -> None:
        raise verify.Unchecked("no matching distribution")

    monkeypatch.setattr(verify.Pip, "would_install", nothing)
    with pytest.raises(verify.Unchecked):
        offline.checked()
    offline.post(Withdrawn(Origin.PYPI, "tiny", "1.0", ("aa" * 32,), NOW))
    for asked in ("tiny", "Tiny==1.0", "tiny [x] >= 1"):
        what, why = offline.refused(asked, "--dry-run")
        assert (what, "tiny 1.0 was approved and is withdrawn" in why) == ("withdrawn", True)


def test_a_file_that_is_here_already_is_checked_by_its_bytes(notebook: Notebook) -> None:
    file = notebook.index / "tiny" / WHEEL
    assert notebook.checked("--file", str(file)) == [WHEEL]
    renamed = file.with_name("other-1.0-py3-none-any.whl")
    shutil.copy(file, renamed)
    shutil.copy(notebook.folder / STATEMENT, f"{renamed}.vsa.json")
    what, why = notebook.refused("--file", str(renamed))
    assert what == "index"
    assert "another name than other-1.0-py3-none-any.whl: they were approved as pkg:pypi/" in why
    flip(file)
    assert notebook.refused("--file", str(file))[0] == "index"


def test_statements_of_a_branch_on_github_stand_in_a_folder_beside_the_packages(
    notebook: Notebook,
) -> None:
    clone = notebook.folder / "tiny"
    (clone / "packages").mkdir(parents=True)
    (clone / "attestations").mkdir()
    shutil.copy(notebook.folder / WHEEL, clone / "packages")
    shutil.move(notebook.folder / STATEMENT, clone / "attestations")
    listed = shutil.move(notebook.index / "standing-list.json", notebook.folder)
    arguments = ["--standing-list", str(listed), "--dry-run", "tiny"]
    assert notebook.checked("--find-links", str(clone / "packages"), *arguments) == [WHEEL]


def test_what_pip_would_build_from_source_is_not_installed(notebook: Notebook) -> None:
    with pytest.raises(verify.Unchecked, match="pip did not do it"):
        notebook.checked("nothing-like-it", "--dry-run")


@pytest.mark.parametrize("arguments", [[], ["x", "--file", "y"], ["--trust", "t", "--", "-r"]])
def test_mistaken_arguments_end_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        verify.options_of(arguments)
    assert end.value.code == 2


def test_what_cannot_be_checked_ends_with_2_and_a_refusal_with_1(
    offline: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--index", offline.index.as_uri(), "--dry-run", "tiny"]
    assert verify.main(["--trust", str(offline.folder / "none.json"), *given]) == 2
    assert "trust file" in capsys.readouterr().err
    offline.trust(attestor(offline.folder, "other.pem"))
    assert verify.main(["--trust", str(offline.folder / "trust.json"), *given]) == 1
    assert "verify: refused (key): " in capsys.readouterr().err


def test_codeartifact_is_asked_for_statements_by_the_files_digest_and_trusted_keys(
    offline: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "codeartifact://domain/repository"
    by = replace(offline.attestor, repository=place)
    offline = replace(offline, attestor=by)
    offline.trust()
    made = offline.decided()
    statement = by.attest(made).content
    lists = {"20260601T120000.000000Z": by.list_standing((), (), NOW).content, "2025": b"old"}
    asked: list[str] = []

    def run(command: list[str], *_: object) -> subprocess.CompletedProcess[bytes]:
        if command[0] != "aws":
            return original(command)  # type: ignore[no-any-return]
        asked.append(command[2])
        options = dict(zip(command[3:-1:2], command[4::2], strict=False))
        assert options["--domain"] == "domain"
        assert options["--repository"] == "repository"
        assert options["--namespace"] == "package-gate-verdicts"
        if command[2] == "list-package-versions":
            versions = {"versions": [{"version": each} for each in lists]}
            return subprocess.CompletedProcess(command, 0, json.dumps(versions).encode(), b"")
        version = options["--package-version"]
        found = {
            ("standing-list", version): lists.get(version),
            (made.artifacts[0].sha256, by.signer.key_id): statement,
        }.get((options["--package"], version))
        if found is None:
            return subprocess.CompletedProcess(command, 254, b"", b"ResourceNotFoundException")
        Path(command[-1]).write_bytes(found)
        return subprocess.CompletedProcess(command, 0, b"", b"")

    original = verify.run
    monkeypatch.setattr(verify, "run", run)
    assert offline.checked() == [WHEEL]
    assert asked == [
        "list-package-versions",
        "get-package-version-asset",
        "get-package-version-asset",
    ]
    lists.clear()
    assert offline.refused()[0] == "standing list"
