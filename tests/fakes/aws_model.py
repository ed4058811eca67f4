"""Requests checked, and answers written, by botocore's model of a rest-json service.

Protocol: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
Signatures: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

import functools
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.loaders import Loader
from botocore.model import (
    ListShape,
    MapShape,
    OperationModel,
    ServiceModel,
    Shape,
    StringShape,
    StructureShape,
)

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/"
    r"(?P<service>[^/]+)/aws4_request, SignedHeaders=(?P<headers>[^,]+), "
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "float": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
    "timestamp": (int, float, str, datetime),
    "blob": (str, bytes, Path),
}


class AWSError(Exception):
    """An answer of the service that is an error."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        """Answer with `code`.

        Args:
            code: a modelled error such as `ConflictException`, or one common to all services.
            message: for people.
            status: the HTTP status of an error that the model doesn't know.
            members: the error's other members.
        """
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    status: int
    headers: dict[str, str]
    body: bytes | Path


class RestJSONModel:
    """One service, as botocore knows it."""

    def __init__(self, service: str) -> None:
        """Load the model.

        Args:
            service: botocore's name of it, such as `codeartifact`.
        """
        description = Loader().load_service_model(service, "service-2")
        self.service = ServiceModel(description, service)
        operations = [self.service.operation_model(n) for n in self.service.operation_names]
        self._routes = [
            (operation.http["method"], _path_pattern(operation.http["requestUri"]), operation)
            for operation in operations
        ]

    def operation(self, method: str, target: str) -> tuple[OperationModel, dict[str, str]]:
        """Find the operation of a request, and the labels in its path."""
        path = urlsplit(target).path
        methods = []
        for wanted, pattern, operation in self._routes:
            if match := pattern.fullmatch(path):
                if wanted == method:
                    return operation, {k: unquote(v) for k, v in match.groupdict().items()}
                methods.append(wanted)
        problem = f"{path} takes {methods}, not {method}" if methods else f"no operation at {path}"
        raise AWSError("UnknownOperationException", problem, 404)

    def parameters(
        self,
        operation: OperationModel,
        labels: Mapping[str, str],
        target: str,
        headers: Message,
        body: bytes | Path,
    ) -> dict[str, Any]:
        """Read a request back into the operation's parameters, every one of them checked."""
        shape = operation.input_shape
        if shape is None:
            return {}
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(urlsplit(target).query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        payload = shape.serialization.get("payload")
        parameters: dict[str, Any] = {}
        in_body: dict[str, Shape] = {}
        for name, member in shape.members.items():
            wire_name = member.serialization.get("name", name)
            match member.serialization.get("location"):
                case "uri":
                    parameters[name] = labels[wire_name]
                case "querystring":
                    if wire_name in query:
                        parameters[name] = _from_text(member, query.pop(wire_name), name)
                case "header":
                    if (text := headers.get(wire_name)) is not None:
                        parameters[name] = _from_text(member, [text], name)
                case _ if name == payload:
                    parameters[name] = body
                case _:
                    in_body[name] = member
        if query:
            raise _invalid(f"unknown query parameters {sorted(query)}")
        if payload is None:
            parameters |= _json_body(in_body, headers, body)
        check(shape, parameters, operation.name)
        return parameters

    def answer(self, operation: OperationModel, result: dict[str, Any]) -> Answer:
        """Write an operation's result, which must have the shape that the model gives."""
        shape = operation.output_shape
        status = int(operation.http.get("responseCode", 200))
        if shape is None:
            return Answer(status, {}, b"")
        try:
            check(shape, result, operation.name)
        except AWSError as error:
            raise TypeError(f"the fake's own answer is wrong: {error.message}") from error
        headers: dict[str, str] = {"Content-Type": "application/json"}
        content = dict(result)
        for name, member in shape.members.items():
            if member.serialization.get("location") == "header" and name in content:
                headers[member.serialization["name"]] = str(content.pop(name))
        if payload := shape.serialization.get("payload"):
            headers["Content-Type"] = "application/octet-stream"
            return Answer(status, headers, content[payload])
        return Answer(status, headers, _to_json(content))

    def error(self, error: AWSError) -> Answer:
        """Write an error, with the members that the model requires of it."""
        shape = next((s for s in self.service.error_shapes if s.name == error.code), None)
        content: dict[str, Any] = {"message": error.message, **error.members}
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": error.code}
        status = error.status
        if isinstance(shape, StructureShape):
            status = shape.metadata["error"]["httpStatusCode"]
            for name in shape.required_members:
                choices = shape.members[name].metadata.get("enum", ["OTHER"])
                content.setdefault(name, choices[-1])
            check(shape, content, error.code)
        return Answer(status, headers, _to_json(content))


@functools.cache
def rest_json_model(service: str) -> RestJSONModel:
    """Load a model once; see `RestJSONModel`."""
    return RestJSONModel(service)


def check(shape: Shape, value: Any, name: str) -> None:
    """Check a value against a shape: types, members, lengths, patterns, enumerations."""
    if getattr(shape, "is_document_type", False):
        return
    expected = TYPES[shape.type_name]
    mistaken_bool = isinstance(value, bool) and bool not in expected
    if mistaken_bool or not any(isinstance(value, kind) for kind in expected):
        raise _invalid(f"{name} must be a {shape.type_name}, not {type(value).__name__}")
    if isinstance(shape, StructureShape):
        _check_structure(shape, value, name)
    elif isinstance(shape, ListShape):
        _check_size(shape, len(value), name)
        for place, item in enumerate(value):
            check(shape.member, item, f"{name}[{place}]")
    elif isinstance(shape, MapShape):
        _check_size(shape, len(value), name)
        for key, item in value.items():
            check(shape.key, key, f"key of {name}")
            check(shape.value, item, f"{name}[{key}]")
    elif isinstance(shape, StringShape):
        _check_string(shape, value, name)
    elif shape.type_name in ("integer", "long", "double", "float"):
        _check_size(shape, value, name)


def _check_structure(shape: StructureShape, value: dict[str, Any], name: str) -> None:
    if unknown := value.keys() - shape.members.keys():
        raise _invalid(f"{name} has unknown members {sorted(unknown)}")
    if missing := set(shape.required_members) - value.keys():
        raise _invalid(f"{name} lacks {sorted(missing)}")
    if shape.metadata.get("union") and len(value) != 1:
        raise _invalid(f"{name} must have exactly one of {sorted(shape.members)}")
    for member, item in value.items():
        check(shape.members[member], item, f"{name}.{member}")


def _check_string(shape: Shape, value: str, name: str) -> None:
    _check_size(shape, len(value), name)
    enumeration = shape.metadata.get("enum")
    if enumeration and value not in enumeration:
        raise _invalid(f"{name} is {value!r}, not one of {enumeration}")
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        raise _invalid(f"{name} is {value!r}, which does not match {pattern}")


def _matches(pattern: str, value: str) -> bool:
    if pattern.startswith(r"\P{C}"):  # a Unicode category, which `re` doesn't know
        return not any(unicodedata.category(character).startswith("C") for character in value)
    return re.fullmatch(pattern, value) is not None


def _check_size(shape: Shape, size: float, name: str) -> None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and size < low) or (high is not None and size > high):
        raise _invalid(f"{name} has length or value {size}, allowed is {low} to {high}")


