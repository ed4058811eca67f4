"""notebook/gate_request.py, with git over HTTPS and pip's index on this machine."""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.git_server import Fault, GitServer, git_server, run_git
from tests.fakes.https_server import HTTPSServer, https_server
from tests.fakes.package_index import PackageIndex
from tests.local_run import PROJECT

TOKEN = "codecommit-signature-canary"
FILE = "external-package-request.csv"
EMAIL = "jo@example.com"


def load() -> Any:
    """Import the script."""
    path = PROJECT / "notebook" / "gate_request.py"
    spec = importlib.util.spec_from_file_location("gate_request", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


gate_request = load()


@dataclass
class Notebook:
    """A notebook with logins, the requests' repository, and an index."""

    index: PackageIndex
    git: GitServer
    repository: Path

    @property
    def url(self) -> str:
        return f"https://{self.git.host}/team/{self.repository.name}"

    @property
    def requests(self) -> str:
        return run_git("-C", str(self.repository), "show", f"main:{FILE}")

    def push(self, line: str, folder: Path) -> None:
        """Push a line as somebody else."""
        run_git("clone", "--quiet", str(self.repository), str(folder))
        with (folder / FILE).open("a") as file:
            file.write(line)
        run_git("-C", str(folder), "add", FILE)
        run_git("-C", str(folder), "commit", "--quiet", "--message", "another")
        run_git("-C", str(folder), "push", "--quiet", "origin", "HEAD:main")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HTTPSServer, GitServer]]:
    folder = tmp_path_factory.mktemp("servers")
    with https_server(folder) as server, git_server(folder / "git", TOKEN) as git:
        yield server, git


@pytest.fixture
def notebook(
    servers: tuple[HTTPSServer, GitServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Notebook:
    server, git = servers
    repository = git.create("team", tmp_path.name)
    run_git("-C", str(repository), "symbolic-ref", "HEAD", "refs/heads/main")
    made = Notebook(PackageIndex(server), git, repository)
    made.index.add_wheel("humanize", "4.12.3")
    made.push("name,source,requester\n", tmp_path / "first")
    configuration = tmp_path / "gitconfig"
    configuration.write_text(
        f"[user]\n email = {EMAIL}\n[package-gate]\n requests = {made.url}\n"
        f'[credential]\n helper = "!f() {{ '
        f'echo username=jo; echo password={TOKEN}; }}; f"\n'
    )
    for name in ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):  # they would count more than pip's own
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "GIT_CONFIG_GLOBAL": str(configuration),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_SSL_CAINFO": str(git.ca_file),
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": made.index.environment["UV_DEFAULT_INDEX"],
        "PIP_CERT": str(server.ca_file),
        "PIP_NO_CACHE_DIR": "1",
        "PIP_RETRIES": "0",
    }.items():
        monkeypatch.setenv(name, value)
    return made


def test_what_is_approved_is_told_with_its_command(
    notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    before = notebook.requests
    assert gate_request.main(["humanize>=4"]) == 0
    assert "python -m pip install 'humanize>=4'" in capsys.readouterr().out
    assert notebook.requests == before


def test_what_is_not_is_asked_for_once_and_its_status_told(
    notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate_request.main(["tiny[fast,x]>=1,<2"]) == 0
    assert notebook.requests.splitlines()[1:] == [f'tiny,"pypi:tiny[fast,x]>=1,<2",{EMAIL}']
    assert "gets the verdict" in capsys.readouterr().out
    assert gate_request.main(["tiny[fast,x]>=1,<2"]) == 0
    assert "asked for already, in line 2" in capsys.readouterr().out
    archive = "https://example.com/tool-1.0.zip"
    assert gate_request.main([archive, "--name", "tool"]) == 0
    assert notebook.requests.splitlines()[2:] == [f"tool,{archive},{EMAIL}"]
    assert gate_request.main([f"{archive}.zip", "--name", "Tool"]) == 1
    capsys.readouterr()
    assert gate_request.main(["--status"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert "not approved so far" in told[1]
    assert "an archive" in told[3]
    notebook.index.add_wheel("tiny", "1.5", extras=["fast", "x"])
    assert gate_request.main(["--status", "--email", EMAIL.upper()]) == 0
    assert "approved: python -m pip install 'tiny[fast,x]>=1,<2'" in capsys.readouterr().out
    assert gate_request.main(["--status", "--email", "other@example.com"]) == 0
    assert "no request of other@example.com" in capsys.readouterr().out


def test_a_push_of_somebody_else_meanwhile_loses_nothing(
    notebook: Notebook, tmp_path: Path
) -> None:
    def meanwhile() -> None:
        notebook.push("no-end,pypi:no-end", tmp_path / "other")

    fault = Fault(f"POST /team/{notebook.repository.name}/git-receive-pack", before=meanwhile)
    notebook.git.faults.append(fault)
    assert gate_request.main(["tiny"]) == 0
    assert notebook.requests.splitlines()[1:] == [
        "no-end,pypi:no-end", f"tiny,pypi:tiny,{EMAIL}",
    ]  # fmt: skip


def test_what_can_not_be_looked_up_is_not_asked_for(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = notebook.requests
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret-canary@localhost:9/simple")
    assert gate_request.main(["humanize"]) == 2
    assert notebook.requests == before
    assert "canary" not in capsys.readouterr().err


def test_a_repository_out_of_reach_is_told(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = f"https://{notebook.git.host}/team/none.git"
    assert gate_request.main(["tiny", "--requests", elsewhere]) == 2
    assert "git did not do it" in capsys.readouterr().err
    monkeypatch.setattr(gate_request, "setting", lambda name: "")
    assert gate_request.main(["tiny", "--email", EMAIL]) == 2
    assert "Where are the requests?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "package",
    [
        "--index-url=https://evil.example", "-r", "../x", "x/y", "x @ https://evil.example/x.whl",
        "http://example.com/x.zip", "x\npypi:y", 'x",y', "git+https://example.com/x", "x; os.name",
    ],
    ids=range(10),
)  # fmt: skip
def test_what_is_no_request_goes_nowhere(package: str) -> None:
    with pytest.raises(gate_request.Refused):
        gate_request.wanted(package, "")


def test_an_address_that_is_none_is_refused(notebook: Notebook) -> None:
    assert gate_request.main(["tiny", "--email", "jo@example.com\nx,pypi:x"]) == 1
    assert notebook.requests.count("\n") == 1
