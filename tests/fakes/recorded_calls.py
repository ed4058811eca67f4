"""What a run asked of AWS, as IAM sees it: actions, resources and condition keys.

From what the fakes and the relay in front of moto have taken down. A request that isn't known here
raises, so that no new call of the gate goes unseen. Actions and resource types are those of the
Service Authorization Reference.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from tests.fakes.aws import AWS, REGION
from tests.fakes.aws_service import Call
from tests.fakes.codeartifact import ACCOUNT
from tests.fakes.relay import Received

_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_LISTS_PACKAGES = {
    "DeletePackageVersions",
    "DisposePackageVersions",
    "GetPackageVersionAsset",
    "ListPackageVersionAssets",
    "ListPackageVersions",
    "PublishPackageVersion",
    "UpdatePackageVersionsStatus",
}
_CODEGURU = {"CreateScan", "CreateUploadUrl", "GetFindings", "GetScan"}


@dataclass(frozen=True, order=True)
class AWSCall:
    """One authorization that a request needs."""

    action: str
    resource: str = "*"
    context: tuple[tuple[str, str], ...] = ()
    """Condition keys and their values."""


@dataclass(frozen=True)
class Keys:
    """Which KMS keys stand behind what the run uses; none for keys that AWS manages."""

    topics: Mapping[str, str] = field(default_factory=dict)
    """Topic's ARN → key's ARN."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Secret's or parameter's ARN → key's ARN."""
    signing: Mapping[str, str] = field(default_factory=dict)
    """ARN of a key that the run was given → that of the key for which it stands."""
    bucket_key: bool = True
    """Whether the buckets have S3 bucket keys: then the encryption context is the bucket's ARN."""


class UnknownCallError(Exception):
    """A request that nobody has said the IAM action of."""


def recorded(
    aws: AWS, received: list[Received], keys: Keys, encrypted: dict[str, str] | None = None
) -> list[AWSCall]:
    """Give every authorization that the run needed, each once, in alphabetical order.

    Args:
        aws: the fakes that the run met.
        received: what came to the relay in front of moto.
        keys: the keys behind topics, secrets and buckets.
        encrypted: which key an object of an earlier run has, by its ARN; this run's are added.
    """
    found: set[AWSCall] = set()
    encrypted = {} if encrypted is None else encrypted
    for request in received:
        found.update(_moto_calls(request, keys, encrypted))
    domains = {name: domain for domain, name in aws.codeartifact.repositories}
    for call in aws.codeartifact.calls:
        found.update(_codeartifact_calls(call, domains))
    for path in aws.codeartifact.pypi.reads:
        repository = path.partition("/pypi/")[2].partition("/")[0]
        place = _repository(domains[repository], repository)
        found.add(AWSCall("codeartifact:ReadFromRepository", place))
    for call in aws.codeguru.calls:
        if call.operation not in _CODEGURU:
            raise UnknownCallError(call.operation)
        scan = call.parameters["scanName"]
        resource = f"arn:aws:codeguru-security:{REGION}:{ACCOUNT}:scans/{scan}"
        found.add(AWSCall(f"codeguru-security:{call.operation}", resource))
    for call in aws.inspector.calls:
        if call.operation != "ScanSbom":
            raise UnknownCallError(call.operation)
        found.add(AWSCall("inspector-scan:ScanSbom"))
    return sorted(found)


def _codeartifact_calls(call: Call, domains: Mapping[str, str]) -> Iterator[AWSCall]:
    given = call.parameters
    if call.operation == "pypi:upload":
        place = _uploaded_to({**given, "domain": domains[given["repository"]]})
        yield AWSCall("codeartifact:PublishPackageVersion", place)
        return
    action = f"codeartifact:{call.operation}"
    if call.operation in _LISTS_PACKAGES:
        yield AWSCall(action, _package(given))
    elif call.operation == "GetRepositoryEndpoint":
        yield AWSCall(action, _repository(given["domain"], given["repository"]))
    elif call.operation == "GetAuthorizationToken":
        yield AWSCall(action, f"arn:aws:codeartifact:{REGION}:{ACCOUNT}:domain/{given['domain']}")
        service = (("sts:AWSServiceName", "codeartifact.amazonaws.com"),)
        yield AWSCall("sts:GetServiceBearerToken", "*", service)
    else:
        raise UnknownCallError(call.operation)


def _repository(domain: str, repository: str) -> str:
    return f"arn:aws:codeartifact:{REGION}:{ACCOUNT}:repository/{domain}/{repository}"


def _package(given: Mapping[str, Any]) -> str:
    """The package's ARN; without a namespace nothing stands between two slashes."""
    place = f"{given['domain']}/{given['repository']}/{given['format']}"
    name = f"{given.get('namespace', '')}/{given['package']}"
    return f"arn:aws:codeartifact:{REGION}:{ACCOUNT}:package/{place}/{name}"


