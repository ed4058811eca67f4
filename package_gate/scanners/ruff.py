"""The `ruff` scanner: Bandit's checks for insecure Python code, as Ruff's `S` rules.

Ruff is run so that nothing inside a package can switch a rule off or hide a file: no
configuration, no `noqa`, no ignore files, none of its usual exclusions (`build`, `venv`, …).
"""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import msgspec
from ruff import find_ruff_bin  # type: ignore[import-untyped]  # it has no types

from package_gate.core.artifact import UnpackedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import MAX_LOCATIONS, Finding, Kind, Location, ScannerInfo, Severity
from package_gate.core.source import Fault, decoded
from package_gate.core.text import one_line, printable
from package_gate.inventory.once import find_repeats
from package_gate.inventory.trees import regular_files
from package_gate.sandbox.isolation import confine_program
from package_gate.scanners import versions

NAME = "ruff"
ENDINGS = (".py", ".pyi", ".pyw", ".ipynb")
MAX_ARGUMENT_BYTES = 100_000
"""Far below what Linux and macOS allow for a program's arguments."""
OPTIONS = (
    "--isolated",
    "--ignore-noqa",
    "--no-respect-gitignore",
    "--no-cache",
    "--no-force-exclude",
    "--no-preview",
    "--no-fix",
    "--exit-zero",
    "--quiet",
    "--output-format=json-lines",
    # E902 reports files that can't be read; without it they are a warning that is easily lost.
    "--select=S,E902",
    "--target-version=py314",
    "--config=exclude = []",
    f"--config=include = {[f'*{ending}' for ending in ENDINGS]}",
)

# Bandit's documentation gives each check a severity (https://bandit.readthedocs.io, version 1.9);
# `S` and `B` numbers are the same. Those that are in neither list are of medium severity. Where
# Bandit has several and Ruff's message doesn't tell which, it is the highest.
_LOW = {
    f"S{number}"
    for number in (
        *(101, 105, 106, 107, 110, 112, 311, 403, 404, 405, 406, 407, 408, 409, 504),
        *(603, 606, 607),
    )
}
_HIGH = {
    f"S{number}"
    for number in (
        *(201, 202, 304, 312, 321, 324, 401, 402, 411, 412, 413, 415, 501, 502, 505, 507),
        *(602, 605, 609, 701),
    )
}
_RULE = re.compile(r"S[0-9]{3}")
_OCTAL_MASK = re.compile(r"`0o([0-7]{1,6})`")
_OF_LIMITS = {signal.SIGKILL, signal.SIGTERM, signal.SIGXCPU}
"""Signals that end it from outside, whatever it reads."""
_RULE_ADDRESS = "https://docs.astral.sh/ruff/rules/"


class _Place(msgspec.Struct, frozen=True):
    row: int


class _Diagnostic(msgspec.Struct, frozen=True):
    """One line of Ruff's `json-lines`; what else is in it is left out."""

    filename: str
    message: str
    code: str | None = None
    location: _Place | None = None
    url: str | None = None


@dataclass(slots=True)
class _Group:
    """What one rule found, at one severity."""

    message: str
    reference: str
    count: int = 0
    locations: list[Location] = field(default_factory=list)


@dataclass(slots=True)
class _Report:
    """What was found in a file, or in all files of an artifact."""

    groups: dict[tuple[str, Severity], _Group] = field(default_factory=dict)
    unparsable: list[Location] = field(default_factory=list)

    def add(self, diagnostic: _Diagnostic, path: str) -> None:
        """Take what Ruff says of this file."""
        row = diagnostic.location.row if diagnostic.location else None
        location = Location(printable(path, 1000), row)
        code = diagnostic.code or ""
        if not _RULE.fullmatch(code):
            self.unparsable = self.unparsable or [location]
            return
        key = code, bandit_severity(code, diagnostic.message)
        group = self.groups.setdefault(
            key, _Group(one_line(diagnostic.message, 500), _reference(diagnostic))
        )
        group.count += 1
        if len(group.locations) < MAX_LOCATIONS:
            group.locations.append(location)

    def add_file(self, report: "_Report") -> None:
        """Take what was found in another file."""
        for key, found in report.groups.items():
            group = self.groups.setdefault(key, _Group(found.message, found.reference))
            group.count += found.count
            group.locations += found.locations[: MAX_LOCATIONS - len(group.locations)]
        self.unparsable += report.unparsable


