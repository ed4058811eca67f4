"""Running uv: a requirement in, the files of its whole closure for one target out.

uv (`uv pip compile --no-build`) resolves from wheels' metadata and never builds or runs anything
of a package. It is started in an empty folder, with a minimal environment and an explicit
configuration file, so nothing in a working directory, a home folder or a repository reaches it.
It has no way to the network but a proxy of ours that guards addresses (`net.guarding_proxy`).
"""

import re
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from uv import find_uv_bin

from package_gate.core.errors import SourceError
from package_gate.core.policy import Sources
from package_gate.core.text import printable
from package_gate.net.addresses import AddressGuard
from package_gate.net.guarding_proxy import guarding_proxy
from package_gate.net.session import network_of
from package_gate.sources.pypi.lock import Lock, parse_graph, parse_lock

# find_uv_bin asks for these; in CPython 3.11 two threads that ask first at once get half of them.
sysconfig.get_config_vars()

MAX_WORDS = 600
"""Characters of uv's own explanation that a message repeats."""
COMPILE_SECONDS = 300
"""How long one resolution may take."""
MAX_OUTPUT = 64 * 1024 * 1024
"""Bytes of a lock; a closure of 1,000 packages takes about 1 MiB."""

_OWN_PROXY = frozenset({"http-proxy", "https-proxy", "no-proxy"})
_PROXY = re.compile(r"(?i:HTTP_PROXY|HTTPS_PROXY|ALL_PROXY|NO_PROXY)")
_ENVIRONMENT = re.compile(
    r"UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|INDEX_STRATEGY"
    r"|HTTP_TIMEOUT|HTTP_CONNECT_TIMEOUT|HTTP_RETRIES|CONCURRENT_DOWNLOADS"
    r"|INDEX_[A-Z0-9_]+_(USERNAME|PASSWORD))"
    r"|SSL_CERT_FILE|SSL_CERT_DIR"
    rf"|{_PROXY.pattern}"
)


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """Which indexes there are and how they are reached, as uv's own configuration says."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What `uv_environment` picked; may hold index credentials."""
    user_config: Path | None = None
    """What `find_uv_config` found."""
    cache_dir: Path | None = None
    """uv's cache, outside any requester's reach; None for a fresh one each time."""
    guard: AddressGuard = field(default=AddressGuard(Sources()), repr=False)
    """Decides where indexes and what they name may be; by default at public addresses only."""


def uv_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Pick what uv may see: where the indexes are, their credentials, certificates, proxies.

    Left out are, among others, `UV_FIND_LINKS`, `UV_CONSTRAINT`, `UV_OVERRIDE` and
    `UV_INSECURE_HOST`, which would change what a requirement means, `NETRC` and every other
    program's credentials. `SSL_CERT_FILE` is what the gate's own connections trust too.

    See https://docs.astral.sh/uv/reference/environment/.
    """
    picked = {
        name: value for name, value in environ.items() if value and _ENVIRONMENT.fullmatch(name)
    }
    bundle = network_of(environ).ca_bundle
    if isinstance(bundle, str):  # uv is started in a folder of its own
        picked["SSL_CERT_FILE"] = str(Path(bundle).absolute())
    return picked


def index_settings(environ: Mapping[str, str], home: Path, sources: Sources) -> IndexSettings:
    """Read uv's own standard configuration: the environment, then its files.

    Args:
        environ: the environment.
        home: the home folder of whoever runs the gate.
        sources: the policy's lists of hosts.

    Raises:
        ConfigurationError: the policy lists something that is no host.
    """
    cache = environ.get("UV_CACHE_DIR") or environ.get("XDG_CACHE_HOME")
    folder = Path(cache) if cache else home / ".cache"
    return IndexSettings(
        environment=uv_environment(environ),
        user_config=find_uv_config(home, environ),
        cache_dir=(folder if environ.get("UV_CACHE_DIR") else folder / "uv").absolute(),
        guard=AddressGuard(sources),
    )


def find_uv_config(
    home: Path, environ: Mapping[str, str], system: Path = Path("/etc")
) -> Path | None:
    """Find the one configuration file that uv is given; None when there is none.

    `UV_CONFIG_FILE` goes first, then the user's file, then the system's. uv on its own would merge
    the last two; here the user's replaces the system's.

    See https://docs.astral.sh/uv/concepts/configuration-files/.
    """
    if environ.get("UV_CONFIG_FILE"):
        return Path(environ["UV_CONFIG_FILE"]).absolute()
    folders = [
        Path(environ.get("XDG_CONFIG_HOME") or home / ".config"),
        *(Path(folder) for folder in environ.get("XDG_CONFIG_DIRS", "").split(":") if folder),
        system,
    ]
    # A relative folder would be looked up from the working directory, which others may write to.
    candidates = [folder / "uv" / "uv.toml" for folder in folders if folder.is_absolute()]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def read_uv_config(settings: IndexSettings) -> dict[str, Any]:
    """Read the configuration file that uv is given; empty when there is none.

    Raises:
        SourceError: it can't be read, or it has a proxy: uv would take that in place of ours.
    """
    if settings.user_config is None:
        return {}
    try:
        config = tomllib.loads(settings.user_config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(
            f"uv's configuration file {settings.user_config} can't be read: {error}"
        ) from error
    if own := sorted(_OWN_PROXY & config.keys()):
        raise SourceError(
            f"uv's configuration file {settings.user_config} sets {', '.join(own)}; remove it and "
            "set HTTPS_PROXY and NO_PROXY in the environment, by which all connections go"
        )
    return config


@dataclass(frozen=True, slots=True)
class PythonTarget:
    """A notebook's Python and platform, as the policy names them."""

    python: str
    platform: str

    def __str__(self) -> str:
        return f"Python {self.python} on {self.platform}"


