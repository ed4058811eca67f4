"""A real `git http-backend` on a loopback port, as strict about its token as GitHub is."""

import base64
import os
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.fakes.authority import server_context, write_authority

FILE_LIMIT = 100 * 1024 * 1024

# As GitHub does: `receive.fsckObjects`, and no file over the limit in what is new.
_PRE_RECEIVE = """\
#!/bin/sh
while read -r old new ref; do
  git rev-list --objects "$new" --not --all |
    git cat-file --batch-check='%(objecttype) %(objectsize) %(rest)' |
    while read -r type size path; do
      if [ "$type" = blob ] && [ "$size" -gt LIMIT ]; then
        echo "error: GH001: Large files detected." >&2
        echo "error: File $path exceeds GitHub's file size limit" >&2
        exit 1
      fi
    done || exit 1
done
"""


@dataclass
class Fault:
    """Something that goes wrong."""

    when: str
    """Part of the request line for which it happens, such as `POST /owner/repo.git/git-receive`."""
    status: int = 0
    """The answer instead of git's; 0 for git's own."""
    location: str = ""
    """For a redirect."""
    reset_before: bool = False
    """Close the connection instead of asking git."""
    reset_after: bool = False
    """Let git do its work, then close the connection without an answer."""
    before: Callable[[], None] | None = None
    """Called before anything else: to push something else meanwhile, or to wait."""
    times: int = 1


@dataclass
class Seen:
    """One request."""

    line: str
    """Method and path with query."""
    authorization: str
    """Its header, "" for none."""
    authorised: bool
    """Whether that holds the token; git asks without it first."""
    received: int
    """Bytes of its body."""
    sent: int = 0
    """Bytes of the answer's body."""


@dataclass
class GitServer:
    """What a test sees of the server."""

    port: int
    folder: Path
    token: str
    ca_file: Path
    faults: list[Fault] = field(default_factory=list)
    requests: list[Seen] = field(default_factory=list)

    @property
    def host(self) -> str:
        """Host and port."""
        return f"localhost:{self.port}"

    def create(
        self, owner: str, name: str, *, file_limit: int = FILE_LIMIT, filters: bool = True
    ) -> Path:
        """Make an empty repository and return its folder."""
        repository = self.folder / owner / f"{name}.git"
        run_git("init", "--quiet", "--bare", "--template=", str(repository))
        with (repository / "config").open("a") as config:
            config.write(
                "[http]\n receivepack = true\n"
                "[receive]\n fsckObjects = true\n"
                # Partial clones ask for single objects.
                f"[uploadpack]\n allowFilter = {filters}\n allowAnySHA1InWant = true\n"
            )
        hook = repository / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(_PRE_RECEIVE.replace("LIMIT", str(file_limit)))
        hook.chmod(0o755)
        return repository

    def count(self, part: str) -> int:
        """How many authorised requests had this in their request line."""
        return sum(1 for seen in self.requests if seen.authorised and part in seen.line)


def run_git(*arguments: str, stdin: bytes = b"") -> str:
    """Run git as a test does, without anybody's configuration, and give its output."""
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{role}_NAME": "Somebody" for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": "somebody@example.test" for role in ("AUTHOR", "COMMITTER")},
    }
    done = subprocess.run(
        ["git", *arguments], input=stdin, env=environment, capture_output=True, check=True
    )
    return done.stdout.decode()


@contextmanager
def git_server(folder: Path, token: str) -> Iterator[GitServer]:
    """Serve the repositories below `folder` to whoever has the token, until the block ends."""
    folder.mkdir(exist_ok=True)
    context = server_context()
    ca_file = write_authority(folder)

    class Handler(_Handler):
        def setup(self) -> None:
            self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()

        def finish(self) -> None:
            super().finish()
            self.request.close()  # the listener closes only what was below TLS

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # clients of these tests hang up half-way on purpose

    with Quiet(("127.0.0.1", 0), Handler) as listener:
        server = GitServer(
            port=listener.server_address[1],
            folder=folder,
            token=token,
            ca_file=ca_file,
        )
        Handler.git = server
        thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    git: GitServer

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.close_connection = True
        line = f"{self.command} {self.path}"
        body = self._body()
        authorization = self.headers.get("Authorization", "")
        authorised = self._logged_in(authorization)
        self.seen = Seen(line, authorization, authorised, len(body))
        self.git.requests.append(self.seen)
        fault = self._fault(line) if authorised else None
        if fault and fault.before:
            fault.before()
        if fault and fault.reset_before:
            return
        if fault and fault.status:
            self._send(fault.status, {"Location": fault.location} if fault.location else {}, b"")
        elif not authorised:
            self._send(401, {"WWW-Authenticate": 'Basic realm="GitHub"'}, b"")
        elif not (self.git.folder / "/".join(self.path.split("/")[1:3])).is_dir():
            self._send(404, {}, b"Repository not found.")
        else:
            answer = self._backend(body)
            if not (fault and fault.reset_after):
                self._send_cgi(answer)

    def _fault(self, line: str) -> Fault | None:
        for fault in self.git.faults:
            if fault.when in line:
                fault.times -= 1
                if not fault.times:
                    self.git.faults.remove(fault)
                return fault
        return None

    def _logged_in(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        if scheme != "Basic":
            return False
        return base64.b64decode(encoded).decode().partition(":")[2] == self.git.token

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            body = b"".join(chunks)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = zlib.decompress(body, wbits=31)
        return body

    def _backend(self, body: bytes) -> bytes:
        address = urlsplit(self.path)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.git.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "REMOTE_USER": "token",
            "REMOTE_ADDR": "127.0.0.1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": address.path,
            "QUERY_STRING": address.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=environment, capture_output=True, check=False
        )
        return done.stdout

    def _send_cgi(self, answer: bytes) -> None:
        head, _, body = answer.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        status = int(headers.pop("Status", "200").split()[0])
        self._send(status, headers, body)

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.seen.sent = len(body)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass
