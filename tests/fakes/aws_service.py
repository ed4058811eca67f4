"""An AWS service on a loopback port: requests checked by botocore's model, faults to order."""

import hashlib
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from botocore import xform_name
from botocore.model import OperationModel

from tests.fakes.aws_model import Answer, AWSError, check_signature, rest_json_model

PIECE = 1 << 20


@dataclass
class Fault:
    """What goes wrong with the next calls of an operation."""

    kind: Literal[
        "throttle",  # ThrottlingException, nothing done
        "internal-error",  # InternalServerException, nothing done
        "conflict",  # ConflictException, nothing done
        "access-denied",  # AccessDeniedException, nothing done
        "slow",  # answered after `seconds`
        "reset",  # the connection breaks, nothing done
        "lost-reply",  # done, then the connection breaks
        "wrong-digest",  # done, and the SHA-256 in the answer is another one
    ]
    times: int | None = 1
    """For how many calls; None for ever."""
    seconds: float = 0


ERRORS = {
    "throttle": "ThrottlingException",
    "internal-error": "InternalServerException",
    "conflict": "ConflictException",
    "access-denied": "AccessDeniedException",
}


@dataclass(frozen=True)
class Call:
    """A valid request that reached the service."""

    operation: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Upload:
    """A body that was streamed to disk."""

    path: Path
    sha256: str


@dataclass
class FaultBook:
    """The faults that were ordered."""

    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the service ends, so that a slow answer holds nobody up."""
    _faults: dict[str, list[Fault]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def order(self, operation: str, fault: Fault) -> None:
        """Add a fault behind those that are ordered for this operation."""
        with self._lock:
            self._faults.setdefault(operation, []).append(fault)

    def next(self, operation: str) -> str:
        """The kind of fault for this call, "" for none; a slow one has waited already."""
        with self._lock:
            faults = self._faults.get(operation, [])
            if not faults:
                return ""
            fault = faults[0]
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    faults.pop(0)
        if fault.kind == "slow":
            self.stopping.wait(fault.seconds)
        return fault.kind


class AWSService:
    """The base of the fakes: one method an operation, named as boto3 names it.

    A method takes the operation's parameters (a streamed body as `Upload`) and returns its result,
    or raises `AWSError`. What the fake doesn't do is answered with status 501.
    """

    name: ClassVar[str]
    """Botocore's name of the service."""

    def __init__(self, folder: Path, secrets: Mapping[str, str]) -> None:
        """Prepare the service.

        Args:
            folder: an existing folder for what is uploaded.
            secrets: access key id → secret access key of everybody who may call.
        """
        self.folder = folder
        self.url = ""
        """The endpoint, once it runs."""
        self.calls: list[Call] = []
        """Every valid request, in order of arrival, those that met a fault included."""
        self.rejected: list[str] = []
        """Why a request was invalid."""
        self.faults = FaultBook()
        self.lock = threading.RLock()
        self._model = rest_json_model(self.name)
        self._secrets = secrets

    def order(self, operation: str, fault: Fault) -> None:
        """Let something go wrong with the next calls of an operation."""
        self.faults.order(operation, fault)

    def count(self, operation: str) -> int:
        """How often an operation was called."""
        return sum(call.operation == operation for call in self.calls)

    def other(self, handler: "Handler") -> Answer | None:
        """Answer a request that is no operation, such as an upload to a presigned address.

        None when it isn't such a request.
        """
        return None

    def spoil(self, result: dict[str, Any]) -> None:
        """Put a wrong digest into a result, for services that answer with one."""
        raise NotImplementedError

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Serve until the block ends."""
        with _Server(self) as server:
            self.url = f"http://127.0.0.1:{server.server_address[1]}"
            thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            try:
                yield self
            finally:
                self.faults.stopping.set()
                server.shutdown()
                thread.join()

    def answer(self, handler: "Handler") -> Answer | None:
        """Answer one request; None when the connection is to break."""
        upload: Path | None = None
        try:
            operation, labels = self._model.operation(handler.command, handler.path)
            body: bytes | Path
            if operation.has_streaming_input:
                upload, digest = handler.body_on_disk(self.folder)
                body = upload
            else:
                body = handler.body()
            check_signature(
                handler.command,
                handler.path,
                handler.headers,
                body,
                self._model.service.signing_name,
                self._secrets,
            )
            parameters = self._model.parameters(
                operation, labels, handler.path, handler.headers, body
            )
            if upload is not None:
                assert operation.input_shape is not None
                parameters[operation.input_shape.serialization["payload"]] = Upload(upload, digest)
        except AWSError as error:
            self.rejected.append(f"{handler.command} {handler.path}: {error.message}")
            return self._model.error(error)
        else:
            return self._perform(operation, parameters)
        finally:
            if upload is not None:
                upload.unlink(missing_ok=True)  # still there when nobody took it

    def _perform(self, operation: OperationModel, parameters: dict[str, Any]) -> Answer | None:
        self.calls.append(Call(operation.name, parameters))
        fault = self.faults.next(operation.name)
        try:
            if fault in ERRORS:
                raise AWSError(ERRORS[fault], f"ordered by the test: {fault}")
            if fault == "reset":
                return None
            method = getattr(self, xform_name(operation.name), None)
            if method is None:
                raise AWSError("NotImplemented", f"this fake has no {operation.name}", 501)
            with self.lock:
                result = method(parameters)
        except AWSError as error:
            return self._model.error(error)
        if fault == "wrong-digest":
            self.spoil(result)
        return None if fault == "lost-reply" else self._model.answer(operation, result)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, service: AWSService) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.service = service

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay quiet: clients of these tests hang up half-way on purpose."""


class Handler(BaseHTTPRequestHandler):
    """One connection to a fake."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True  # or each answer waits 40 ms for an acknowledgement
    server: _Server

    def respond(self) -> None:
        service = self.server.service
        answer = service.other(self) or service.answer(self)
        if answer is None:
            self._break_off()
        else:
            self._send(answer)

    do_GET = do_POST = do_PUT = do_DELETE = respond  # noqa: N815

    def body(self) -> bytes:
        """The whole body."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def body_on_disk(self, folder: Path) -> tuple[Path, str]:
        """Stream the body to a file; returns it and its SHA-256."""
        left = int(self.headers.get("Content-Length") or 0)
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            while left and (piece := self.rfile.read(min(left, PIECE))):
                left -= len(piece)
                digest.update(piece)
                file.write(piece)
        return Path(file.name), digest.hexdigest()

    def _send(self, answer: Answer) -> None:
        body = answer.body
        length = len(body) if isinstance(body, bytes) else body.stat().st_size
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        if answer.status >= 400:  # the request's body may not have been read
            self.send_header("Connection", "close")
        self.end_headers()
        if isinstance(body, bytes):
            self.wfile.write(body)
            return
        with body.open("rb") as file:
            while piece := file.read(PIECE):
                self.wfile.write(piece)

    def _break_off(self) -> None:
        linger = struct.pack("ii", 1, 0)  # closed with a reset, not in good order
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass
