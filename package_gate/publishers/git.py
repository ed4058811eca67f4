"""Real git against one remote, so that neither its environment nor a package can act on it.

Every operation works in a fresh bare repository that is thrown away afterwards. Nothing is ever
checked out: commits are made of objects (`hash-object`, `update-index --index-info`,
`write-tree`, `commit-tree`), so hooks, filters and attributes have nowhere to run. No
configuration of the system, the user or the package is read. It needs git 2.32 or later.

The token reaches git through `GIT_ASKPASS` and a pipe. A pipe is on no disk, in no environment
and in no argument list, and it ends with the process that holds it; a file would outlive a kill,
and an environment is inherited by every descendant and printed by `ps e`.
"""

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from package_gate.core.child import tied
from package_gate.core.errors import PublishError
from package_gate.publishers.git_errors import (
    TryAgainError,
    lost_race,
    push_error,
    scrubbed,
    server_error,
)

_CONFIG = {
    "commit.gpgSign": "false",
    "core.fsync": "none",  # a throw-away repository: syncing every object only costs time
    "core.hooksPath": os.devnull,
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "core.symlinks": "false",
    "credential.helper": "",
    "gc.auto": "0",
    "http.followRedirects": "false",  # another host must not be sent the token
    "http.lowSpeedLimit": "1",  # bytes a second; a server that still works sends a sign of life
    "http.lowSpeedTime": "180",
    "http.sslVerify": "true",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "protocol.https.allow": "always",
    "transfer.fsckObjects": "true",
}

_ASKPASS = """\
#!/bin/sh
# Prints the token that stands in an inherited pipe, in answer to this one question.
[ "$1" = {question} ] || exit 1
IFS= read -r token < "/dev/fd/$TOKEN_FD" && printf '%s\\n' "$token"
"""

# A git process asks once, or once more for each child that fetches.
_ANSWERS = 8


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository on a server, and who goes there."""

    host: str
    """With `:PORT` when it is not that of HTTPS."""
    path: str
    """`OWNER/REPOSITORY`."""
    username: str
    email: str
    token: str = field(repr=False)
    ca_bundle: Path | None = None
    """All that is trusted; None for what git trusts by itself."""
    proxy: str = ""
    """`http://HOST:PORT`, or "" for none."""
    program_path: str = os.defpath
    """`PATH` on which git is looked for."""
    timeout_seconds: float = 900.0
    """One git command, by the clock."""

    @property
    def address(self) -> str:
        """Where people and pip reach it, without the user."""
        return f"https://{self.host}/{self.path}.git"


@dataclass(frozen=True, slots=True)
class Tip:
    """The last commit of a branch."""

    commit: str
    tree: str
    message: str


class Repository:
    """A bare repository in a scratch folder; made by `repository()`."""

    def __init__(self, folder: Path, remote: Remote) -> None:
        self.folder = folder
        self.remote = remote
        self._git_dir = folder / "repository"
        self._home = folder / "home"
        self._askpass = folder / "askpass"
        self._home.mkdir()
        who = f"https://{remote.username}@{remote.host}"
        question = shlex.quote(f"Password for '{who}': ")
        self._askpass.write_text(_ASKPASS.format(question=question))
        self._askpass.chmod(0o700)
        self._config = {
            **_CONFIG,
            "remote.origin.url": f"{who}/{remote.path}.git",
        }
        if remote.ca_bundle:
            # Nor the system's, which git would trust besides and read at each connection.
            nothing = folder / "no-certificates"
            nothing.mkdir()
            self._config["http.sslCAInfo"] = str(remote.ca_bundle)
            self._config["http.sslCAPath"] = str(nothing)
        if remote.proxy:
            self._config["http.proxy"] = remote.proxy
        self._run("init", "--quiet", "--bare", "--template=", str(self._git_dir))

    def heads(self) -> dict[str, str]:
        """Every branch of the remote with the commit it points to.

        Raises:
            PublishError: the server does not answer, or does not let us in.
        """
        lines = self._talk("ls-remote", "--heads", "origin").decode("utf-8", "replace")
        pairs = (line.split("\t", 1) for line in lines.splitlines())
        return {name.removeprefix("refs/heads/"): commit for commit, name in pairs}

    def fetch(self, branches: Iterable[str], largest_file: int = 0) -> dict[str, Tip]:
        """Fetch the tips of branches that exist: commit, trees, and files up to a size in bytes.

        Servers without object filters send all files; that is slower and not wrong.

        Raises:
            PublishError: as `heads`, or a branch has gone meanwhile.
        """
        names = list(branches)
        if not names:
            return {}
        specs = "".join(f"+refs/heads/{name}:refs/remotes/origin/{name}\n" for name in names)
        self._talk(
            *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--depth=1"),
            *(f"--filter=blob:limit={largest_file}", "--stdin", "origin"),
            stdin=specs.encode(),
        )
        return {name: self._tip(f"refs/remotes/origin/{name}") for name in names}

    def _tip(self, name: str) -> Tip:
        commit = self._run("rev-parse", "--verify", f"{name}^{{commit}}").decode().strip()
        raw = self._run("cat-file", "commit", commit).decode("utf-8", "replace")
        header, _, message = raw.partition("\n\n")
        return Tip(commit, header.split("\n", 1)[0].removeprefix("tree "), message)

    def entries(self, tip: Tip, folder: str = "") -> dict[str, str]:
        """What stands in a folder of a commit (its root when ""): name → object id."""
        tree = f"{tip.commit}:{folder}" if folder else tip.tree
        found = {}
        for entry in self._run("ls-tree", "-z", tree).split(b"\0")[:-1]:
            described, _, name = entry.partition(b"\t")
            found[os.fsdecode(name)] = described.split()[2].decode()
        return found

    def files(self, tip: Tip) -> dict[bytes, str]:
        """All files of a commit: path → object id."""
        listed = self._run("ls-tree", "-r", "-z", tip.tree).split(b"\0")[:-1]
        described = (entry.partition(b"\t") for entry in listed)
        return {path: words.split()[2].decode() for words, _, path in described}

    def read(self, blob: str) -> bytes:
        """Give a file's bytes; it must have been fetched."""
        return self._run("cat-file", "blob", blob)

    def write(self, content: bytes) -> str:
        """Store a file's bytes as they are and give the object id."""
        written = self._run("hash-object", "-w", "--no-filters", "--stdin", stdin=content)
        return written.decode().strip()

    def write_files(self, paths: list[bytes]) -> list[str]:
        """Store regular files as they are and give the object ids in the same order."""
        lines = b"".join(_quoted(path) + b"\n" for path in paths)
        written = self._run("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=lines)
        return written.decode().split()

    def write_tree(self, files: Mapping[bytes, str]) -> str:
        """Store a tree of plain, never executable files (path → object id) and give its id.

        Raises:
            PublishError: git refuses a path, such as one that leads into a `.git` folder.
        """
        (self._git_dir / "index").unlink(missing_ok=True)
        info = b"".join(b"100644 %s\t%s\0" % (blob.encode(), p) for p, blob in files.items())
        status, _, errors = self._start("update-index", "-z", "--add", "--index-info", stdin=info)
        if status or errors:
            # It leaves out paths that it refuses, says so, and gives no other sign.
            raise PublishError(f"git refuses a path: {self._scrub(errors).strip()[:300]}")
        # The blobs of an earlier push are on the server only.
        return self._run("write-tree", "--missing-ok").decode().strip()

    def commit(self, tree: str, parent: Tip | None, message: str, when: datetime) -> str:
        """Store a commit, dated `when`, and give its id: the same for the same arguments."""
        identity = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (
                ("NAME", self.remote.username),
                ("EMAIL", self.remote.email),
                ("DATE", f"@{int(when.timestamp())} +0000"),
            )
        }
        parents = ("-p", parent.commit) if parent else ()
        arguments = ("commit-tree", tree, *parents, "-F", "-")
        made = self._run(*arguments, stdin=message.encode(), environment=identity)
        return made.decode().strip()

    def push(self, branch: str, commit: str, ask: Callable[[], None]) -> None:
        """Move a branch forward to a commit on its tip; never a forced push.

        Args:
            branch: its name.
            commit: the commit's id.
            ask: raises `TurnError` when it is not this run's turn to publish.

        Raises:
            TryAgainError: the branch has moved meanwhile, or the connection broke.
            PublishError: the server refuses.
        """
        status, output, errors = self._start(
            *("push", "--porcelain", "origin", f"{commit}:refs/heads/{branch}"),
            token=True,
            ask=ask,
        )
        if status == 0:
            return
        said = self._scrub(errors)
        refusals = [line for line in self._scrub(output).splitlines() if line.startswith("!")]
        if not refusals:
            raise server_error(said, self.remote.host, self.remote.path)
        refusal = refusals[0].split("\t")[-1]
        if lost_race(refusal, said):
            raise TryAgainError(
                f"Branch {branch} of {self.remote.path} kept moving while it was written: "
                "something else pushes to it. The next run tries again."
            )
        raise push_error(refusal, said, branch, self.remote.path)

    def check_branch(self, branch: str) -> None:
        """Raise `PublishError` for a name that git does not take for a branch."""
        status, _, _ = self._start("check-ref-format", f"refs/heads/{branch}")
        if status:
            raise PublishError(f"{branch!r} can't be a branch name; give the request another name.")

    def _talk(self, *arguments: str, stdin: bytes = b"") -> bytes:
        status, output, errors = self._start(*arguments, stdin=stdin, token=True)
        if status:
            raise server_error(self._scrub(errors), self.remote.host, self.remote.path)
        return output

    def _run(
        self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> bytes:
        status, output, errors = self._start(*arguments, stdin=stdin, environment=environment)
        if status:
            raise PublishError(f"git {arguments[0]} failed: {self._scrub(errors).strip()[:300]}")
        return output

    def _scrub(self, said: bytes) -> str:
        return scrubbed(said, self.remote.username, self.remote.token)

    def _start(
        self,
        *arguments: str,
        stdin: bytes = b"",
        token: bool = False,
        environment: Mapping[str, str] | None = None,
        ask: Callable[[], None] | None = None,
    ) -> tuple[int, bytes, bytes]:
        """Run git and give its status, output and errors; only `token=True` can log in."""
        settings = (f"{key}={value}" for key, value in self._config.items())
        command = ["git", *(part for setting in settings for part in ("-c", setting)), *arguments]
        env = {
            "PATH": self.remote.program_path,
            "HOME": str(self._home),
            "TMPDIR": str(self.folder),
            "LC_ALL": "C",
            "GIT_DIR": str(self._git_dir),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            **(environment or {}),
        }
        with _token_pipe(self.remote.token if token else "") as pipe:
            if token:
                env |= {"GIT_ASKPASS": str(self._askpass), "TOKEN_FD": str(pipe)}
            try:
                running = tied(
                    command,
                    folder=self.folder,
                    environment=env,
                    pass_fds=(pipe,) if token else (),
                    ask=ask,
                )
                with running as process:
                    output, errors = process.communicate(stdin, self.remote.timeout_seconds)
            except FileNotFoundError as error:
                raise PublishError(
                    f"git was not found on {self.remote.program_path}; install it."
                ) from error
            except subprocess.TimeoutExpired as error:
                raise PublishError(
                    f"git {arguments[0]} with {self.remote.host} took longer than "
                    f"{self.remote.timeout_seconds:g} s. The next run tries again."
                ) from error
        return process.returncode, output, errors


@contextmanager
def repository(remote: Remote, scratch: Path) -> Iterator[Repository]:
    """Give a fresh repository below `scratch`; it is removed afterwards.

    Raises:
        PublishError: it can't be made, or the disk fails in the block.
    """
    try:
        with tempfile.TemporaryDirectory(
            prefix="git-", dir=scratch, ignore_cleanup_errors=True
        ) as folder:
            yield Repository(Path(folder), remote)
    except OSError as error:
        raise PublishError(
            f"Preparing files for {remote.path} failed: {error.strerror}: {error.filename}."
        ) from error


@contextmanager
def _token_pipe(token: str) -> Iterator[int]:
    """Give the reading end of a pipe that holds the token, one line for each answer."""
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(f"{token}\n".encode() * _ANSWERS)
        yield reading
    finally:
        os.close(reading)


def _quoted(path: bytes) -> bytes:
    """Quote a path as git reads one on a line (C style, see git-config's core.quotePath)."""
    escaped = re.sub(rb"[^ !#-\[\]-~]", lambda match: b"\\%03o" % match[0][0], path)
    return b'"' + escaped + b'"'
