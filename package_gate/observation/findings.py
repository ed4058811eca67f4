"""What the gate makes of a report: its deeds as findings. Pure.

Nothing that is seen approves anything, and what was not seen is said: a step that did not come to
its end is a finding too.
"""

import hashlib
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from package_gate.core.finding import MAX_LOCATIONS, Finding, Kind, Location, Severity
from package_gate.core.text import one_line
from package_gate.observation.documents import Deed, DeedKind, Report, Step

NAME = "observed"
"""What findings are signed with."""
NOT_OBSERVED = "not-observed"
_MAX_CODE = 200


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a kind of deed is called."""

    severity: Severity
    message: str


_RULES: dict[DeedKind, _Rule] = {
    "canary-sent": _Rule(Severity.CRITICAL, "A credential that was laid out left the sandbox"),
    "canary-read": _Rule(Severity.HIGH, "A credential that was laid out was read"),
    "metadata": _Rule(Severity.HIGH, "The instance's metadata service was asked"),
    "connects": _Rule(Severity.HIGH, "It connects to the network by itself"),
    "resolves": _Rule(Severity.HIGH, "It looks up names by itself"),
    "starts": _Rule(Severity.MEDIUM, "It starts programs by itself"),
    "persists": _Rule(Severity.HIGH, "It writes where something is started or configured later"),
    "writes": _Rule(Severity.MEDIUM, "It writes outside its own folder"),
    "listens": _Rule(Severity.HIGH, "It lets others connect to it"),
    "closed-call": _Rule(
        Severity.HIGH, "It makes system calls that no package needs for an import"
    ),
    "busy": _Rule(Severity.MEDIUM, "It keeps the processor busy, as a miner does"),
    "limit": _Rule(Severity.HIGH, "It used more than an import needs, and was ended"),
}
RULES = frozenset({*_RULES, NOT_OBSERVED})

_CACHES = re.compile(
    r"/home/jovyan/\.(cache|config|local/share|local/state)(/|\Z)|/tmp/|/dev/shm/|/var/tmp/"
)
_READ_BY_TOOLS = frozenset({"pip"})
"""Canaries in settings that tools read for their work: pip itself, and what has it within."""
_ASKED_FOR: frozenset[DeedKind] = frozenset({"connects", "resolves"})
"""What many a program does when somebody starts it, to look for a newer version; on import nobody
has asked for it."""
_ASKS = frozenset(
    {
        *(
            "ldconfig",
            "gcc",
            "cc",
            "g++",
            "clang",
            "ld",
            "ld.bfd",
            "ld.lld",
            "as",
            "cc1",
            "cc1plus",
        ),
        *(
            "collect2",
            "objdump",
            "uname",
            "lscpu",
            "nproc",
            "getconf",
            "which",
            "file",
            "git",
            "hg",
        ),
        *("lsb_release", "nvidia-smi", "rocm-smi", "arch", "locale", "true", "false", "echo"),
        *("test", "tty", "stty", "tput", "dirname", "basename"),
    }
)
"""Programs that tell about the machine, which many an honest package starts."""
_TOOLS = frozenset(
    {
        *(
            "sh",
            "bash",
            "dash",
            "zsh",
            "curl",
            "wget",
            "nc",
            "ncat",
            "netcat",
            "socat",
            "ssh",
            "scp",
        ),
        *("sftp", "crontab", "at", "systemctl", "service", "base64", "openssl", "perl", "ruby"),
        *("php", "node", "npm", "pip", "chmod", "chattr", "nohup", "setsid", "whoami", "id", "ps"),
        *("hostname", "ifconfig", "ip", "env", "printenv", "cat", "tar", "gpg", "useradd", "sudo"),
        *("su", "kill", "pkill", "mount", "dd", "rm", "xargs"),
    }
)
"""Programs that an attacker starts."""
_INTERPRETERS = frozenset({"node", "perl", "ruby", "php"})
"""Those of them that run a package's own scripts as well, as Python does."""


def findings_of(report: Report) -> list[Finding]:
    """Give a finding for each rule and severity, with a place for each deed."""
    found: dict[tuple[DeedKind, Severity], dict[str, Location]] = {}
    counts: dict[tuple[DeedKind, Severity], int] = {}
    for run in report.runs:
        for deed in run.deeds:
            step = run.steps[deed.step] if deed.step < len(run.steps) else None
            key = deed.kind, _severity(deed, step)
            places = found.setdefault(key, {})
            if deed.what not in places:
                counts[key] = counts.get(key, 0) + 1
                places[deed.what] = _place(deed, step)
    result = [
        _finding(kind, severity, list(places.values()), counts[kind, severity])
        for (kind, severity), places in found.items()
    ]
    return sorted(result, key=lambda each: each.rule) + list(_not_observed(report))


