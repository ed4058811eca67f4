"""How the hostile archives are listed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from package_gate.core.finding import Severity
from package_gate.core.limits import Limits


@dataclass(frozen=True)
class Hostile:
    """One hostile archive and what must be found in it."""

    name: str
    filename: str
    write: Callable[[Path], None]
    rule: str
    severity: Severity
    limits: Limits = field(default_factory=Limits)


def registrar(
    into: list[Hostile], usual_name: str
) -> Callable[..., Callable[[Callable[[], bytes]], Callable[[], bytes]]]:
    """Give a decorator that lists a function which makes an archive's bytes."""

    def listed(
        rule: str,
        severity: Severity,
        filename: str = usual_name,
        limits: Limits | None = None,
    ) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
        def keep(make: Callable[[], bytes]) -> Callable[[], bytes]:
            def write(path: Path) -> None:
                path.write_bytes(make())

            name = make.__name__.replace("_", "-")
            into.append(Hostile(name, filename, write, rule, severity, limits or Limits()))
            return make

        return keep

    return listed
