"""The scanners that run in worker processes: where each is, and what it needs."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from package_gate.core.finding import Kind
from package_gate.sandbox.spec import Needs, ScannerSpec


@dataclass(frozen=True, slots=True)
class Registered:
    """A scanner by the place of its class, which only its own worker imports."""

    factory: str
    """`module:attribute`."""
    kinds: frozenset[Kind]
    """What its findings are about; any other kind is an error of the scanner."""
    needs: Callable[[Any], Needs] = field(default=lambda settings: Needs())
    """What it needs, by its settings."""
    processes: int = 1
    """How many packages it looks at side by side."""


def _osv_needs(settings: Any) -> Needs:
    if "://" in settings.advisories:
        bundle = (settings.ca_bundle,) if settings.ca_bundle else ()
        return Needs(network=True, readable=bundle, by_name=True)
    return Needs(readable=(settings.advisories,), by_name=True)


SCANNERS = {
    "archive": Registered(
        "package_gate.scanners.archive:Archive",
        frozenset({Kind.ARCHIVE}),
        lambda settings: Needs(unpacks=True),
        processes=2,
    ),
    "osv": Registered(
        "package_gate.advisories.osv:OSV", frozenset({Kind.VULNERABILITY, Kind.MALWARE}), _osv_needs
    ),
    "guarddog": Registered(
        "package_gate.scanners.guarddog:GuardDog", frozenset({Kind.MALWARE}), processes=2
    ),
    "ruff": Registered(  # one is enough: Ruff uses all cores by itself
        "package_gate.scanners.ruff:Ruff",
        frozenset({Kind.CODE}),
        lambda settings: Needs(programs=True),
    ),
}


def worker_spec(name: str, settings: object = None) -> ScannerSpec:
    """Describe a scanner of `SCANNERS` to the sandbox.

    Args:
        name: its name.
        settings: what its class takes as `settings`.
    """
    scanner = SCANNERS[name]
    return ScannerSpec(
        name,
        scanner.factory,
        scanner.kinds,
        scanner.needs(settings),
        settings,
        scanner.processes,
    )


def publishers_unpacker() -> ScannerSpec:
    """Describe what unpacks an archive for a publisher: archives within it stay as they are."""
    return replace(worker_spec("archive"), factory="package_gate.scanners.archive:outermost")
