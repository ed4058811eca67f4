"""The scanners that run in worker processes: where each is, and what it needs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from package_gate.core.finding import Kind


@dataclass(frozen=True, slots=True)
class Needs:
    """What a scanner needs besides reading packages and writing to its own folder."""

    network: bool = False
    readable: tuple[str, ...] = ()
    """Files and folders."""
    unpacks: bool = False
    """Whether it writes the trees of a package."""
    programs: bool = False
    """Whether it starts other programs."""
    by_name: bool = False
    """Whether it looks a PyPI package up by name and version, and reads nothing of it."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A scanner by the place of its class, which only its own worker imports."""

    module: str
    attribute: str
    kinds: frozenset[Kind]
    """What its findings are about; any other kind is an error of the scanner."""
    needs: Callable[[Any], Needs] = field(default=lambda settings: Needs())
    """What it needs, by its settings."""


def _osv_needs(settings: Any) -> Needs:
    if "://" in settings.advisories:
        bundle = (settings.ca_bundle,) if settings.ca_bundle else ()
        return Needs(network=True, readable=bundle, by_name=True)
    return Needs(readable=(settings.advisories,), by_name=True)


SCANNERS = {
    "archive": Registered(
        "package_gate.scanners.archive",
        "Archive",
        frozenset({Kind.ARCHIVE}),
        lambda settings: Needs(unpacks=True),
    ),
    "osv": Registered(
        "package_gate.advisories.osv",
        "OSV",
        frozenset({Kind.VULNERABILITY, Kind.MALWARE}),
        _osv_needs,
    ),
    "guarddog": Registered("package_gate.scanners.guarddog", "GuardDog", frozenset({Kind.MALWARE})),
    "ruff": Registered(
        "package_gate.scanners.ruff",
        "Ruff",
        frozenset({Kind.CODE}),
        lambda settings: Needs(programs=True),
    ),
}