class Ruff:
    """Runs Ruff once for each package, or a few times when there is too much to name."""

    def __init__(self) -> None:
        self._program = str(find_ruff_bin())
        self._decode = msgspec.json.Decoder(_Diagnostic).decode
        self.info = ScannerInfo(NAME, versions.ruff())

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        """Report insecure code in each artifact, a finding for each rule, and unparsable files.

        Raises:
            ScannerError: Ruff failed or took too long, or a file can't be read.
        """
        trees = [artifact.tree for artifact in target.artifacts]
        try:
            repeats = find_repeats(trees, ENDINGS)
        except OSError as error:
            raise ScannerError(f"can't read the files of {target.name}: {error}") from error
        # By tree and path. What is left of the path's bytes is Ruff's own reading of them.
        reports: dict[tuple[int, str], _Report] = {}
        with ExitStack() as copies:
            try:
                copied = dict(_decoded([*trees[:1], *repeats.new_files], reports, trees, copies))
            except OSError as error:
                raise ScannerError(f"can't read the files of {target.name}: {error}") from error
            skipped = set(copied.values())
            for paths in _in_portions([*trees[:1], *repeats.new_files, *copied]):
                for diagnostic in self._run(paths):
                    if diagnostic.filename in skipped:
                        continue
                    filename = copied.get(diagnostic.filename, diagnostic.filename)
                    number, path = _place(filename, trees)
                    reports.setdefault((number, path), _Report()).add(diagnostic, path)
        for number, artifact in enumerate(target.artifacts):
            whole = _Report()
            for place in sorted(reports, key=lambda place: place[1]):
                if place[0] == number or place in repeats.of_tree[number]:
                    whole.add_file(reports[place])
            yield from _findings(whole, artifact.artifact.filename)

    def _run(self, paths: Sequence[str]) -> Iterator[_Diagnostic]:
        """Run Ruff on folders and files and yield what it reports, while it does."""
        with tempfile.TemporaryFile() as errors:
            with subprocess.Popen(
                [self._program, "check", *OPTIONS, "--", *paths],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={},  # every RUFF_* variable would be a setting
                preexec_fn=confine_program,  # a scan has one thread
            ) as process:
                # It is stopped with the scan, at the limits of time, and ends by itself when
                # nobody reads what it says.
                yield from self._diagnostics(process.stdout)
            if process.returncode < 0:
                raise ScannerError(self._why_killed(paths, -process.returncode))
            if process.returncode != 0:
                raise ScannerError(f"ruff ended with status {process.returncode}: {_tail(errors)}")

    def _why_killed(self, paths: Sequence[str], number: int) -> str:
        """Say at which file Ruff was ended by a signal, found by halves, and what to do."""
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = str(number)
        files = list(_files_of(paths))
        while len(files) > 1 and number not in _OF_LIMITS:
            half = files[: len(files) // 2]
            files = half if self._is_killed_by(half) else files[len(half) :]
        known = len(files) == 1 and self._is_killed_by(files)
        at = printable(files[0].partition("/tree/")[2] or files[0], 300) if known else ""
        return (
            f"ruff was ended by {name}{f' at {at}' if at else ''}, which may be nested too deeply"
            " or too large for it. Look at that code by hand; `--scanners` without `ruff` decides"
            " without it."
        )

    def _is_killed_by(self, files: Sequence[str]) -> bool:
        for paths in _in_portions(files):
            done = subprocess.run(
                [self._program, "check", *OPTIONS, "--", *paths],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                check=False,
                preexec_fn=confine_program,
            )
            if done.returncode < 0:
                return True
        return False

    def _diagnostics(self, output: IO[bytes] | None) -> Iterator[_Diagnostic]:
        try:
            for line in output or ():
                yield self._decode(line)
        except msgspec.MsgspecError as error:
            raise ScannerError(f"ruff's output can't be understood: {error}") from error


def bandit_severity(code: str, message: str) -> Severity:
    """Give Bandit's severity of a rule; a few depend on what was found."""
    if code in {"S602", "S605"} and "seems safe" in message:
        return Severity.LOW
    if code == "S103":
        mask = _OCTAL_MASK.search(message)
        world_writable = mask is not None and int(mask[1], 8) & 0o002
        return Severity.HIGH if world_writable else Severity.MEDIUM
    if code in _LOW:
        return Severity.LOW
    return Severity.HIGH if code in _HIGH else Severity.MEDIUM


def _files_of(paths: Iterable[str]) -> Iterator[str]:
    """Give the files that Ruff looks at, below folders too."""
    for path in paths:
        below = map(str, regular_files(Path(path))) if Path(path).is_dir() else [path]
        yield from (each for each in below if each.endswith(ENDINGS))


def _decoded(
    paths: Iterable[str],
    reports: dict[tuple[int, str], _Report],
    trees: Sequence[str],
    copies: ExitStack,
) -> Iterator[tuple[str, str]]:
    """Make copies in UTF-8, which is all that Ruff reads, of files in another encoding.

    Yields each copy with its file. What nobody can decode is noted in the reports as unparsable.
    """
    for path in _files_of(paths):
        source = decoded(Path(path).read_bytes()) if not path.endswith(".ipynb") else None
        if source is None:
            continue
        if source.fault is Fault.NONE:
            number, copy = tempfile.mkstemp(suffix=Path(path).suffix)
            copies.callback(Path(copy).unlink)
            with os.fdopen(number, "wb") as file:
                file.write(source.code)
            yield copy, path
        elif source.fault is not Fault.UNDECODABLE:  # which Ruff reports
            number, place = _place(path, trees)
            location = Location(printable(place, 1000))
            reports.setdefault((number, place), _Report()).unparsable = [location]


def _in_portions(paths: Iterable[str]) -> Iterator[list[str]]:
    """Divide paths so that a program can be given them."""
    portion: list[str] = []
    size = 0
    for path in paths:
        size += len(os.fsencode(path)) + 1
        if portion and size > MAX_ARGUMENT_BYTES:
            yield portion
            portion, size = [], len(os.fsencode(path)) + 1
        portion.append(path)
    if portion:
        yield portion


def _place(filename: str, trees: Sequence[str]) -> tuple[int, str]:
    """Give the number of the tree that a file is in, and its path there."""
    for number, tree in enumerate(trees):
        if filename.startswith(f"{tree}/"):
            return number, filename.removeprefix(f"{tree}/")
    raise ScannerError(f"ruff reported on another file: {printable(filename, 300)}")


def _findings(report: _Report, filename: str) -> Iterator[Finding]:
    for (code, severity), group in sorted(report.groups.items()):
        yield Finding(
            scanner=NAME,
            rule=code,
            kind=Kind.CODE,
            severity=severity,
            message=group.message,
            references=(group.reference,) if group.reference else (),
            artifact=filename,
            locations=tuple(group.locations),
            count=group.count,
        )
    if report.unparsable:
        yield Finding(
            scanner=NAME,
            rule="unparsable",
            kind=Kind.CODE,
            severity=Severity.INFO,
            message="These files are not Python that Ruff can parse, and were not checked.",
            artifact=filename,
            locations=tuple(report.unparsable[:MAX_LOCATIONS]),
            count=len(report.unparsable),
        )


def _reference(diagnostic: _Diagnostic) -> str:
    address = diagnostic.url or ""
    return address if address.startswith(_RULE_ADDRESS) else ""


def _tail(file: IO[bytes]) -> str:
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - 2000))
    return printable(file.read().decode("utf-8", "replace").strip(), 500)
