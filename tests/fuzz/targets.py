"""What is fuzzed: each target takes bytes that an attacker could have made, and checks what holds.

A target raises only when the gate has a fault. `tests/fuzz/test_fuzz.py` runs them on the kept
corpus and on mutations of it; `benchmarks/fuzz.py` runs them for as long as you like, guided by
coverage.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import Version

from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.osv_findings import findings
from package_gate.advisories.osv_records import (
    affects,
    decode_record,
    first_fixed_version,
)
from package_gate.archive.unpack import unpack
from package_gate.core.artifact import Artifact, Origin, ResolvedPackage, UnpackedPackage
from package_gate.core.decision import PackageDecision, RequestDecision, Verdict
from package_gate.core.errors import (
    ConfigurationError,
    ScannerError,
    SourceError,
    SourceRefusedError,
)
from package_gate.core.finding import Finding, Kind, ScannerInfo, Severity
from package_gate.core.import_time import running_code
from package_gate.core.inventory import UnreadableFile
from package_gate.core.judge import judge
from package_gate.core.limits import Limits
from package_gate.core.patterns import is_email
from package_gate.core.policy import load_policy, policy_warnings
from package_gate.core.request import PyPISource
from package_gate.core.request_file import read_requests
from package_gate.core.request_line import NAME_PATTERN
from package_gate.core.source import read_source
from package_gate.core.text import printable
from package_gate.inventory.bounds import problem_with
from package_gate.inventory.formats.items import FormatProblem, Include
from package_gate.inventory.formats.names import Format
from package_gate.inventory.pinned import Pin, pinned
from package_gate.inventory.pins import find_pins
from package_gate.inventory.take import take_inventory
from package_gate.publishers.git_names import request_branch
from package_gate.sandbox.finding_checks import checked
from package_gate.sandbox.pool import decode_answer
from package_gate.sandbox.protocol import Findings
from package_gate.sandbox.spec import ScannerSpec
from package_gate.scanners.behaviour import RULES
from package_gate.scanners.behaviour.rules import behaviours
from package_gate.sources.pypi.lock import parse_lock, release_of
from package_gate.sources.pypi.sdist import read_sdist
from tests.archive.other_readers import as_python
from tests.fakes.describing import described
from tests.fuzz import seeds

LIMITS = Limits(unpacked_bytes=2_000_000, entries=200)
_MEMORY = Path("/dev/shm")
ROOM = Path(
    tempfile.mkdtemp(prefix="gate-fuzz-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None)
)
"""Where inputs and trees go: in memory where that is possible."""
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\\\\]")
TODAY = date(2026, 1, 1)
_FINDING = Finding("osv", "PYSEC-2021-142", Kind.VULNERABILITY, Severity.HIGH, "a flaw")


@dataclass(frozen=True)
class Target:
    """One thing that reads hostile bytes."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    """What mutations begin with; besides, there is the corpus."""
    weight: int = 1
    """Its part of all executions."""
    longest: int = 2000
    """Bytes of an input."""


def requests(data: bytes) -> None:
    """Read the request file: no line is lost, and no name can do harm as a path or a branch."""
    path = _written("requests.csv", data)
    result = read_requests(path)
    lines = re.split(rb"\r\n|\r|\n", data)
    assert len(result.requests) + len(result.errors) <= len(lines)
    projects: dict[str, object] = {}
    for request in result.requests:
        assert NAME_PATTERN.fullmatch(request.name)
        assert ".." not in request.name
        assert request.name == Path(request.name).name
        assert not request.requester or is_email(request.requester)
        assert str(request.source).isprintable()
        request_branch(request.name)
        if not isinstance(request.source, PyPISource):
            assert request.source.url.startswith("https://")
            assert "@" not in request.source.url.split("/")[2]
            other = projects.setdefault(canonicalize_name(request.name), request.source)
            assert other == request.source
    for error in result.errors:
        assert (error.text + error.message).isprintable()
        assert len(error.text) <= 200


def policy(data: bytes) -> None:
    """Read a policy: a mistake is a configuration error, and a waiver holds for its package."""
    try:
        read = load_policy(_written("policy.toml", data))
    except ConfigurationError:
        return
    policy_warnings(read, TODAY)
    scanner = ScannerInfo("osv", "1")
    package = ResolvedPackage("pyyaml", "5.3.1", Origin.PYPI, ())
    judged = judge(package, [_FINDING], [scanner], [], read, TODAY)
    if judged.verdict is Verdict.APPROVED:
        waivers = [
            waiver for waiver in read.waivers if canonicalize_name(waiver.package) == "pyyaml"
        ]
        thresholds = (read.refuse.vulnerability, *read.refuse.scanners.values())
        assert waivers or {"never", "critical"} & set(thresholds)
    assert judge(package, [], [scanner], ["failed"], read, TODAY).verdict is Verdict.UNDECIDED
    assert judge(package, [], [], [], read, TODAY).verdict is Verdict.UNDECIDED


def archives(filename: str) -> Callable[[bytes], None]:
    """Unpack: nothing outside, no link made, and no other reader sees more without a finding."""

    def run(data: bytes) -> None:
        room = ROOM / "unpack"
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir()
        path, tree = room / filename, room / "tree"
        path.write_bytes(data)
        found = unpack(Artifact(filename, "", len(data)), path, tree, LIMITS)
        assert {entry.name for entry in os.scandir(room)} == {filename, "tree"}
        files = _files(tree)
        assert not any(_UNSEEN.search(name) for name in files)
        for finding in found:
            places = "".join(place.path for place in finding.locations)
            assert (finding.message + places).isprintable()
        if all(finding.severity is Severity.INFO for finding in found):
            own = {name: data for name, data in files.items() if ".unpacked/" not in name}
            assert own == as_python(path, room / "python")

    return run


def sdist(data: bytes) -> None:
    """Describe an sdist as a worker does, and take from it what resolving needs."""
    for name in ("demo-1.0.tar.gz", "demo-1.0.zip"):
        inventory = described(_written(name, data))
        assert problem_with(inventory) == ""
        with suppress(SourceError):
            for requirement in read_sdist(inventory, "demo", Version("1.0")).requires:
                assert str(requirement).isprintable()


def metadata(data: bytes) -> None:
    """Take the inventory of a tree: the gate accepts it."""
    for path in ("demo-1.0.dist-info/METADATA", "demo-1.0/PKG-INFO", "demo-1.0/pyproject.toml"):
        shutil.rmtree(ROOM / "tree", ignore_errors=True)
        _written(f"tree/{path}", data)
        _written(f"tree/{path.split('/')[0]}/entry_points.txt", data)
        assert problem_with(take_inventory(ROOM / "tree", "demo-1.0.zip")) == ""


def dependency_files(data: bytes) -> None:
    """Read each kind of dependency file; what is found is a name and a version."""
    for kind in Format:
        for item in pinned(kind, data):
            assert isinstance(item, Pin | Include | FormatProblem)
    shutil.rmtree(ROOM / "tree", ignore_errors=True)
    _written("tree/requirements.txt", data)
    for each in find_pins(ROOM / "tree"):
        if not isinstance(each, UnreadableFile):
            assert canonicalize_name(each.name) == each.name
            assert each.version.isascii()
            assert each.version.isprintable()


def advisory(data: bytes) -> None:
    """Read an advisory and match it; what is reported is about the package."""
    try:
        record = decode_record(data, "fuzz")
    except ScannerError as error:
        str(error).encode()
        return
    for name in sorted(record.pypi_names())[:3]:
        for version in ("0", "1.0", "2!3.0rc1+local", "not-a-version"):
            package = NamedPackage(name, version)
            if affects(record, package):
                first_fixed_version([record], package)
                for finding in findings([record], package):
                    msgspec.json.encode(finding)


_ANY = ScannerSpec("fuzz", "", frozenset(Kind))


def answer(data: bytes) -> None:
    """Take a worker's answer as the pool does: what goes on is fit to read."""
    try:
        said = decode_answer(data)
        if isinstance(said, Findings):
            target = UnpackedPackage("demo", "1.0", Origin.PYPI, ())
            for finding in checked(said.findings, _ANY, target):
                shown = (finding.rule, finding.message, finding.recommendation, *finding.aliases)
                assert all(text.isprintable() for text in (*shown, *finding.references))
                assert finding.count >= len(finding.locations)
    except ScannerError as error:
        str(error).encode()