def _from_text(shape: Shape, texts: list[str], name: str) -> Any:
    """A parameter of the path, the query or a header."""
    if shape.type_name == "list":
        return texts
    if len(texts) > 1:
        raise _invalid(f"{name} is given {len(texts)} times")
    text = texts[0]
    if shape.type_name in ("integer", "long"):
        if not re.fullmatch(r"-?\d+", text):
            raise _invalid(f"{name} must be a number, not {text!r}")
        return int(text)
    if shape.type_name == "boolean":
        if text not in ("true", "false"):
            raise _invalid(f"{name} must be true or false, not {text!r}")
        return text == "true"
    return text


def _json_body(members: dict[str, Shape], headers: Message, body: bytes | Path) -> dict[str, Any]:
    if not body:
        return {}
    if not isinstance(body, bytes) or headers.get_content_type() != "application/json":
        raise _invalid(f"the body must be application/json, not {headers.get('Content-Type')}")
    try:
        content = json.loads(body)
    except ValueError as error:
        raise _invalid(f"the body is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise _invalid("the body must be a JSON object")
    if unknown := content.keys() - members.keys():
        raise _invalid(f"unknown members {sorted(unknown)} in the body")
    return content


def _invalid(message: str) -> AWSError:
    return AWSError("ValidationException", message)


def _to_json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, default=lambda value: value.timestamp()).encode()


def _path_pattern(uri: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(uri)))


def check_signature(
    method: str,
    target: str,
    headers: Message,
    body: bytes | Path,
    service: str,
    secrets: Mapping[str, str],
) -> None:
    """Compute a request's signature (version 4) again, as AWS does.

    Args:
        method: the HTTP method.
        target: path with query, as it was sent.
        headers: as they were sent.
        body: its bytes, or a file whose digest stands in `x-amz-content-sha256`.
        service: the signing name.
        secrets: access key id → secret access key of everybody who may call.
    """
    authorization = headers.get("Authorization")
    if authorization is None:
        raise AWSError("MissingAuthenticationTokenException", "the request is not signed", 403)
    match = AUTHORIZATION.fullmatch(authorization)
    if match is None or match["service"] != service or match["key"] not in secrets:
        raise AWSError("UnrecognizedClientException", "unknown access key or wrong service", 403)
    signed = match["headers"].split(";")
    if "host" not in signed or "x-amz-date" not in signed:
        raise AWSError("IncompleteSignatureException", "host and x-amz-date must be signed", 403)
    request = AWSRequest(
        method=method,
        url=f"http://{headers['Host']}{target}",
        headers={name: headers.get(name, "") for name in signed},
        data=body if isinstance(body, bytes) else b"",
    )
    request.context["timestamp"] = headers["X-Amz-Date"]
    credentials = Credentials(match["key"], secrets[match["key"]])
    signer = SigV4Auth(credentials, service, match["region"])
    text = signer.string_to_sign(request, signer.canonical_request(request))
    if signer.signature(text, request) != match["signature"]:
        raise AWSError("InvalidSignatureException", "the signature does not match", 403)