def _uploaded_to(given: Mapping[str, str]) -> str:
    name = given["asset"]
    parse = parse_wheel_filename if name.endswith(".whl") else parse_sdist_filename
    package = canonicalize_name(parse(name)[0])
    return _package({**given, "format": "pypi", "package": package})


def _moto_calls(request: Received, keys: Keys, encrypted: dict[str, str]) -> Iterator[AWSCall]:
    scope = _SCOPE.search(request.headers.get("authorization", ""))
    service = scope["service"] if scope else ""
    if service == "s3":
        yield from _s3_calls(request, keys, encrypted)
    elif service == "sns":
        given = dict(parse_qsl(request.body.decode()))
        if given["Action"] != "Publish":
            raise UnknownCallError(given["Action"])
        topic = given["TopicArn"]
        yield AWSCall("sns:Publish", topic)
        if key := keys.topics.get(topic):
            context = _kms("sns", {"aws:sns:topicArn": topic})
            yield AWSCall("kms:GenerateDataKey", key, context)
            yield AWSCall("kms:Decrypt", key, context)
    elif service in ("ssm", "secretsmanager"):
        yield from _secret_calls(request, service, keys)
    elif service == "kms":
        yield _signing_call(request, keys)
    else:
        raise UnknownCallError(f"{request.method} {request.path} of {service or 'nobody'}")


def _signing_call(request: Received, keys: Keys) -> AWSCall:
    operation = request.headers["x-amz-target"].partition(".")[2]
    given = json.loads(request.body)
    key = keys.signing[given["KeyId"]]
    if operation == "GetPublicKey":
        return AWSCall("kms:GetPublicKey", key)
    if operation != "Sign":
        raise UnknownCallError(f"kms {operation}")
    context = {name: given[name] for name in ("MessageType", "SigningAlgorithm")}
    return AWSCall(
        "kms:Sign", key, tuple(sorted((f"kms:{name}", value) for name, value in context.items()))
    )


def _s3_calls(request: Received, keys: Keys, encrypted: dict[str, str]) -> Iterator[AWSCall]:
    address = urlsplit(request.path)
    bucket, _, key = unquote(address.path).lstrip("/").partition("/")
    arn = f"arn:aws:s3:::{bucket}"
    place = f"{arn}/{key}"
    context = _kms("s3", {"aws:s3:arn": arn if keys.bucket_key else place})
    if request.method == "GET" and not key and "list-type=2" in address.query:
        prefix = dict(parse_qsl(address.query)).get("prefix", "")
        yield AWSCall("s3:ListBucket", arn, (("s3:prefix", prefix),))
        return
    if not key or address.query not in ("", "x-id=GetObject", "x-id=PutObject"):
        raise UnknownCallError(f"{request.method} {request.path}")
    if request.method in ("GET", "HEAD"):
        yield AWSCall("s3:GetObject", place)
        if request.status == 404:  # without this right the answer is 403
            yield AWSCall("s3:ListBucket", arn)
        elif place in encrypted:
            yield AWSCall("kms:Decrypt", encrypted[place], context)
    elif request.method == "PUT":
        once = request.headers.get("if-none-match")
        yield AWSCall("s3:PutObject", place, (("s3:if-none-match", once),) if once else ())
        if "if-match" in request.headers:  # S3 user guide, "conditional writes"
            yield AWSCall("s3:GetObject", place)
        customer_key = request.headers.get("x-amz-server-side-encryption-aws-kms-key-id")
        if customer_key:
            encrypted[place] = customer_key
            yield AWSCall("kms:GenerateDataKey", customer_key, context)
    elif request.method == "DELETE" and not address.query:
        yield AWSCall("s3:DeleteObject", place)
    else:
        raise UnknownCallError(f"{request.method} {request.path}")


def _secret_calls(request: Received, service: str, keys: Keys) -> Iterator[AWSCall]:
    operation = request.headers["x-amz-target"].partition(".")[2]
    given = json.loads(request.body)
    if (service, operation) == ("ssm", "GetParameter"):
        name = given["Name"].rpartition(":parameter")[2].lstrip("/")
        arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{name}"
        context = _kms("ssm", {"PARAMETER_ARN": arn})
    elif (service, operation) == ("secretsmanager", "GetSecretValue"):
        name = given["SecretId"].rpartition(":secret:")[2]
        # The service ends an ARN with six characters of its own.
        suffix = "" if re.search(r"-[A-Za-z0-9]{6}$", name) else "-AbCdEf"
        arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}{suffix}"
        context = _kms("secretsmanager", {"SecretARN": arn})
    else:
        raise UnknownCallError(f"{service} {operation}")
    yield AWSCall(f"{service}:{operation}", arn)
    if key := keys.secrets.get(arn):
        yield AWSCall("kms:Decrypt", key, context)


def _kms(service: str, encryption: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The condition keys of a call that a service makes to KMS for its caller."""
    pairs = {f"kms:EncryptionContext:{name}": value for name, value in encryption.items()}
    return tuple(sorted({"kms:ViaService": f"{service}.{REGION}.amazonaws.com", **pairs}.items()))