class Reason(Enum):
    """Why uv could not resolve."""

    NO_PACKAGE = auto()
    NO_VERSION = auto()
    ONLY_SDIST = auto()
    NO_WHEEL_FOR_TARGET = auto()
    OTHER_PYTHON = auto()
    YANKED = auto()
    ADDRESS = auto()
    CONFLICT = auto()
    DENIED = auto()
    UNREACHABLE = auto()
    BAD_ANSWER = auto()
    TIMEOUT = auto()
    CONFIGURATION = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class ResolutionFailure:
    """What uv said instead of a lock."""

    reason: Reason
    words: str
    """uv's explanation on one line, escaped and shortened."""
    package: str = ""
    """The package that it is about, when uv names one."""
    specifiers: tuple[SpecifierSet, ...] = ()
    """For `ONLY_SDIST`: the releases of `package` that are meant; empty for all of them."""
    said_by: str = "uv"
    """Whose the words are."""


@dataclass(frozen=True, slots=True)
class Compilation:
    """What uv is asked."""

    requirements: str
    """PEP 508 requirements without URL, one a line, parsed and written anew by the caller."""
    target: PythonTarget
    cutoff: datetime | None = None
    """Files uploaded later don't exist for this resolution; None for no such limit."""
    exempt: Mapping[str, datetime] = field(default_factory=dict)
    """Normalised name → the package's own cutoff."""
    constraints: tuple[str, ...] = ()
    """PEP 508 requirements that no package of the closure may break."""
    stand_ins: Path | None = None
    """A folder of stand-in wheels for releases that only exist as sdists."""
    prereleases: bool = False
    """Whether pre-releases count as any other release."""
    graph: bool = False
    """Whether to learn which package needs which, in place of the files."""
    hashes: bool = False
    """In a graph: whether to learn the hashes of all files."""


def run_uv(settings: IndexSettings, asked: Compilation, scratch: Path) -> Lock | ResolutionFailure:
    """Resolve requirements for one target.

    `scratch` is a folder that nobody else can write to; a fresh folder is made in it.

    Raises:
        SourceError: uv can't be run, its configuration file can't be used, or its lock isn't one.
        SourceRefusedError: a file of the closure isn't an index's, or an address that uv needs is
            forbidden.
        ConfigurationError: the organisation's proxy can't be used.
    """
    read_uv_config(settings)
    with tempfile.TemporaryDirectory(prefix="uv-", dir=scratch) as name:
        folder = Path(name)
        try:
            network = network_of(settings.environment)
            with guarding_proxy(settings.guard, network) as proxy:
                failed = _start(settings, asked, folder, proxy.url)
        except subprocess.TimeoutExpired:
            return ResolutionFailure(Reason.TIMEOUT, f"no answer after {COMPILE_SECONDS} seconds")
        except OSError as error:
            raise SourceError(
                f"uv can't be started ({error.strerror or 'not found'}); make room in the scratch "
                "folder, or install the pinned requirements again"
            ) from error
        if failed:
            proxy.check()
            return read_uv_failure(_bounded(folder / "stderr"))
        if asked.graph:
            return parse_graph(_bounded(folder / "stdout"), _bounded(folder / "stderr"))
        return parse_lock(_bounded(folder / "stdout"), asked.stand_ins)


