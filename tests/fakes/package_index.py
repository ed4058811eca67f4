"""A fake package index: the simple API as HTML (PEP 503) and JSON (PEP 691, 700, 714)."""

import atexit
import base64
import hashlib
import io
import json
import socket
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

from package_gate.core.policy import Sources
from package_gate.net.addresses import AddressGuard
from tests.fakes.https_server import HTTPSServer, Responder, respond

LOCAL = AddressGuard(Sources(private_hosts=("localhost",)))
"""Lets the index be where it is, as a policy does for an internal mirror."""
OLD = datetime(2024, 1, 1, tzinfo=UTC)
"""When a file was uploaded that a test says nothing else of."""
JSON_TYPE = "application/vnd.pypi.simple.v1+json"


def metadata(
    name: str,
    version: str,
    requires: Sequence[str] = (),
    *,
    metadata_version: str = "2.1",
    requires_python: str = "",
    extras: Sequence[str] = (),
    dynamic: Sequence[str] = (),
) -> bytes:
    """Core metadata, as in METADATA and PKG-INFO."""
    lines = [f"Metadata-Version: {metadata_version}", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Dynamic: {name}" for name in dynamic]
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    return ("\n".join(lines) + "\n").encode()


def wheel(
    name: str,
    version: str,
    core: bytes,
    tag: str = "py3-none-any",
    content: Mapping[str, bytes] | None = None,
) -> tuple[str, bytes]:
    """Build a valid wheel, minimal but for this content; returns its file name and its bytes."""
    stem = f"{canonicalize_name(name).replace('-', '_')}-{version}"
    files = {
        **(content or {f"{stem.split('-')[0]}/__init__.py": b""}),
        f"{stem}.dist-info/METADATA": core,
        f"{stem}.dist-info/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: fake\nRoot-Is-Purelib: true\nTag: {tag}\n".encode()
        ),
    }
    record = [f"{path},sha256={_urlsafe_sha256(data)},{len(data)}" for path, data in files.items()]
    files[f"{stem}.dist-info/RECORD"] = "\n".join(
        [*record, f"{stem}.dist-info/RECORD,,", ""]
    ).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data)
    return f"{stem}-{tag}.whl", buffer.getvalue()