def not_observed(why: str) -> Finding:
    """Say of a package that nothing of it was observed."""
    return _unseen(why, ())


def _finding(kind: DeedKind, severity: Severity, places: list[Location], count: int) -> Finding:
    rule = _RULES[kind]
    shown = "; ".join(place.code for place in places[:3])
    more = f"; and {count - 3} more" if count > 3 else ""
    return Finding(
        scanner=NAME,
        rule=kind,
        kind=Kind.MALWARE,
        severity=severity,
        message=f"{rule.message}: {shown}{more}.",
        locations=tuple(places[:MAX_LOCATIONS]),
        count=count,
    )


def _severity(deed: Deed, step: Step | None) -> Severity:
    severity = _RULES[deed.kind].severity
    program = step.subject if step is not None and step.kind == "script" else ""
    if program and (deed.kind in _ASKED_FOR or _is_its_own(deed, program)):
        return Severity.MEDIUM
    if deed.kind == "starts":
        return _severity_of_command(deed.what)
    if deed.kind == "canary-read" and deed.what in _READ_BY_TOOLS:
        return Severity.MEDIUM
    if deed.kind == "writes" and _CACHES.match(deed.what):
        return Severity.LOW
    if deed.kind == "limit" and deed.what.startswith("did not end"):
        return Severity.MEDIUM
    return severity


def _is_its_own(deed: Deed, program: str) -> bool:
    """Whether a program reads its own credentials, as `aws` and `aws_completer` do, or the `.env`
    of the folder that it is started in."""
    return deed.kind == "canary-read" and deed.what in ("dotenv", re.split(r"[-_.]", program)[0])


def _severity_of_command(command: str) -> Severity:
    """Weigh what was started: `low` where it only asks, `high` where it is an attacker's tool."""
    program, _, arguments = command.partition(" ")
    if program in ("sh", "bash", "dash") and arguments.startswith("-c "):
        named = {_first_word(each) for each in re.split(r"[;|&\n]+", arguments[3:]) if each.strip()}
        return (
            Severity.LOW
            if named and named <= _ASKS and not _redirects(arguments)
            else Severity.HIGH
        )
    if program in _ASKS:
        return Severity.LOW
    if program in _INTERPRETERS and arguments.startswith("ENV/lib/"):
        return Severity.MEDIUM
    return Severity.HIGH if program in _TOOLS or program.startswith("/") else Severity.MEDIUM


def _redirects(arguments: str) -> bool:
    """Whether a shell's command writes to a file, or puts one together."""
    without = re.sub(r"\d?>+ *(/dev/null|&\d)", "", arguments)
    return any(each in without for each in (">", "$", "`", "<("))


def _first_word(command: str) -> str:
    try:
        return next(iter(shlex.split(command)), "").rpartition("/")[2]
    except ValueError:
        return ""


def _place(deed: Deed, step: Step | None) -> Location:
    later = " (with the clock 30 days on)" if deed.later else ""
    # What leaves is never set aside for having left before.
    mark = "" if deed.kind == "canary-sent" else f"{deed.kind}\0{deed.what}"
    return Location(
        path=_path(step),
        code=one_line(deed.what, _MAX_CODE - len(later)) + later,
        fingerprint=hashlib.sha256(mark.encode()).hexdigest() if mark else "",
    )


def _path(step: Step | None) -> str:
    """Say where a step began, as a path."""
    if step is None:
        return ""
    begins = {
        "build": f"build/{step.subject}",
        "startup": "site-packages",
        "import": step.subject.replace(".", "/"),
        "host": f"entry_points/{step.subject}",
        "script": f"bin/{step.subject}",
    }
    return one_line(begins[step.kind])


def _not_observed(report: Report) -> Iterable[Finding]:
    """Say what did not come to its end, as it is said of the first run, else of the second."""
    places: dict[str, Location] = {}
    for run in report.runs:
        if run.failure and not run.steps:
            places.setdefault("all", Location("", code=one_line(run.failure, _MAX_CODE)))
        for step in run.steps:
            if step.failure:
                said = Location(_path(step), code=one_line(step.failure, _MAX_CODE))
                places.setdefault(said.path, said)
        if not run.steps and not run.failure:
            places.setdefault(
                "none", Location("", code="there is nothing that Python could import")
            )
    if places:
        why = "; ".join(f"{place.path}: {place.code}" for place in list(places.values())[:3])
        yield _unseen(why, tuple(places.values()))


def _unseen(why: str, places: tuple[Location, ...]) -> Finding:
    return Finding(
        scanner=NAME,
        rule=NOT_OBSERVED,
        kind=Kind.MALWARE,
        severity=Severity.LOW,
        message=f"Not observed, so nothing is known of it: {one_line(why, 600)}.",
        locations=places[:MAX_LOCATIONS],
        count=max(len(places), 1),
    )