def _start(settings: IndexSettings, asked: Compilation, folder: Path, proxy: str) -> int:
    (folder / "constraints.txt").write_text("".join(f"{line}\n" for line in asked.constraints))
    work = folder / "work"
    work.mkdir()
    arguments = [
        *("pip", "compile", "--no-header", "--no-build", "--no-sources"),
        "--annotation-style=line" if asked.graph else "--format=pylock.toml",
        *("--no-python-downloads", "--keyring-provider=disabled"),
        *("--color=never", "--no-progress"),
        f"--python={sys.executable}",
        f"--python-version={asked.target.python}",
        f"--python-platform={asked.target.platform}",
        f"--constraints={folder / 'constraints.txt'}",
        f"--config-file={settings.user_config}" if settings.user_config else "--no-config",
    ]
    if asked.hashes:
        arguments.append("--generate-hashes")
    if asked.prereleases:
        arguments.append("--prerelease=allow")
    if asked.cutoff:
        arguments.append(f"--exclude-newer={_rfc3339(asked.cutoff)}")
    for name, cutoff in asked.exempt.items():
        arguments.append(f"--exclude-newer-package={name}={_rfc3339(cutoff)}")
    if asked.stand_ins:
        arguments.append(f"--find-links={asked.stand_ins}")
    given = settings.environment.items()
    environment = {
        **{name: value for name, value in given if not _PROXY.fullmatch(name)},
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), proxy),
        **{"HOME": str(folder), "TMPDIR": str(folder)},
    }
    if settings.cache_dir:
        environment["UV_CACHE_DIR"] = str(settings.cache_dir)
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        return subprocess.run(
            # Requirements go in by standard input: a line of the request file is no argument.
            [find_uv_bin(), *arguments, "-"],
            input=f"{asked.requirements}\n".encode(),
            stdout=stdout,
            stderr=stderr,
            cwd=work,
            env=environment,
            timeout=COMPILE_SECONDS,
            check=False,
        ).returncode


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _bounded(path: Path) -> str:
    if path.stat().st_size > MAX_OUTPUT:
        raise SourceError(f"uv's answer is larger than {MAX_OUTPUT} bytes; this is not a closure")
    return path.read_text(encoding="utf-8", errors="replace")


# Each is bounded or anchored: a hostile index has a say in the words.
_NAME = r"(?<![a-z0-9._-])(?P<name>[a-z0-9][a-z0-9._-]{0,213})"
_RANGE = r"(?:[<>=!~]{1,3}[^\s,]{1,200}(?:,[<>=!~]{1,3}[^\s,]{1,200}){0,20})"
_SIGNS: tuple[tuple[Reason, re.Pattern[str]], ...] = tuple(
    (reason, re.compile(pattern))
    for reason, pattern in (
        (Reason.DENIED, r"\((?:401 Unauthorized|403 Forbidden)\)|403 Forbidden error"),
        (Reason.UNREACHABLE, r"Failed to fetch|error sending request"),
        (Reason.BAD_ANSWER, r"Received some unexpected|Unsupported `Content-Type`"),
        (Reason.CONFIGURATION, r"Failed to parse|failed to open file|invalid value"),
        (Reason.NO_PACKAGE, _NAME + r" was not found in the package registry"),
        (Reason.ONLY_SDIST, r"Wheels are required for `" + _NAME + r"` because building"),
        (Reason.NO_WHEEL_FOR_TARGET, _NAME + _RANGE + r"? ha(?:s|ve) no wheels with a matching"),
        (
            Reason.OTHER_PYTHON,
            r"does not satisfy Python\S{1,200} and " + _NAME + _RANGE + r"? depends on Python",
        ),
        (Reason.YANKED, _NAME + _RANGE + r"? w(?:as|ere) yanked"),
        (Reason.ADDRESS, "`" + _NAME + "` was included as a URL dependency"),
        (
            Reason.NO_VERSION,
            r"^(?!.* depends? on )Because (?:there is no version of|there are no versions of"
            r"|only the following versions of|only) " + _NAME,
        ),
        (Reason.CONFLICT, r"^(?:Because|you require)\b"),
    )
)


def read_uv_failure(stderr: str) -> ResolutionFailure:
    """Tell uv's failures apart by its words, the most telling first.

    uv itself puts stars in the place of credentials.
    """
    lines = [line.strip() for line in stderr.splitlines() if not line.startswith("warning:")]
    text = " ".join(" ".join(lines).split()).removeprefix("error: ")
    text = text.removeprefix("No solution found when resolving dependencies cause: ")
    words = printable(text, MAX_WORDS)
    for reason, pattern in _SIGNS:
        if found := pattern.search(text):
            package = found.groupdict().get("name") or ""
            wanted = _without_wheels(text, package) if reason is Reason.ONLY_SDIST else ()
            return ResolutionFailure(reason, words, package, wanted)
    return ResolutionFailure(Reason.UNKNOWN, words)


def _without_wheels(text: str, package: str) -> tuple[SpecifierSet, ...]:
    """Which releases of the package uv says have no usable wheels; () for all of them.

    uv writes `NAME==1.0 has no usable wheels`, `all versions of NAME have no usable wheels`, or
    `all of: NAME<=0.1 NAME>=0.3 have no usable wheels`.
    """
    name = rf"(?<![\w.-]){re.escape(package)}"
    for before in text.split(" no usable wheels")[:-1]:
        clause = re.split(r"(?<![\w.-])(?:[Bb]ecause|and)(?![\w.-])", before)[-1]
        if ranges := re.findall(f"{name}({_RANGE})", clause):
            try:
                return tuple(SpecifierSet(found) for found in ranges)
            except InvalidSpecifier:
                return ()
    return ()
