"""The `pypi` endpoint of fake CodeArtifact repositories: a real pypiserver behind a small proxy.

The proxy asks for `aws:TOKEN` with a token that was issued and has not expired, answers a second
upload of a file with 409, and lists what was uploaded as package versions.
"""

import base64
import hashlib
import socket
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion
from packaging.version import Version as PEP440Version
from werkzeug.datastructures import MultiDict
from werkzeug.formparser import parse_form_data
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.fakes.aws_service import Call
from tests.fakes.codeartifact_state import Asset, PackageKey, Version

with warnings.catch_warnings():  # the bottle in it warns of its own age
    warnings.simplefilter("ignore")
    import pypiserver  # type: ignore[import-untyped]  # it has no types
# Nobody needs its `bottle.ext`, and the importer for that makes every later import warn.
sys.meta_path[:] = [i for i in sys.meta_path if type(i).__name__ != "_ImportRedirect"]

if TYPE_CHECKING:
    from tests.fakes.codeartifact import CodeArtifact

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
OPERATION = "pypi:upload"
ANSWERS = {
    "throttle": HTTPStatus.TOO_MANY_REQUESTS,
    "internal-error": HTTPStatus.INTERNAL_SERVER_ERROR,
    "conflict": HTTPStatus.CONFLICT,
    "access-denied": HTTPStatus.FORBIDDEN,
}


