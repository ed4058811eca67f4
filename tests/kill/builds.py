"""A build of each target, with the services that it meets, ready to be killed."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import requests

from package_gate.attestations.attestor import Attestor
from package_gate.attestations.signers import FileSigner
from tests import preloaded
from tests.attestations.signed import write_key
from tests.aws_run import (
    CODEARTIFACT,
    CODEARTIFACT_VARIABLES,
    GITHUB,
    STATUS_SECONDS,
    ScriptRun,
    github_variables,
    script_run,
)
from tests.fakes.aws import aws_services
from tests.fakes.https_server import HTTPSServer, Responder, https_server, respond
from tests.fakes.package_index import PackageIndex
from tests.fakes.relay import HOLD_SECONDS, Relay, relay_to
from tests.kill.signed import SignedStore
from tests.kill.stores import CodeArtifactStore, Digests, GitHubStore, LocalStore, Store
from tests.local_run import PROJECT, LocalRun
from tests.publishers.github_world import github_world, zipped

STOPPER = Path(__file__).parent / "stopper"
TARGETS = ("local", "signed", "codeartifact", "github")
LEASE_SECONDS = "3"
"""Of the rerun: it must not wait a minute for the killed one's to run out."""
ARCHIVE = zipped({"tool-master/tool.py": b"x = 1\n"})


@dataclass
class Upstream:
    """What builds share, one after the other: the world that they fetch from, and moto."""

    server: HTTPSServer
    index: PackageIndex
    moto_url: str
    requests: str
    """An approved closure of two packages, an approved archive, a refused request, an undecided
    one, and a line that can't be read."""
    digests: Digests
    uv_cache: Path
    relay: Relay
    """Of the requests to the server; its answers are sent before it acts "after"."""


@contextmanager
def upstream(folder: Path, moto_url: str) -> Iterator[Upstream]:
    """Serve until the block ends."""
    with https_server(folder) as server:
        index = PackageIndex(server, prefix="/simple")
        index.add_wheel("app", "1.0", ["dep>=1"])
        index.add_wheel("dep", "1.5")
        index.add_wheel("holey", "2.0", ["dep"])
        index.add_wheel("fresh", "1.0", uploaded=datetime.now(UTC))
        server.routes["/tool.zip"] = respond(ARCHIVE)
        relay = Relay(server.url)
        server.routes.update({p: _relayed(relay, r) for p, r in server.routes.items()})
        files = {Path(url).name.split("-")[0]: body for url, body in index.contents.items()}
        yield Upstream(
            server,
            index,
            moto_url,
            f"app,pypi:app,jo@example.com\n"
            f"tool,{server.url}/tool.zip\n"
            "holey,pypi:holey==2.0,kim@example.com\n"
            "fresh,pypi:fresh==1.0\n"
            "this line has no source\n",
            Digests(
                app=sha256(files["app"]).hexdigest(),
                dep=sha256(files["dep"]).hexdigest(),
                tool=sha256(ARCHIVE).hexdigest(),
                never={name: files[name] for name in ("holey", "fresh")},
            ),
            folder / "uv-cache",
            relay,
        )


def _relayed(relay: Relay, responder: Responder) -> Responder:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        moment = relay.next_moment(f"{handler.command} {handler.path}\n")
        if moment is None or moment.after:
            responder(handler)
        if moment is not None and moment.act:
            moment.act()
            if moment.hold:
                moment.hold.wait(HOLD_SECONDS)
                if not moment.after:
                    responder(handler)
            handler.close_connection = True

    return respond


@dataclass
class Build:
    """One request file on its way through one target."""

    run: LocalRun
    store: Store
    requests: str
    relays: Mapping[str, Relay]
    """What its requests go through, by name."""
    arguments: tuple[str, ...] = ()
    runs: int = 0
    process: subprocess.Popen[bytes] | None = None
    _environment: dict[str, str] = field(default_factory=dict)

    @property
    def output(self) -> Path:
        return self.run.output

    @property
    def temporary(self) -> Path:
        """Its `TMPDIR`."""
        return self.run.folder / "tmp"

    def start(self, stop_at: str = "") -> subprocess.Popen[bytes]:
        """Begin a run in a session of its own.

        Args:
            stop_at: the operation before which it stops; see `stopper/sitecustomize.py`.
        """
        self.temporary.mkdir(exist_ok=True)
        self.runs += 1
        path = [str(STOPPER)] if isinstance(self.run, ScriptRun) else [str(STOPPER), str(PROJECT)]
        self.run.environment |= {
            "PYTHONPATH": ":".join(path),
            "TMPDIR": str(self.temporary),
            "KILL_OUTPUT": str(self.output),
            "KILL_LOG": str(self._log("operations")),
            "KILL_AT": stop_at,
        }
        with self._log("stdout").open("wb") as stdout, self._log("stderr").open("wb") as stderr:
            self.process = preloaded.Popen(
                self.run.command(self.requests, *self.arguments),
                env=self.run.environ(),
                cwd=self.run.folder / "cwd",
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        return self.process

    def rerun(self) -> int:
        """Run to the end, and give the exit status."""
        self.run.environment["PACKAGE_GATE_LEASE_SECONDS"] = LEASE_SECONDS
        return self.start().wait(STATUS_SECONDS)

    @staticmethod
    def overturn(run: LocalRun) -> None:
        """Let a hole in an approved package be known."""
        run.add_advisory("dep", "1.5", severity="CRITICAL")

    def other_refuses(self) -> int:
        """Run another build to the end that knows of the hole, and give its exit status.

        On one machine the lock of the output folder keeps it out, whatever it knows.
        """
        other: LocalRun = self.run
        if isinstance(self.run, ScriptRun):  # each build has a disk of its own
            other = self.run.another("other")
            other.add_advisory("holey", "2.0")
            self.overturn(other)
        other.environment["KILL_AT"] = ""  # which is for the run that stands still
        return other.run(self.requests, *self.arguments).returncode

    def text(self, stream: str) -> str:
        """What the latest run has written so far to `stdout` or `stderr`."""
        return self._log(stream).read_text(errors="replace")

    def operations(self) -> list[str]:
        """What the latest run did itself; see `stopper/sitecustomize.py`."""
        return self._log("operations").read_text().splitlines()

    def _log(self, name: str) -> Path:
        return self.run.folder / f"{name}-{self.runs}"


def stable(request: str) -> str:
    """Give that beginning of a request which is the same in every run."""
    line = request.split("\n", 1)[0]
    return re.sub(r"(?<= /records/).*|\?.*", "", line)


def requests_of(relay: Relay) -> Counter[str]:
    """How often each request came."""
    return Counter(map(stable, relay.requests))


@contextmanager
def build(target: str, folder: Path, upstream: Upstream) -> Iterator[Build]:
    """Make a build with empty services that end with the block."""
    folder.mkdir()
    upstream.relay.requests.clear()
    upstream.relay.moments.clear()
    with ExitStack() as stack:
        made = _MAKERS[target](folder, upstream, stack)
        made.run.environment["UV_CACHE_DIR"] = str(upstream.uv_cache)
        made.run.add_advisory("holey", "2.0")
        yield made
        if made.process is not None and made.process.poll() is None:
            made.process.kill()
            made.process.wait()


def _local(folder: Path, upstream: Upstream, stack: ExitStack) -> Build:
    run = LocalRun(folder, upstream.index)
    store = LocalStore(run.output, upstream.digests)
    relays = {"index": upstream.relay}
    return Build(run, store, upstream.requests, relays, ("--scanners", "osv"))


def _signed(folder: Path, upstream: Upstream, stack: ExitStack) -> Build:
    """A local run with a signer."""
    build = _local(folder, upstream, stack)
    key = write_key(folder / "key.pem")
    build.run.environment["PACKAGE_GATE_SIGNER"] = f"file:{key}"
    attestor = Attestor(FileSigner(key), (build.output / "simple").as_uri())
    return replace(build, store=SignedStore(build.output, upstream.digests, attestor))


def _codeartifact(folder: Path, upstream: Upstream, stack: ExitStack) -> Build:
    requests.post(f"{upstream.moto_url}/moto-api/reset", timeout=30).raise_for_status()
    aws = stack.enter_context(aws_services(upstream.moto_url))
    service = stack.enter_context(relay_to(aws.codeartifact.url))
    aws.environment["AWS_ENDPOINT_URL_CODEARTIFACT"] = service.url
    uploads = stack.enter_context(relay_to(aws.codeartifact.pypi.url))
    aws.codeartifact.pypi.url = uploads.url
    run = stack.enter_context(
        script_run(folder, upstream.index, aws, CODEARTIFACT, CODEARTIFACT_VARIABLES)
    )
    run.killed = True
    relays = {
        "index": upstream.relay,
        "S3 and SNS": run.relay,
        "CodeArtifact": service,
        "uploads": uploads,
    }
    return Build(run, CodeArtifactStore(run, upstream.digests), upstream.requests, relays)


def _github(folder: Path, upstream: Upstream, stack: ExitStack) -> Build:
    requests.post(f"{upstream.moto_url}/moto-api/reset", timeout=30).raise_for_status()
    aws = stack.enter_context(aws_services(upstream.moto_url))
    (folder / "git").mkdir()
    world = stack.enter_context(github_world(folder / "git"))
    git = stack.enter_context(relay_to(f"https://{world.server.host}"))
    host = git.url.removeprefix("https://").replace("127.0.0.1", "localhost")
    variables = {**github_variables(world), "PACKAGE_GATE_GITHUB_HOST": host}
    run = stack.enter_context(script_run(folder, upstream.index, aws, GITHUB, variables))
    run.killed = True
    relays = {"index": upstream.relay, "S3 and SNS": run.relay, "git": git}
    return Build(run, GitHubStore(run, upstream.digests, world), upstream.requests, relays)


_MAKERS = {"local": _local, "signed": _signed, "codeartifact": _codeartifact, "github": _github}
