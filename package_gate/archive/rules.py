"""What the unpacker reports: its rules with their severities, and the collector of findings.

The severities follow one idea. `critical`: made to break out of the unpacking folder. `high`: two
honest tools would see different content, something is hidden, or a limit was hit. `medium`: refused
by some installers, or code that runs without being imported. `low`: sloppy enough that files may
get lost on another system. `info`: worth knowing, harmless for an installer.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from package_gate.archive.roles import is_importable
from package_gate.core.finding import MAX_LOCATIONS, Finding, Kind, Location, Severity
from package_gate.core.text import printable

MAX_PLACE = 300
"""Characters of a place; names in a hostile archive may have 64 kB."""


class Rule(NamedTuple):
    """What a rule says."""

    severity: Severity
    message: str
    recommendation: str


_AMBIGUOUS = (
    "Ask the publisher for an archive made with a standard tool; every reader must see it the "
    "same way."
)
_ATTACK = "Treat the package as hostile and tell InfoSec; no packaging tool writes this by itself."
_BROKEN = "Download it again; if it stays so, ask the publisher for a sound archive."
_LIMIT = "If the package is trusted and really so large, raise the limit in the policy's [limits]."
_REBUILD = "Ask the publisher to build the package with a current build tool."
_READ = "Read the file before approving; nothing else is needed when it does what it should."

_I, _L, _M = Severity.INFO, Severity.LOW, Severity.MEDIUM
_H, _C = Severity.HIGH, Severity.CRITICAL

RULES: dict[str, Rule] = {
    # The archive as a whole
    "unreadable": Rule(_H, "The archive can't be read.", _BROKEN),
    "wrong-format": Rule(_H, "The file's content is not what its name promises.", _AMBIGUOUS),
    "several-formats": Rule(
        _H, "It is a zip and a tar at once; installers differ in what they unpack.", _ATTACK
    ),
    "empty-archive": Rule(_L, "The archive holds no file.", _BROKEN),
    "truncated": Rule(_H, "The archive ends in the middle.", _BROKEN),
    "damaged-entry": Rule(
        _H, "An entry's data is damaged, or not what its header announces.", _BROKEN
    ),
    "damaged-header": Rule(
        _H, "A header is damaged; what follows is seen by some readers only.", _AMBIGUOUS
    ),
    "prepended-data": Rule(_H, "Data stands before the archive's first entry.", _AMBIGUOUS),
    "trailing-data": Rule(
        _H, "Data follows the end of the archive; another reader may unpack it.", _AMBIGUOUS
    ),
    "hidden-data": Rule(_H, "Bytes between entries belong to none of them.", _AMBIGUOUS),
    "several-end-records": Rule(
        _H, "There are several end records; readers differ in which one counts.", _AMBIGUOUS
    ),
    "several-streams": Rule(
        _M, "It is packed as several streams; some readers stop after the first.", _AMBIGUOUS
    ),
    "no-end-marker": Rule(_I, "The tar has no end marker.", _BROKEN),
    "directory-mismatch": Rule(
        _H, "The end record and the central directory contradict each other.", _AMBIGUOUS
    ),
    "header-mismatch": Rule(
        _H, "An entry's headers contradict each other; readers see different files.", _AMBIGUOUS
    ),
    "overlapping-entries": Rule(
        _H, "Entries share the same bytes, as in a decompression bomb.", _ATTACK
    ),
    "encrypted-entry": Rule(_H, "An entry is encrypted and can't be scanned.", _ATTACK),
    "unsupported-compression": Rule(
        _M, "An entry uses a compression that installers don't share; it was not scanned.", _REBUILD
    ),
    "unusual-entry": Rule(
        _M, "An entry uses a feature of the format that readers treat differently.", _AMBIGUOUS
    ),
    "entry-comment": Rule(_L, "An entry has a comment, which some installers misread.", _AMBIGUOUS),
    # Names
    "path-traversal": Rule(_C, "A path climbs out of its folder with `..`.", _ATTACK),
    "absolute-path": Rule(_C, "A path is absolute or names a drive.", _ATTACK),
    "backslash-in-name": Rule(
        _H, "A name has a backslash; some readers take it for a folder.", _AMBIGUOUS
    ),
    "nul-in-name": Rule(_H, "A name has a NUL; some readers cut it off there.", _ATTACK),
    "control-character": Rule(_M, "A name has control characters.", _ATTACK),
    "bidi-character": Rule(
        _H, "A name has invisible characters that change how it is displayed.", _ATTACK
    ),
    "lookalike-path": Rule(
        _H, "A name has characters that look like path syntax and may become it.", _ATTACK
    ),
    "name-encoding": Rule(
        _L, "A name is in no declared encoding; readers unpack it under different names.", _REBUILD
    ),
    "accented-name": Rule(
        _I, "A name has letters in no declared encoding, as Windows and macOS write them.", _REBUILD
    ),
    "name-not-utf8": Rule(_I, "A name is not UTF-8.", _REBUILD),
    "unportable-name": Rule(_I, "Windows can't store a file of this name.", _REBUILD),
    "unnormalised-name": Rule(_I, "A path has empty or `.` parts.", _REBUILD),
    "empty-name": Rule(_M, "An entry has no name.", _AMBIGUOUS),
    "duplicate-name": Rule(
        _H, "Several entries have the same name and different content.", _AMBIGUOUS
    ),
    "repeated-entry": Rule(_I, "The same file stands in the archive several times.", _REBUILD),
    "file-folder-collision": Rule(_H, "A path is a file and a folder at once.", _AMBIGUOUS),
    "case-collision": Rule(
        _L, "Names differ only in upper and lower case: one file on some systems.", _REBUILD
    ),
    "unicode-collision": Rule(
        _M, "Names are the same after Unicode normalisation: one file on some systems.", _ATTACK
    ),
    # Kinds of entries
    "link-outside": Rule(_C, "A link points out of the package.", _ATTACK),
    "entry-through-link": Rule(_H, "An entry is written through a link.", _ATTACK),
    "link-loop": Rule(_M, "Links point at each other, or at too many others.", _ATTACK),
    "link": Rule(
        _I, "Links within the package; scanners see a copy of what they point at.", _REBUILD
    ),
    "ambiguous-link": Rule(
        _M, "A link that readers follow differently, or that may become code.", _AMBIGUOUS
    ),
    "dangling-link": Rule(_I, "A link points at nothing.", _REBUILD),
    "disguised-link": Rule(
        _M, "A link makes a file run as code that it doesn't look like.", _ATTACK
    ),
    "special-file": Rule(_H, "A device, pipe or unknown kind of entry.", _ATTACK),
    "sparse-entry": Rule(_H, "A sparse file, whose size is no one's guess; not unpacked.", _ATTACK),
    "setuid-file": Rule(_M, "A file asks for set-user-id or set-group-id rights.", _ATTACK),
    # Limits
    "limit-bytes": Rule(_H, "The archive unpacks to more bytes than allowed.", _LIMIT),
    "limit-file-bytes": Rule(_H, "A file unpacks to more bytes than allowed.", _LIMIT),
    "limit-entries": Rule(_H, "The archive has more entries than allowed.", _LIMIT),
    "limit-ratio": Rule(
        _H, "The archive unpacks to suspiciously many times its size: a bomb.", _LIMIT
    ),
    "limit-depth": Rule(_H, "Folders are nested more deeply than allowed.", _LIMIT),
    "limit-path": Rule(_H, "A path is longer than allowed.", _LIMIT),
    "limit-header": Rule(_H, "A header is larger than any honest one.", _ATTACK),
    # Nested archives
    "nested-archive": Rule(
        _M, "An archive lies too deep within others, or is too large there, to be opened.", _ATTACK
    ),
    "hidden-code": Rule(
        _M, "Python could import code from an archive that was not unpacked to its end.", _ATTACK
    ),
    "nested-ratio": Rule(
        _I,
        "A nested archive unpacks to so many times its size that only its start was unpacked.",
        "Look at it by hand if in doubt; arrays of zeros (`.npz`) are like this.",
    ),
    # Wheels and sdists
    "dist-info": Rule(
        _H, "The wheel has not exactly one `.dist-info` folder of its own name.", _REBUILD
    ),
    "metadata-missing": Rule(_H, "A wheel lacks METADATA, WHEEL or RECORD.", _REBUILD),
    "metadata-mismatch": Rule(
        _H, "The metadata names another project or version than the file name.", _ATTACK
    ),
    "metadata-ambiguous": Rule(
        _M, "The metadata gives a name or version several times, or is unreadable.", _REBUILD
    ),
    "wheel-version": Rule(_M, "Installers refuse this version of the wheel format.", _REBUILD),
    "record-mismatch": Rule(_H, "A file is not what RECORD says.", _REBUILD),
    "record-extra-file": Rule(_H, "A file is not listed in RECORD.", _REBUILD),
    "record-missing-file": Rule(_H, "RECORD lists a file that is not in the wheel.", _REBUILD),
    "record-malformed": Rule(_M, "RECORD is malformed or contradicts itself.", _REBUILD),
    "record-weak": Rule(_L, "RECORD gives no hash, or a weak one, for a file.", _REBUILD),
    "data-folder": Rule(
        _M, "A `.data` folder installs to a place that the wheel format doesn't know.", _REBUILD
    ),
    "hidden-install": Rule(
        _M, "A `.data` folder puts files into site-packages by a detour.", _ATTACK
    ),
    "install-collision": Rule(
        _H, "Two files install to one place; installers differ in which of them stays.", _ATTACK
    ),
    "foreign-module": Rule(
        _H, "It installs what belongs to a tool of every notebook or to a popular project.", _ATTACK
    ),
    "standard-module": Rule(
        _M, "It installs a module named like one of Python's standard library.", _ATTACK
    ),
    "script-module": Rule(
        _H, "A script is named like a module that other scripts beside it import.", _ATTACK
    ),
    "environment-file": Rule(
        _H, "It installs a file that other programs read, such as their settings.", _ATTACK
    ),
    "data-place": Rule(
        _L, "It installs a file outside of the places that are a package's own.", _REBUILD
    ),
    "installer-file": Rule(_L, "It ships a file that only an installer should write.", _REBUILD),
    "entry-points": Rule(_M, "`entry_points.txt` can be read in more than one way.", _REBUILD),
    "entry-point-path": Rule(_C, "A script's name is a path out of the scripts folder.", _ATTACK),
    "entry-point-shadow": Rule(
        _M, "A script or an entry point takes the name of what people and tools rely on.", _ATTACK
    ),
    "bytecode": Rule(
        _M,
        "Compiled Python, which runs without its source, or instead of it; no scanner reads it.",
        _REBUILD,
    ),
    "compiled-module": Rule(
        _L, "A source archive holds a compiled module, which its build may import.", _REBUILD
    ),
    "compiled-in-pure": Rule(
        _H,
        "A wheel for any system, which says that it has no compiled code, has a compiled module.",
        _REBUILD,
    ),
    "repository": Rule(
        _H, "It holds a folder `.git`, whose settings and hooks run when Git is asked.", _REBUILD
    ),
    "startup-hook": Rule(
        _I, "A `.pth` or `.start` file runs code or adds a path at each start.", _READ
    ),
    "startup-extension": Rule(_I, "Jupyter loads a module of it at each start.", _READ),
    "startup-code": Rule(
        _H,
        "A `.pth` or `.start` file starts programs, connects, decodes or changes import paths.",
        _ATTACK,
    ),
    "startup-path": Rule(
        _H,
        "A `.pth` file makes Python import from outside of site-packages, or from an archive.",
        _ATTACK,
    ),
    "startup-module": Rule(_M, "A module that Python imports at each start by itself.", _READ),
    "build-file": Rule(
        _M,
        "A build file that readers don't understand alike, or that scanners can't read whole.",
        _REBUILD,
    ),
    "sdist-root": Rule(
        _M,
        "The sdist has more than its folder at the top; who builds it may take either.",
        _REBUILD,
    ),
    "sdist-layout": Rule(_I, "The sdist is not one folder named NAME-VERSION.", _REBUILD),
}


_NOT_LOOKED_AT = {"bytecode", "encrypted-entry", "unsupported-compression"}


@dataclass(slots=True)
class _Group:
    severity: Severity
    count: int = 0
    detail: str = ""
    places: list[Location] = field(default_factory=list)


class Report:
    """Collects what is wrong with one artifact: one finding for each rule."""

    def __init__(self, artifact: str) -> None:
        """`artifact` is the file name that the findings carry."""
        self._artifact = artifact
        self._groups: dict[str, _Group] = {}

    def add(
        self,
        rule: str,
        place: str = "",
        detail: str = "",
        nested: bool = False,
        fingerprint: str = "",
    ) -> None:
        """Note that `rule` matched at `place` (a path in the unpacked tree, or "" for the whole).

        Args:
            rule: A key of `RULES`.
            place: As the archive spells it; made printable here.
            detail: What exactly, in a few words; the message quotes the first one.
            nested: Seen in an archive within the archive. A limit, what can't be looked at, and
                what is wrong with a file that Python imports, also from a zip, keep their severity
                there. Else a `.npz` or `.jar` is data, and how a package reads its data is up to
                its code, which is scanned.
            fingerprint: See `Location.fingerprint`.
        """
        severity = RULES[rule].severity
        kept = rule.startswith("limit-") or rule in _NOT_LOOKED_AT or is_importable(place)
        if nested and severity > Severity.INFO and not kept:
            rule, severity = f"nested-{rule}", Severity.INFO
        group = self._groups.setdefault(rule, _Group(severity))
        group.count += 1
        group.detail = group.detail or printable(detail, MAX_PLACE)
        if place and len(group.places) < MAX_LOCATIONS:
            shown = printable(place, MAX_PLACE)
            group.places.append(Location(shown, fingerprint=fingerprint))

    def findings(self) -> list[Finding]:
        """Give the findings, the worst first."""
        found = [self._finding(name, group) for name, group in self._groups.items()]
        return sorted(found, key=lambda finding: (-_rank(finding), finding.rule))

    def _finding(self, name: str, group: _Group) -> Finding:
        rule = RULES.get(name) or RULES[name.removeprefix("nested-")]
        message = rule.message
        if name.startswith("nested-") and name not in RULES:
            message = f"In an archive within the archive: {message}"
        if group.detail:
            message = f"{message} ({group.detail})"
        return Finding(
            scanner="archive",
            rule=name,
            kind=Kind.ARCHIVE,
            severity=group.severity,
            message=message,
            recommendation=rule.recommendation,
            artifact=self._artifact,
            locations=tuple(group.places),
            count=group.count,
        )


def _rank(finding: Finding) -> int:
    return finding.severity.rank if finding.severity else 0