class RefusedError(Exception):
    """An answer that is an error."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        """Answer with `status` and say `message`."""
        super().__init__(message)
        self.status = status
        self.message = message


class PyPIEndpoint:
    """All `pypi` repositories, below `/pypi/REPOSITORY/`."""

    def __init__(self, service: "CodeArtifact", folder: Path) -> None:
        """Keep files in `folder`, which is created."""
        self.url = ""
        """Without a slash at its end, once it runs."""
        self.reads: list[str] = []
        """The path of every request that is no upload."""
        self._service = service
        self._folder = folder
        self._servers: dict[str, Callable[[Environ, StartResponse], Iterable[bytes]]] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve until the block ends."""
        server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def status_changed(self, repository: str, version: Version) -> None:
        """Show or hide a version's files, as its new status says."""
        for asset in version.assets.values():
            if version.status in ("Deleted", "Disposed"):
                asset.path.unlink()
            else:
                place = self._visible if version.status == "Published" else self._hidden
                asset.path = asset.path.rename(place(repository) / asset.name)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        try:
            self._check_token(environ.get("HTTP_AUTHORIZATION", ""))
            repository, path = self._find(environ["PATH_INFO"])
            if environ["REQUEST_METHOD"] == "POST" and not path:
                return self._upload(repository, environ, start_response)
            self.reads.append(environ["PATH_INFO"])
            if path == "simple/":  # the service has no list of all projects
                raise RefusedError(HTTPStatus.NOT_FOUND, "no such page")
            if hidden := self._unlisted_file(repository, path):
                start_response("200 OK", [("Content-Length", str(hidden.stat().st_size))])
                return [hidden.read_bytes()]
            return self._forward(repository, path, environ, start_response)
        except RefusedError as refused:
            headers = [("Content-Type", "text/plain")]
            if refused.status is HTTPStatus.UNAUTHORIZED:
                headers.append(("WWW-Authenticate", 'Basic realm="CodeArtifact"'))
            start_response(f"{refused.status.value} {refused.status.phrase}", headers)
            return [refused.message.encode()]

    def _find(self, path: str) -> tuple[str, str]:
        """The repository of a path, and what comes after it."""
        _, _, rest = path.partition("/pypi/")
        repository, slash, inner = rest.partition("/")
        if not slash or repository not in {name for _, name in self._service.repositories}:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"no repository at {path}")
        return repository, inner

    def _check_token(self, authorization: str) -> None:
        scheme, _, encoded = authorization.partition(" ")
        user, _, token = base64.b64decode(encoded).decode().partition(":")
        until = self._service.tokens.get(token)
        if scheme != "Basic" or user != "aws" or until is None or until < datetime.now(UTC):
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "no valid authorization token")

    def _upload(
        self, repository: str, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        with ExitStack() as stack:
            body = stack.enter_context(tempfile.TemporaryFile())
            _copy(environ["wsgi.input"], body, int(environ["CONTENT_LENGTH"]))
            body.seek(0)
            environ["wsgi.input"] = body
            _, form, files = parse_form_data(environ)
            content = files["content"]
            stack.callback(content.close)
            name = content.filename or ""
            with self._service.lock:
                self._service.calls.append(
                    Call(OPERATION, {**form.to_dict(), "asset": name, "repository": repository})
                )
            fault = self._service.faults.next(OPERATION)
            if fault in ANSWERS:
                raise RefusedError(ANSWERS[fault], f"ordered by the test: {fault}")
            if fault == "reset":
                return _break_off(environ)
            with self._service.lock:
                key, number = self._checked(repository, form, name, content.stream)
                body.seek(0)
                answer = self._forward(repository, "", environ, start_response)
                self._list(key, number, name, spoiled=fault == "wrong-digest")
            return _break_off(environ) if fault == "lost-reply" else answer

    def _checked(
        self, repository: str, form: MultiDict[str, str], name: str, content: IO[bytes]
    ) -> tuple[PackageKey, str]:
        """Check an upload's form; returns what it is a file of."""
        if form.get(":action") != "file_upload" or form.get("protocol_version") != "1":
            raise RefusedError(HTTPStatus.BAD_REQUEST, "no upload")
        if hashlib.file_digest(content, "sha256").hexdigest() != form.get("sha256_digest"):  # type: ignore[arg-type]  # a spooled file will do
            raise RefusedError(HTTPStatus.BAD_REQUEST, "sha256_digest is wrong")
        number = form.get("version", "")
        project, version = _parse(name)
        try:
            agrees = (project, version) == (canonicalize_name(form["name"]), PEP440Version(number))
        except InvalidVersion:
            agrees = False
        if not agrees:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"{name} is no file of that version")
        domain = next(d for d, r in self._service.repositories if r == repository)
        key = PackageKey(domain, repository, "pypi", "", project)
        existing = self._service.packages.get(key, {}).get(number)
        if existing and (existing.status != "Published" or name in existing.assets):
            raise RefusedError(HTTPStatus.CONFLICT, f"{name} is there already")
        return key, number

    def _list(self, key: PackageKey, number: str, name: str, *, spoiled: bool) -> None:
        versions = self._service.packages.setdefault(key, {})
        version = versions.setdefault(number, Version(number, "Published"))
        asset = Asset.of_file(name, self._visible(key.repository) / name)
        if spoiled:
            asset.hashes["SHA-256"] = "0" * 64
        version.assets[name] = asset

    def _unlisted_file(self, repository: str, path: str) -> Path | None:
        """A file that is no longer on its project's page, but can be downloaded."""
        folder, _, name = path.rpartition("/")
        for key, versions in self._service.packages.items():
            for version in versions.values():
                if (
                    (key.repository, key.format, folder) == (repository, "pypi", "packages")
                    and version.status == "Unlisted"
                    and name in version.assets
                ):
                    return version.assets[name].path
        return None

    def _forward(
        self, repository: str, path: str, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Let pypiserver answer."""
        if repository not in self._servers:
            self._servers[repository] = pypiserver.app(
                roots=[self._visible(repository)],
                authenticate=[],
                password_file=".",
                disable_fallback=True,
            )
        inner = {**environ, "SCRIPT_NAME": f"/pypi/{repository}", "PATH_INFO": f"/{path}"}
        return self._servers[repository](inner, start_response)

    def _visible(self, repository: str) -> Path:
        return _made(self._folder / repository / "visible")

    def _hidden(self, repository: str) -> Path:
        return _made(self._folder / repository / "hidden")


class _Quiet(WSGIRequestHandler):
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: object) -> None:
        pass


def _parse(filename: str) -> tuple[str, PEP440Version]:
    try:
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[:2]
        return parse_sdist_filename(filename)
    except ValueError as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, str(error)) from error


def _copy(source: IO[bytes], target: IO[bytes], length: int) -> None:
    while length and (piece := source.read(min(length, 1 << 20))):
        length -= len(piece)
        target.write(piece)


def _break_off(environ: Environ) -> Iterable[bytes]:
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    return []


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
