"""The GitHub publisher under attack: the token, hostile surroundings, kills."""

import base64
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from package_gate.core.errors import PublishError
from package_gate.publishers.git import Remote, repository
from tests.fakes.git_server import Fault, git_server
from tests.kill.processes import descendants
from tests.publishers.github_world import (
    SAMPLE,
    TOKEN,
    World,
    archive_request,
    github_world,
    published,
    pypi_request,
    wheel,
)

PUSH = "POST /organisation/packages.git/git-receive-pack"
PROJECT = Path(__file__).parents[2]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with github_world(tmp_path) as running:
        yield running


# The token


@contextmanager
def watched_processes() -> Iterator[dict[str, bytes]]:
    """Collect command line and environment of what this process starts meanwhile, by its name."""
    seen: dict[str, bytes] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for process in (Path("/proc", str(pid)) for pid in descendants(os.getpid())):
                try:
                    command = (process / "cmdline").read_bytes()
                    seen[f"{process.name} {command!r}"] = (
                        command + (process / "environ").read_bytes()
                    )
                except OSError:
                    continue
            time.sleep(0.002)  # leave the processors to those who are watched

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def spellings(token: str) -> list[bytes]:
    plain = token.encode()
    return [plain, base64.b64encode(plain), base64.b64encode(b"gate-user:" + plain)]


def test_the_token_is_in_no_process_no_file_and_no_history(world: World) -> None:
    on_disk: list[bytes] = []

    def look_at_scratch() -> None:
        for path in world.settings.scratch.rglob("*"):
            if path.is_file():
                on_disk.append(path.read_bytes())

    world.server.faults.append(Fault(PUSH, before=look_at_scratch, times=99))
    alpha = world.package("alpha", [wheel("alpha", "1.0")])
    sample = world.archive("sample", SAMPLE)
    publisher = world.publisher()
    with watched_processes() as seen:
        said = [publisher.publish(sample), publisher.publish(alpha)]
        said.append(publisher.offer(archive_request("sample"), [published(sample)]))
        said.append(publisher.offer(pypi_request("alpha", "alpha"), [published(alpha)]))
        publisher.withdraw(published(alpha))

    objects = subprocess.run(
        ["git", "cat-file", "--batch-all-objects", "--batch"],
        cwd=world.repository,
        capture_output=True,
        check=True,
    ).stdout
    lines = "\n".join(request.line for request in world.server.requests).encode()
    assert any("git-remote-http" in process for process in seen), "the watcher saw no git"
    assert len(on_disk) > 20, "nothing of scratch was looked at"
    assert b"packages/alpha" in objects
    for secret in spellings(TOKEN):
        for place in (*seen.values(), *on_disk, objects, lines, "\n".join(said).encode()):
            assert secret not in place


def test_a_server_that_repeats_the_token_does_not_get_it_into_a_message(world: World) -> None:
    script = world.repository / "hooks" / "pre-receive"
    echoed = "".join(f"echo {secret.decode()} >&2\n" for secret in spellings(TOKEN))
    script.write_text(f"#!/bin/sh\n{echoed}exit 1\n")

    with pytest.raises(PublishError, match=r"\[token\]") as caught:
        world.publisher().publish(world.archive("sample", SAMPLE))
    assert not any(secret.decode() in str(caught.value) for secret in spellings(TOKEN))


@pytest.mark.parametrize("request_line", ["GET", PUSH])
def test_a_redirect_is_not_followed_with_the_token(
    world: World, tmp_path: Path, request_line: str
) -> None:
    with git_server(tmp_path / "elsewhere", "other") as elsewhere:
        target = f"https://127.0.0.1:{elsewhere.port}/organisation/packages.git"
        for end in ("/info/refs?service=git-upload-pack", "/git-receive-pack"):
            fault = Fault(request_line, status=307, location=target + end, times=99)
            world.server.faults.append(fault)

        with pytest.raises(PublishError, match="redirects organisation/packages"):
            world.publisher().publish(world.archive("sample", SAMPLE))
        assert not elsewhere.requests


