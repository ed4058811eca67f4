"""The destinations on AWS: packages to CodeArtifact or GitHub, records to S3, emails through SNS.

Everything they need is read from environment variables, those of the original guidance where they
exist, and everything that is missing or malformed is named at once.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from package_gate.aws.session import AWSSession, Patience, region_of
from package_gate.commands.destinations import Destination, DestinationParts, reading
from package_gate.core.errors import ConfigurationError
from package_gate.core.policy import Policy, Sources
from package_gate.net.addresses import AddressGuard
from package_gate.net.session import https_proxy, network_of
from package_gate.notifications.sns import SNS, TOPIC_ARN
from package_gate.pipeline.gate import REQUESTS_AT_ONCE
from package_gate.publishers.codeartifact import CodeArtifact
from package_gate.publishers.codeartifact_api import CodeArtifactRepository, CodeArtifactSettings
from package_gate.publishers.github import PATTERNS, GitHub, GitHubSettings
from package_gate.records.s3 import S3Settings, S3Storage
from package_gate.sandbox.unpacking import unpacked
from package_gate.scanners.registry import outer_unpacker
from package_gate.sources.pypi.uv import IndexSettings, uv_environment

DOMAIN = r"[a-z][a-z0-9-]{0,48}[a-z0-9]"
REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9._-]{1,99}"
INDEX_TOKEN_SECONDS = 4 * 60 * 60
"""Longer than a build lasts: nothing renews it while packages are downloaded."""
TWINE_VARIABLES = re.compile(
    r"(?i:https?_proxy|all_proxy|no_proxy)|REQUESTS_CA_BUNDLE|SSL_CERT_FILE"
)


class _Variables:
    """Reads environment variables and remembers everything that is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[str] = []

    def get(self, name: str, pattern: str, meaning: str, default: str | None = None) -> str:
        """Give a variable's value; without a default it must be set. The value is never shown."""
        value = self._environ.get(name, "").strip()
        if not value:
            if default is None:
                self.add_problem(f"{name} is missing: {meaning}.")
            return default or ""
        if not re.fullmatch(pattern, value):
            self.add_problem(f"{name} is malformed: it must be {meaning}.")
        return value

    def topic(self) -> str:
        """Give the topic that emails go through."""
        return self.get("SNSTopic", TOPIC_ARN, "the topic's ARN")

    def add_problem(self, problem: str) -> None:
        """Remember something else that is wrong."""
        self._problems.append(problem)

    def check(self) -> None:
        """Raise ConfigurationError when anything is missing or malformed, naming all of it."""
        if self._problems:
            raise ConfigurationError("Set these variables: " + " ".join(self._problems))


@dataclass(frozen=True, slots=True)
class _CodeArtifactRecords:
    """What reading the records of a repository in CodeArtifact takes."""

    domain: str
    repository: str
    owner: str
    """The domain's account; "" for the one that asks."""
    storage: S3Storage
    index: IndexSettings | None

    @property
    def address(self) -> str:
        return f"codeartifact://{self.domain}/{self.repository}"


def _codeartifact_records(
    environ: Mapping[str, str], policy: Policy, variables: "_Variables", aws: "_AWS"
) -> _CodeArtifactRecords:
    domain = variables.get("ExampleDomain", DOMAIN, "the name of the CodeArtifact domain")
    repository = variables.get(
        "InternalRepository",
        REPOSITORY,
        "the name of the private CodeArtifact repository",
    )
    owner = variables.get(
        "PACKAGE_GATE_DOMAIN_OWNER", r"\d{12}", "the domain's account, 12 digits", default=""
    )
    store = variables.get(
        "PACKAGE_GATE_INDEX_REPOSITORY",
        REPOSITORY,
        "the CodeArtifact repository of the same domain that has the public packages",
        default="",
    )
    variables.check()
    index = None
    if store:
        client = aws.session.client("codeartifact")
        index = _store(
            CodeArtifactRepository(client, domain, store, owner, INDEX_TOKEN_SECONDS),
            environ,
            policy.sources,
        )
    storage = aws.storage(f"codeartifact/{domain}/{repository}")
    return _CodeArtifactRecords(domain, repository, owner, storage, index)


def _look_at_codeartifact(
    environ: Mapping[str, str], output: Path, scratch: Path, policy: Policy
) -> DestinationParts:
    variables = _Variables(environ)
    read = _codeartifact_records(environ, policy, variables, _AWS(variables))
    return reading(read.storage, scratch, read.address, read.index)


def _codeartifact(
    environ: Mapping[str, str], output: Path, scratch: Path, policy: Policy
) -> DestinationParts:
    variables = _Variables(environ)
    aws = _AWS(variables)
    topic = variables.topic()
    read = _codeartifact_records(environ, policy, variables, aws)
    settings = CodeArtifactSettings(
        domain=read.domain,
        repository=read.repository,
        scratch=scratch,
        domain_owner=read.owner,
        region=aws.session.region,
        environment={
            name: value for name, value in environ.items() if TWINE_VARIABLES.fullmatch(name)
        },
    )
    publisher = CodeArtifact(settings, aws.session.client("codeartifact"), read.storage.turn.ask)
    return DestinationParts(publisher, read.storage, aws.notifier(topic), read.address, read.index)