def sdist(name: str, version: str, files: dict[str, bytes]) -> tuple[str, bytes]:
    """Build a `.tar.gz` with these files below `NAME-VERSION/`; returns its file name and bytes."""
    stem = f"{canonicalize_name(name).replace('-', '_')}-{version}"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(f"{stem}/{path}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return f"{stem}.tar.gz", buffer.getvalue()


@cache
def _uv_cache() -> str:
    """Give the folder in which uv keeps what it has asked Python about itself, and pages."""
    folder = TemporaryDirectory(prefix="uv-cache-")
    atexit.register(folder.cleanup)
    return folder.name


@dataclass
class PackageIndex:
    """An index with the files that a test adds.

    Its path is its own, so that tests may share uv's cache.
    """

    server: HTTPSServer
    prefix: str = field(default_factory=lambda: f"/{token_hex(8)}/simple")
    upload_times: bool = True
    """False: an index that doesn't say when files were uploaded."""
    asks_for: Callable[[str, str], bool] | None = None
    """Whether a user and a password may read its pages and its files; None for an open index."""
    projects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    status: dict[str, dict[str, str]] = field(default_factory=dict)
    """Project → what the index says of it as a whole (PEP 792)."""
    contents: dict[str, bytes] = field(default_factory=dict)
    """URL → the file there."""

    @property
    def url(self) -> str:
        """What `UV_DEFAULT_INDEX` is set to."""
        return self.server.url + self.prefix

    @property
    def environment(self) -> dict[str, str]:
        """What makes this the only index for uv."""
        return {
            "UV_DEFAULT_INDEX": self.url,
            "SSL_CERT_FILE": str(self.server.ca_file),
            "UV_CACHE_DIR": _uv_cache(),
            "UV_HTTP_RETRIES": "0",
        }

    @property
    def asked(self) -> list[str]:
        """The projects that were asked for, by every client, in order."""
        return [
            path.removeprefix(self.prefix).strip("/")
            for _, path, _ in self.server.requests
            if path.startswith(self.prefix)
        ]

    def answer(self, project: str, responder: Responder) -> None:
        """Let something else answer for a project."""
        self._serve(f"{self.prefix}/{project}/", responder)

    def add_wheel(
        self,
        name: str,
        version: str,
        requires: Sequence[str] = (),
        *,
        tag: str = "py3-none-any",
        requires_python: str = "",
        extras: Sequence[str] = (),
        uploaded: datetime = OLD,
        yanked: bool | str = False,
    ) -> dict[str, Any]:
        """Add a release's wheel; returns its entry, which a test may spoil."""
        core = metadata(name, version, requires, requires_python=requires_python, extras=extras)
        filename, content = wheel(name, version, core, tag)
        entry = self.add_file(name, filename, content, uploaded=uploaded, yanked=yanked)
        entry["core-metadata"] = {"sha256": hashlib.sha256(core).hexdigest()}
        if requires_python:
            entry["requires-python"] = requires_python
        self._serve(urlsplit(entry["url"]).path + ".metadata", respond(core))
        return entry

    def add_sdist(
        self,
        name: str,
        version: str,
        files: dict[str, bytes] | None = None,
        *,
        uploaded: datetime = OLD,
        yanked: bool | str = False,
    ) -> dict[str, Any]:
        """Add a release's sdist: a PKG-INFO without dependencies unless `files` says otherwise."""
        poison = b"raise SystemExit('an sdist was executed')\n"
        filename, content = sdist(
            name,
            version,
            {"setup.py": poison, "PKG-INFO": metadata(name, version), **(files or {})},
        )
        return self.add_file(name, filename, content, uploaded=uploaded, yanked=yanked)

    def attest(self, entry: dict[str, Any], document: bytes | None) -> str:
        """Offer a file's provenance (PEP 740), or say that it has none; returns its address."""
        path = f"{self.prefix}-integrity/{entry['filename']}/provenance"
        entry["provenance"] = None if document is None else self.server.url + path
        self._serve(path, respond(document or b"", 200 if document else 404))
        return path

    def add_build_tools(self) -> None:
        """Add what builds an sdist that names nothing else: its build needs these two."""
        self.add_wheel("setuptools", "80.0")
        self.add_wheel("wheel", "0.45")

    def add_file(
        self,
        name: str,
        filename: str,
        content: bytes,
        *,
        uploaded: datetime = OLD,
        yanked: bool | str = False,
    ) -> dict[str, Any]:
        """Add any file to a project; returns its entry, which a test may spoil."""
        project = canonicalize_name(name)
        path = f"{self.prefix}-files/{project}/{filename}"
        entry: dict[str, Any] = {
            "filename": filename,
            "url": self.server.url + path,
            "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
            "size": len(content),
            "upload-time": uploaded.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "yanked": yanked,
        }
        self.projects.setdefault(project, []).append(entry)
        self.contents[entry["url"]] = content
        self._serve(path, respond(content))
        self.answer(project, self._respond_with(project))
        return entry

    def _serve(self, path: str, responder: Responder) -> None:
        def at_once(handler: BaseHTTPRequestHandler) -> None:
            # Headers and body are two packets: the second must not wait for the first's receipt.
            handler.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            if self.asks_for is None or self.asks_for(*_login(handler)):
                responder(handler)
            else:
                respond(b"log in", 401, {"WWW-Authenticate": "Basic"})(handler)

        self.server.routes[path] = at_once

    def _respond_with(self, project: str) -> Responder:
        def responder(handler: BaseHTTPRequestHandler) -> None:
            if JSON_TYPE in handler.headers.get("Accept", ""):
                body, content_type = self._json(project), JSON_TYPE
            else:
                body, content_type = self._html(project), "text/html"
            respond(body, headers={"Content-Type": content_type})(handler)

        return responder

    def _json(self, project: str) -> bytes:
        hidden = () if self.upload_times else ("upload-time",)
        return json.dumps(
            {
                "meta": {"api-version": "1.1"},
                "name": project,
                "files": [
                    {key: value for key, value in entry.items() if key not in hidden}
                    for entry in self.projects[project]
                ],
                **({"project-status": status} if (status := self.status.get(project)) else {}),
            }
        ).encode()

    def _html(self, project: str) -> bytes:
        links = "".join(
            f'<a href="{entry["url"]}#sha256={entry["hashes"]["sha256"]}"'
            + (' data-yanked=""' if entry["yanked"] else "")
            + (f' data-provenance="{address}"' if (address := entry.get("provenance")) else "")
            + f">{entry['filename']}</a>\n"
            for entry in self.projects[project]
        )
        head = "".join(
            f'<meta name="pypi:project-{key}" content="{value}">'
            for key, value in self.status.get(project, {}).items()
        )
        return f"<!DOCTYPE html><html><head>{head}</head><body>{links}</body></html>".encode()


def _login(handler: BaseHTTPRequestHandler) -> tuple[str, str]:
    """The user and the password of a request, both "" without them (RFC 7617)."""
    encoded = handler.headers.get("Authorization", "").removeprefix("Basic ")
    user, _, password = base64.b64decode(encoded).decode().partition(":")
    return user, password


def _urlsafe_sha256(content: bytes) -> str:
    """The form of a digest in RECORD: base64, URL-safe, without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