def test_the_token_answers_one_question_only(world: World) -> None:
    remote = Remote("git.example.test", "a/b", "user", "user@example.test", TOKEN)
    reading, writing = os.pipe()
    os.write(writing, f"{TOKEN}\n".encode())
    os.close(writing)

    def ask(folder: Path, question: str) -> str:
        done = subprocess.run(
            [folder / "askpass", question],
            env={"PATH": os.defpath, "TOKEN_FD": str(reading)},
            pass_fds=(reading,),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    with repository(remote, world.settings.scratch) as git:
        assert ask(git.folder, "Password for 'https://user@evil.example': ") == ""
        assert ask(git.folder, "Username for 'https://git.example.test': ") == ""
        assert ask(git.folder, "Password for 'https://user@git.example.test': ") == f"{TOKEN}\n"
    os.close(reading)


def test_the_publisher_and_its_remote_do_not_show_the_token(world: World) -> None:
    remote = Remote("git.example.test", "a/b", "user", "user@example.test", TOKEN)
    assert TOKEN not in repr(remote)
    assert TOKEN not in repr(world.publisher())


# Hostile surroundings


def test_nothing_around_the_gate_changes_what_git_does(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for hook in ("pre-push", "post-commit", "reference-transaction", "pre-commit"):
        (hooks / hook).write_text(f"#!/bin/sh\ntouch {ran}\n")
        (hooks / hook).chmod(0o755)
    config = (
        f"[core]\n hooksPath = {hooks}\n askPass = touch {ran}\n"
        f"[credential]\n helper = !touch {ran}\n"
        '[url "https://localhost:9/"]\n insteadOf = https://\n'
        "[commit]\n gpgSign = true\n[user]\n name = Evil\n"
        f"[http]\n proxy = http://localhost:9\n extraHeader = X-Evil: 1\n"
    )
    for folder in (tmp_path, world.settings.scratch):
        (folder / ".gitconfig").write_text(config)
        (folder / ".netrc").write_text("machine localhost login evil password evil\n")
        (folder / ".gitattributes").write_text("* text eol=crlf\n")
        (folder / ".git").mkdir()
        (folder / ".git" / "config").write_text(config)
    with monkeypatch.context() as around:
        around.chdir(tmp_path)
        for name, value in {
            "HOME": str(tmp_path),
            "XDG_CONFIG_HOME": str(tmp_path),
            "GIT_CONFIG_GLOBAL": str(tmp_path / ".gitconfig"),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.hooksPath",
            "GIT_CONFIG_VALUE_0": str(hooks),
            "GIT_DIR": str(tmp_path / "nowhere"),
            "GIT_ASKPASS": "/bin/false",
            "GIT_TRACE_CURL": str(tmp_path / "trace"),
            "https_proxy": "http://localhost:9",
            "GIT_SSL_NO_VERIFY": "1",
        }.items():
            around.setenv(name, value)
        world.publisher().publish(world.archive("sample", SAMPLE))

    assert world.content("sample", "sample.py") == b"ANSWER = 42\r\n"
    assert "author gate-user <gate@" in world.git("cat-file", "commit", "sample")
    assert not ran.exists()
    assert not (tmp_path / "trace").exists()


def test_a_proxy_is_used_when_it_is_set(world: World) -> None:
    with pytest.raises(PublishError, match="can't be reached"):
        world.publisher(proxy="http://localhost:9").publish(world.archive("sample", SAMPLE))
    assert not world.server.requests


def test_the_server_is_verified_with_the_given_authority(tmp_path: Path) -> None:
    with github_world(tmp_path) as world:
        package = world.archive("sample", SAMPLE)

        with pytest.raises(PublishError, match="CA bundle"):
            world.publisher(ca_bundle=None).publish(package)
        assert not world.server.requests
        assert world.publisher().publish(package).startswith("https://localhost:")


def test_beside_a_given_authority_none_of_the_system_is_trusted(tmp_path: Path) -> None:
    remote = Remote("github.test", "a/b", "me", "me@example.com", TOKEN, ca_bundle=Path("/ca.pem"))
    with repository(replace(remote, program_path=os.environ["PATH"]), tmp_path) as one:
        folder = Path(one._run("config", "--get", "http.sslCAPath").decode().strip())
        assert list(folder.iterdir()) == []
        assert one._run("config", "--get", "http.sslCAInfo").decode().strip() == "/ca.pem"


# Kills and hangs


def test_scratch_is_empty_after_success_and_after_failure(world: World) -> None:
    world.publisher().publish(world.archive("sample", SAMPLE))
    assert list(world.settings.scratch.iterdir()) == []

    with pytest.raises(PublishError):
        world.publisher(token="wrong").publish(world.archive("sample", SAMPLE))
    assert list(world.settings.scratch.iterdir()) == []


def test_a_server_that_hangs_is_given_up_and_no_git_stays_behind(world: World) -> None:
    go_on = threading.Event()
    world.server.faults.append(Fault("GET", before=lambda: _wait(go_on), times=99))

    with pytest.raises(PublishError, match=r"took longer than 0\.3 s"):
        world.publisher(timeout_seconds=0.3).publish(world.archive("sample", SAMPLE))
    go_on.set()

    deadline = time.monotonic() + 10  # what was killed needs a moment to die
    while (left := _with_home_below(world.settings.scratch)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == []


def _with_home_below(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        if b"HOME=" + str(folder).encode() in environment:
            found.append(process.name)
    return found


def _wait(event: threading.Event) -> None:
    event.wait(20)


RUN = """\
import sys
from pathlib import Path
from tests.publishers.github_world import *
folder, host, ca_file, path = sys.argv[1:]
server = GitServer(int(host.split(":")[1]), Path(folder), TOKEN, Path(ca_file))
settings = GitHubSettings(host=host, owner="organisation", repository="packages",
    ca_bundle=Path(ca_file),
    username="gate-user", email="gate@example.test", token=TOKEN, scratch=Path(folder) / "scratch",
    program_path=path)
world = World(Path(folder), server, Path(folder), settings)
alpha = world.package("alpha", [wheel("alpha", "1.0")])
world.publisher().publish(alpha)
world.publisher().offer(pypi_request("alpha", "alpha"), [published(alpha)])
world.publisher().publish(world.archive("sample", SAMPLE))
"""


@pytest.mark.parametrize(("push", "moment"), [(1, "after"), (2, "before"), (3, "after")])
def test_a_kill_at_any_push_is_made_good_by_the_next_run(
    world: World, push: int, moment: str
) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        _wait(go_on)

    for _ in range(push - 1):
        world.server.faults.append(Fault(PUSH))
    world.server.faults.append(Fault(PUSH, before=hold, reset_before=moment == "before"))
    arguments = [
        *(str(world.folder), world.server.host, str(world.server.ca_file), os.environ["PATH"])
    ]
    command = [sys.executable, "-c", RUN, *arguments]
    with subprocess.Popen(command, cwd=PROJECT) as killed:
        assert reached.wait(30)
        killed.send_signal(signal.SIGKILL)
    go_on.set()
    _until(lambda: not any(world.settings.scratch.rglob("*.lock")))

    subprocess.run(command, cwd=PROJECT, check=True)
    subprocess.run(command, cwd=PROJECT, check=True)

    heads = world.git("for-each-ref", "--format=%(refname:short)").split()
    assert heads == ["pypi-packages/alpha/1.0", "pypi/alpha", "sample"]
    assert [world.commits(head) for head in heads] == [1, 1, 1]
    assert "requirements.txt" in world.files("pypi/alpha")


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