def _store(
    repository: CodeArtifactRepository, environ: Mapping[str, str], sources: Sources
) -> IndexSettings:
    """Take packages from a CodeArtifact repository, and from no other index."""
    return IndexSettings(
        environment={
            **{
                name: value
                for name, value in uv_environment(environ).items()
                if not name.startswith("UV_")
            },
            "UV_DEFAULT_INDEX": f"store={repository.pypi_endpoint().rstrip('/')}/simple/",
            "UV_INDEX_STORE_USERNAME": "aws",
            "UV_INDEX_STORE_PASSWORD": repository.token(),
        },
        guard=AddressGuard(sources),
    )


@dataclass(frozen=True, slots=True)
class _GitHubRepository:
    """A repository at GitHub to which packages go."""

    owner: str
    repository: str
    host: str

    @classmethod
    def of(cls, variables: "_Variables") -> Self:
        return cls(
            variables.get(
                "PrivateGitHubOwner", PATTERNS["owner"], "the owner of the private repository"
            ),
            variables.get(
                "PrivateGitHubRepo", PATTERNS["repository"], "the name of the private repository"
            ),
            variables.get(
                "PACKAGE_GATE_GITHUB_HOST",
                PATTERNS["host"],
                "the host of GitHub Enterprise, without https://",
                default="github.com",
            ),
        )

    @property
    def records(self) -> str:
        return f"github/{self.host}/{self.owner}/{self.repository}"

    @property
    def address(self) -> str:
        return f"https://{self.host}/{self.owner}/{self.repository}"


def _look_at_github(
    environ: Mapping[str, str], output: Path, scratch: Path, policy: Policy
) -> DestinationParts:
    variables = _Variables(environ)
    repository, aws = _GitHubRepository.of(variables), _AWS(variables)
    variables.check()
    return reading(aws.storage(repository.records), scratch, repository.address)


def _github(
    environ: Mapping[str, str], output: Path, scratch: Path, policy: Policy
) -> DestinationParts:
    variables = _Variables(environ)
    repository = _GitHubRepository.of(variables)
    username = variables.get(
        "PrivateGitHubUsername", PATTERNS["username"], "the user whose token it is"
    )
    email = variables.get("PrivateGitHubEmail", PATTERNS["email"], "the address for the commits")
    token = variables.get(
        "PrivateGitHubToken", PATTERNS["token"], "a token that may write to the repository"
    )
    aws = _AWS(variables)
    topic = variables.topic()
    variables.check()
    network = network_of(environ)
    settings = GitHubSettings(
        owner=repository.owner,
        repository=repository.repository,
        username=username,
        email=email,
        token=token,
        scratch=scratch,
        host=repository.host,
        ca_bundle=Path(network.ca_bundle).absolute()
        if isinstance(network.ca_bundle, str)
        else None,
        proxy=https_proxy(network),
        program_path=environ.get("PATH", ""),
    )
    spec = outer_unpacker()
    unpack = partial(unpacked, spec=spec, limits=policy.limits, scratch=scratch)
    records = aws.storage(repository.records)
    publisher = GitHub(settings, unpack, records.turn.ask)
    return DestinationParts(publisher, records, aws.notifier(topic), repository.address)


class _AWS:
    """Records in S3 and emails through SNS, for all destinations on AWS."""

    _threads = S3Storage.readers + REQUESTS_AT_ONCE

    def __init__(self, variables: _Variables) -> None:
        self._records = variables.get(
            "PACKAGE_GATE_RECORDS",
            r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?",
            "where decisions are kept, s3://BUCKET/PREFIX",
        )
        self._key = variables.get(
            "PACKAGE_GATE_RECORDS_KEY", r"\S+", "the KMS key for the decisions", default=""
        )
        self._lease_seconds = variables.get(
            "PACKAGE_GATE_LEASE_SECONDS",
            r"[1-9][0-9]{0,3}",
            "after how many seconds a killed build's turn ends, a whole number below 10000",
            default="60",
        )
        word, meaning = r"[a-z][a-z0-9-]{0,38}[a-z0-9]", "the region of the services"
        region = region_of(
            {
                "AWS_REGION": variables.get("AWS_REGION", word, meaning, default=""),
                "AWS_DEFAULT_REGION": variables.get(
                    "AWS_DEFAULT_REGION", word, meaning, default=""
                ),
            }
        )
        self.session = AWSSession(region)
        if not self.session.region:
            variables.add_problem(f"AWS_REGION is missing: {meaning}.")

    def storage(self, published_to: str) -> S3Storage:
        """Keep the records of each repository apart: what one has, the other may still lack."""
        bucket, _, prefix = self._records.removeprefix("s3://").partition("/")
        settings = S3Settings(
            bucket=bucket,
            prefix=f"{prefix.strip('/')}/{published_to}/".lstrip("/"),
            kms_key_id=self._key,
            lease_seconds=float(self._lease_seconds),
        )
        soon = max(1, round(settings.lease_seconds / 6))
        lease_client = self.session.client("s3", patience=Patience(soon, 1, connect_seconds=soon))
        return S3Storage(settings, self.session.client("s3", self._threads), lease_client)

    def notifier(self, topic: str) -> SNS:
        return SNS(topic, self.session.client("sns", self._threads))


CODEARTIFACT = Destination(_codeartifact, _look_at_codeartifact)
GITHUB = Destination(_github, _look_at_github)
