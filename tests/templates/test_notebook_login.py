"""The notebook's lifecycle script: run as SageMaker would, in a clean home, against the fakes."""

import base64
import gzip
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from traitlets.config.loader import PyFileConfigLoader

from tests import programs
from tests.fakes.aws import AWS, DOMAIN, REGION, REPOSITORY
from tests.fakes.codeartifact import ACCOUNT
from tests.fakes.package_index import wheel
from tests.local_run import PROJECT
from tests.templates.rendered import Rendered, render

REQUESTS = "https://github.com/organisation/package-requests"
SECONDS = 60


class Notebook:
    """A notebook's user with an empty home, as the lifecycle script meets it."""

    def __init__(self, aws: AWS, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.script = folder / "OnStart"
        self.script.write_text(lifecycle_script())
        # Commands of the script that change who runs it: here the user is this process's.
        self.program("id", "echo ec2-user")
        python = Path(sys.executable).parent
        path = (self.programs, programs.AWS_CLI, programs.pip(), python, "/usr/bin", "/bin")
        self.environment = {
            **aws.environment,
            "HOME": str(self.home),
            "PATH": ":".join(map(str, path)),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_CACHE_DIR": "1",
            "PIP_TARGET": str(self.home / "site"),
        }
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE"):
            del self.environment[name]

    def program(self, name: str, text: str) -> None:
        """Put a program in front of the machine's own."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def start(self) -> None:
        """Run the script, and wait until it is logged in or has told why not."""
        done = self.run("bash", str(self.script))
        assert done.returncode == 0, done.stderr
        until = time.monotonic() + SECONDS
        while not self.log.endswith(("CodeArtifact\n", "five minutes\n")):
            assert time.monotonic() < until, self.log
            time.sleep(0.05)

    @property
    def log(self) -> str:
        path = self.home / ".package-gate" / "login.log"
        return path.read_text() if path.exists() else ""

    def stop(self) -> None:
        """End what the script left running."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if f"HOME={self.home}".encode() in (process / "environ").read_bytes():
                    os.kill(int(process.name), 9)
            except (OSError, ValueError):
                continue


def lifecycle_script(**parameters: str) -> str:
    return of_sagemaker(stack(**parameters), "LifecycleConfig", "OnStart")


def of_sagemaker(stack: Rendered, name: str, hook: str) -> str:
    """Read a script as SageMaker does."""
    content: str = stack.resources[name].properties[hook][0]["Content"]
    assert len(content) <= 16384, "SageMaker's limit for a lifecycle script"
    return base64.b64decode(content).decode()


def stack(**parameters: str) -> Rendered:
    return render(
        "isolated-notebook.yaml",
        {
            "DomainName": DOMAIN,
            "DomainOwner": ACCOUNT,
            "RepositoryName": REPOSITORY,
            "PackageAssetsBucket": "assets-of-codeartifact",
            "RequestsAddress": REQUESTS,
            "S3PrefixList": "pl-0123456789abcdef0",
            **parameters,
        },
        region=REGION,
    )


@pytest.fixture
def notebook(aws: AWS, tmp_path: Path) -> Iterator[Notebook]:
    approve(aws, tmp_path)
    notebook = Notebook(aws, tmp_path)
    yield notebook
    notebook.stop()
    assert aws.codeartifact.rejected == []


def approve(aws: AWS, folder: Path) -> None:
    """Publish a wheel as the gate does."""
    name, content = wheel(
        "approved", "1.0", b"Metadata-Version: 2.1\nName: approved\nVersion: 1.0\n"
    )
    path = folder / name
    path.write_bytes(content)
    token = aws.client("codeartifact").get_authorization_token(domain=DOMAIN, domainOwner=ACCOUNT)
    subprocess.run(
        [sys.executable, "-m", "twine", "upload", "--non-interactive", str(path)],
        env={
            **os.environ,
            "NO_PROXY": "*",
            "TWINE_REPOSITORY_URL": f"{aws.codeartifact.pypi.url}/pypi/{REPOSITORY}/",
            "TWINE_USERNAME": "aws",
            "TWINE_PASSWORD": token["authorizationToken"],
        },
        check=True,
        capture_output=True,
    )


def test_pip_installs_what_is_approved_and_tells_how_to_ask_for_the_rest(
    notebook: Notebook,
) -> None:
    notebook.start()
    installed = notebook.run("bash", "-ic", "pip install approved")
    assert installed.returncode == 0, installed.stderr
    assert (notebook.home / "site" / "approved").is_dir()
    missing = notebook.run("bash", "-ic", "pip install nobody-approved-this")
    assert missing.returncode == 1
    assert "No matching distribution found" in missing.stderr
    assert "external-package-request.csv" in missing.stderr
    assert REQUESTS in missing.stderr


@pytest.mark.parametrize(
    ("name", "application"),
    [("jupyter_server_config", "ServerApp"), ("jupyter_notebook_config", "NotebookApp")],
)
def test_a_terminal_of_jupyter_tells_it_too(
    notebook: Notebook, name: str, application: str
) -> None:
    """Jupyter starts `sh` where nothing else is configured, which reads no `.bashrc`."""
    own = notebook.home / ".jupyter" / f"{name}.py"
    own.parent.mkdir()
    own.write_text("c.NotebookApp.terminado_settings = {}\nc.ServerApp.port = 8443")
    notebook.start()
    notebook.run("bash", str(notebook.script))
    assert own.read_text().count("shell_command") == 1
    config = PyFileConfigLoader(own.name, str(own.parent)).load_config()
    assert config.ServerApp.port == 8443
    terminal = config[application].terminado_settings["shell_command"]
    missing = notebook.run(*terminal, "-ic", "pip install nobody-approved-this")
    assert REQUESTS in missing.stderr


@pytest.mark.parametrize("mark", ["%", "!"], ids=["magic", "shell"])
def test_pip_in_a_notebook_cell_tells_it_too(notebook: Notebook, mark: str) -> None:
    notebook.start()
    cell = f"{mark}pip install nobody-approved-this"
    missing = notebook.run("ipython", "--colors=nocolor", "-c", cell)
    assert REQUESTS in missing.stdout, missing.stdout + missing.stderr
    installed = notebook.run("ipython", "--colors=nocolor", "-c", f"{mark}pip install approved")
    assert REQUESTS not in installed.stdout
    assert "Successfully installed approved-1.0" in installed.stdout


def test_only_the_user_can_read_the_token_and_nothing_else_holds_it(notebook: Notebook) -> None:
    (notebook.home / ".netrc").write_text("machine example.com login jo password theirs\n")
    notebook.start()
    netrc = notebook.home / ".netrc"
    lines = netrc.read_text().splitlines()
    assert lines[0] == "machine example.com login jo password theirs"
    token = lines[1].rpartition(" ")[2]
    assert len(lines) == 2
    assert len(token) > 20
    holders = [
        path
        for path in notebook.home.rglob("*")
        if path.is_file() and token in path.read_text(errors="replace")
    ]
    assert holders == [netrc]
    assert stat.S_IMODE(netrc.stat().st_mode) == 0o600
    assert "aws:" not in (notebook.home / ".config/pip/pip.conf").read_text()


def test_a_second_start_renews_the_token_and_repeats_nothing(notebook: Notebook) -> None:
    notebook.start()
    first = (notebook.home / ".netrc").read_text()
    notebook.stop()
    (notebook.home / ".package-gate/login.log").unlink()
    notebook.start()
    second = (notebook.home / ".netrc").read_text()
    assert second != first
    assert len(second.splitlines()) == 1
    assert (notebook.home / ".bashrc").read_text().count("package-gate") == 1


def test_a_refused_login_is_told_in_the_log_and_the_notebook_starts_all_the_same(
    notebook: Notebook, aws: AWS
) -> None:
    notebook.environment["AWS_ENDPOINT_URL_CODEARTIFACT"] = "http://127.0.0.1:9"
    notebook.environment["AWS_MAX_ATTEMPTS"] = "1"
    notebook.start()
    assert "Could not connect to the endpoint URL" in notebook.log
    assert "login failed; the next try is in five minutes" in notebook.log
    assert not (notebook.home / ".netrc").exists()


def test_root_hands_the_script_to_the_notebooks_user(notebook: Notebook) -> None:
    notebook.program("id", f"test -e {notebook.home}/switched && echo ec2-user || echo root")
    notebook.program(
        "runuser",
        f'echo "$1 $2 $3" > {notebook.home}/switched; shift 3; exec "$@"',
    )
    notebook.program("getent", f"echo ec2-user:x:1000:1000::{notebook.home}:/bin/bash")
    jupyter = notebook.home / ".jupyter/jupyter_server_config.py"
    notebook.program("systemctl", f'test -s {jupyter} && echo "$*" > {notebook.home}/restarted')
    notebook.start()
    assert (notebook.home / "switched").read_text() == "-u ec2-user --\n"
    assert (notebook.home / ".netrc").exists()
    # Jupyter may have been up before its configuration was written.
    assert (notebook.home / "restarted").read_text() == "--no-block try-restart jupyter-server\n"


def test_git_signs_in_to_codecommit_with_the_role_and_to_nothing_else(notebook: Notebook) -> None:
    """CodeCommit's "Setup steps for HTTPS connections with the AWS CLI credential helper"."""
    notebook.script.write_text(lifecycle_script(CodeCommitRepository="package-requests"))
    notebook.start()
    host = f"https://git-codecommit.{REGION}.amazonaws.com"
    told = notebook.run("git", "config", "--global", "--list").stdout.splitlines()
    assert told == [
        f"credential.{host}.helper=!aws codecommit credential-helper $@",
        f"credential.{host}.usehttppath=true",
    ]
    hint = (notebook.home / ".package-gate" / "hint").read_text()
    assert f"{host}/v1/repos/package-requests" in hint
    filled = subprocess.run(
        ["git", "credential", "fill"],
        input=f"url={host}/v1/repos/package-requests\n\n",
        env={**notebook.environment, "GIT_TERMINAL_PROMPT": "0"},
        cwd=notebook.home, capture_output=True, text=True, check=False, timeout=SECONDS,
    )  # fmt: skip
    assert f"username={notebook.environment['AWS_ACCESS_KEY_ID']}" in filled.stdout, filled.stderr
    assert "password=" in filled.stdout


VERIFY = PROJECT / "notebook" / "verify.py"
PLACE = f"codeartifact://{DOMAIN}/{REPOSITORY}"
TRUST = f'{{"verifier": "urn:package-gate", "repository": "{PLACE}", "keys": []}}'


def signing() -> dict[str, str]:
    """Parameters as the create script makes them."""
    packed = base64.b64encode(gzip.compress(VERIFY.read_bytes(), 9, mtime=0)).decode()
    pieces = {f"Verify{each + 1}": packed[4096 * each : 4096 * (each + 1)] for each in range(3)}
    return {**pieces, "TrustFile": base64.b64encode(TRUST.encode()).decode()}


def give_verify(notebook: Notebook, *, there: bool = True) -> None:
    """Let SageMaker have the script that holds verify.py, and the notebook its own."""
    made = stack(**signing())
    script = of_sagemaker(made, "VerifyScript", "OnCreate")
    assert subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout == b""
    name = made.resources["VerifyScript"].attributes["NotebookInstanceLifecycleConfigName"]
    content = notebook.home.parent / "content"
    content.write_text(base64.b64encode(script.encode()).decode())
    asked = "describe-notebook-instance-lifecycle-config --notebook-instance-lifecycle-config-name"
    notebook.program(
        "aws",
        f'[ "$1" = sagemaker ] || exec {programs.AWS_CLI}/aws "$@"\n'
        f'[ "$*" = "sagemaker {asked} {name} --query OnCreate[0].Content --region {REGION} '
        f'--output text" ] || {{ echo "$*" >&2; exit 2; }}\n'
        + (f"cat {content}" * there or "exit 1"),
    )
    notebook.script.write_text(lifecycle_script(**signing()))


def test_verify_and_whom_it_believes_come_with_the_lifecycle_script(notebook: Notebook) -> None:
    give_verify(notebook)
    notebook.start()
    tools = notebook.home / ".package-gate"
    assert (tools / "verify.py").read_bytes() == VERIFY.read_bytes()
    assert (tools / "trust.json").read_text() == TRUST
    told = notebook.run(sys.executable, str(tools / "verify.py"), "--dry-run", "approved")
    assert told.stderr.startswith("verify: refused (standing list): The repository has no standing")


def test_they_are_roots_where_root_runs_the_script(notebook: Notebook) -> None:
    give_verify(notebook)
    etc = notebook.home / "etc"
    script = notebook.script.read_text().replace("/etc/package-gate", str(etc))
    notebook.script.write_text(script)
    user = f"test -e {notebook.home}/switched"
    notebook.program(
        "id", f'{user} && echo ec2-user || {{ [ "$1" = -u ] && echo 0 || echo root; }}'
    )
    notebook.program("runuser", f'touch {notebook.home}/switched; shift 3; exec "$@"')
    notebook.program("getent", f"echo ec2-user:x:1000:1000::{notebook.home}:/bin/bash")
    notebook.program("systemctl", "true")
    notebook.start()
    assert sorted(path.name for path in etc.iterdir()) == ["trust.json", "verify.py"]
    assert not (notebook.home / ".package-gate" / "verify.py").exists()
    assert stat.S_IMODE((etc / "verify.py").stat().st_mode) & 0o044 == 0o044


def test_a_notebook_that_can_not_fetch_verify_starts_all_the_same(notebook: Notebook) -> None:
    give_verify(notebook, there=False)
    done = notebook.run("bash", str(notebook.script))
    assert (done.returncode, "verify.py could not be fetched" in done.stderr) == (0, True)
    assert not (notebook.home / ".package-gate" / "verify.py").exists()


def test_a_notebook_whose_gate_signs_no_more_has_neither(notebook: Notebook) -> None:
    give_verify(notebook)
    notebook.start()
    notebook.stop()
    notebook.script.write_text(lifecycle_script())
    (notebook.home / ".package-gate" / "login.log").unlink()
    notebook.start()
    left = {path.name for path in (notebook.home / ".package-gate").iterdir()}
    assert not {"trust.json", "verify.py"} & left
    assert "VerifyScript" not in stack().resources
