"""Options, and what the environment says in their place."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from package_gate.core.packaged import packaged
from package_gate.net.session import Network, check_ca_bundle, network_of

ENVIRONMENT_PREFIX = "PACKAGE_GATE_"
POLICY = "scan-policy.toml"
PACKAGED_POLICY = packaged(f"data/{POLICY}")


class TakesArguments(Protocol):
    """A parser of the standard library's `argparse`, or a group of one."""

    def add_argument(self, *names: str, **settings: Any) -> object: ...  # noqa: D102


class Arguments:
    """Adds options, each of which a build project can set as an environment variable."""

    def __init__(self, parser: TakesArguments, environ: Mapping[str, str]) -> None:
        """Add to this parser."""
        self._parser = parser
        self._environ = environ

    def add(self, option: str, default: object, parse: Callable[[str], object], text: str) -> None:
        """Add an option with a value."""
        given = self._environ.get(_variable(option))
        self._parser.add_argument(option, type=parse, default=given or default, help=text)

    def add_switch(self, option: str, text: str) -> None:
        """Add an option without one."""
        given = self._environ.get(_variable(option), "").lower() in ("1", "true", "yes")
        self._parser.add_argument(option, action="store_true", default=given, help=text)


def _variable(option: str) -> str:
    return ENVIRONMENT_PREFIX + option.strip("-").upper().replace("-", "_")


def add_policy(arguments: Arguments, folder: Path) -> None:
    """Add `--policy`: by default the folder's own file, or the packaged one when it has none."""
    own = folder / POLICY
    arguments.add(
        "--policy",
        own if os.path.lexists(own) else PACKAGED_POLICY,
        Path,
        "InfoSec's policy (default: %(default)s)",
    )


def packaged_policy_warning(policy: Path) -> list[str]:
    """Say it when nobody's own policy judges."""
    if policy != PACKAGED_POLICY:
        return []
    return [
        f"There is no {POLICY} here, so the defaults judge. Give InfoSec's policy with --policy."
    ]


def checked_network(environ: Mapping[str, str]) -> Network:
    """Read proxies and certificates from the environment.

    Raises:
        ConfigurationError: there is no such file of certificates.
    """
    network = network_of(environ)
    check_ca_bundle(network)
    return network
