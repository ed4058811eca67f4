"""What every command of this project begins with: its process, its options, its scratch folder."""

import ctypes
import logging
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from tempfile import mkdtemp
from types import FrameType
from typing import Any, Protocol

from package_gate.errors import ConfigurationError, StoreError
from package_gate.files import locked
from package_gate.sources.network import Network, check_ca_bundle

ENVIRONMENT_PREFIX = "PACKAGE_GATE_"


def prepare_process() -> None:
    """Keep secrets in this process, warnings on standard error, and end well when told to."""
    for stream in (sys.stdout, sys.stderr):  # an ASCII terminal shows what it can't write escaped
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    _hide_environment()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, _interrupt)


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


def network_of(environ: Mapping[str, str]) -> Network:
    """Read proxies and certificates from the environment.

    Raises:
        ConfigurationError: there is no such file of certificates.
    """

    def setting(name: str) -> str:
        return environ.get(name) or environ.get(name.upper()) or ""

    proxies = {scheme: setting(f"{scheme}_proxy") for scheme in ("https", "all")}
    connection = Network(
        ca_bundle=environ.get("REQUESTS_CA_BUNDLE") or environ.get("SSL_CERT_FILE") or True,
        proxies={scheme: proxy for scheme, proxy in proxies.items() if proxy},
        no_proxy=setting("no_proxy"),
    )
    check_ca_bundle(connection)
    return connection


def region_of(environ: Mapping[str, str]) -> str:
    """Give the AWS region; boto3 itself reads AWS_DEFAULT_REGION only. "" for boto3's own way."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ""


@contextmanager
def scratch_folder(output: Path) -> Iterator[Path]:
    """Give an empty folder in the output folder; what a killed run left goes first.

    Its name is new each time, because a killed run's children may still be writing into theirs.
    """
    place = output / ".scratch"
    with ExitStack() as stack:
        try:
            output.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(output / ".lock"))
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(mode=0o700, exist_ok=not place.is_symlink())
            scratch = Path(mkdtemp(dir=place))
        except BlockingIOError as error:
            raise StoreError(
                f"Another run is writing to {output}. Wait until it is done."
            ) from error
        except OSError as error:
            raise ConfigurationError(f"{output} can't be written: {error.strerror}.") from error
        stack.callback(shutil.rmtree, place, ignore_errors=True)
        yield scratch


def _hide_environment() -> None:
    """Keep other processes of this user, scanners among them, out of this one's memory (Linux).

    `PR_SET_DUMPABLE` of prctl(2); it does not stop root.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def now() -> datetime:
    """Tell the time, in UTC."""
    return datetime.now(UTC)