def lock(data: bytes) -> None:
    """Read uv's lock, whose content an index has chosen: only https, only with digests."""
    try:
        packages = parse_lock(data.decode("utf-8", "replace")).packages
    except (SourceError, SourceRefusedError):
        return
    for package in packages:
        for file in package.files:
            assert file.url.startswith("https://")
            assert file.filename == Path(file.filename).name
            assert release_of(file.filename) == (package.name, package.version)
            assert len(file.sha256 or "") == 64


def record(data: bytes) -> None:
    """Read a record of the store that somebody may have edited."""
    for kind in (PackageDecision, RequestDecision):
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            msgspec.json.encode(msgspec.json.decode(data, type=kind))


def running(data: bytes) -> None:
    """Find what runs on import: the lines keep their number."""
    code = read_source(data).code
    assert running_code(code, whole=False).count(b"\n") == code.count(b"\n")


def behaviour(data: bytes) -> None:
    """Follow the data through a module, however it is written."""
    for whole in (False, True):
        for each in behaviours(read_source(data).text, whole=whole, at_start=whole):
            assert each.rule in RULES
            assert each.line >= 1
            assert each.code.isprintable()


def text(data: bytes) -> None:
    """Show anything."""
    shown = printable(data.decode("utf-8", "surrogateescape"), 100)
    assert shown.isprintable()
    assert len(shown) <= 100


def _written(name: str, data: bytes) -> Path:
    path = ROOM / name
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return path


def _files(tree: Path) -> dict[str, bytes]:
    found = {}
    for folder, _, names in os.walk(tree):
        for name in names:
            path = Path(folder, name)
            assert path.is_file()
            assert not path.is_symlink()
            found[str(path.relative_to(tree))] = path.read_bytes()
    return found


TARGETS: dict[str, Target] = {
    "requests": Target(requests, seeds.REQUESTS, 2),
    "policy": Target(policy, seeds.POLICIES, 2),
    "zip": Target(archives("demo.zip"), seeds.ZIPS, 1),
    "wheel": Target(archives(seeds.WHEEL_NAME), seeds.WHEELS, 1),
    "tar": Target(archives("demo.tar"), seeds.TARS, 1, longest=8000),
    "sdist": Target(sdist, seeds.SDISTS, 1, longest=8000),
    "metadata": Target(metadata, seeds.METADATA, 1),
    "dependency-files": Target(dependency_files, seeds.DEPENDENCY_FILES, 1),
    "advisory": Target(advisory, seeds.ADVISORIES, 6),
    "answer": Target(answer, seeds.ANSWERS, 4),
    "lock": Target(lock, seeds.LOCKS, 3),
    "record": Target(record, seeds.RECORDS, 4),
    "running": Target(running, seeds.MODULES, 1),
    "behaviour": Target(behaviour, seeds.BEHAVIOURS, 1),
    "text": Target(text, seeds.TEXTS, 2),
}
