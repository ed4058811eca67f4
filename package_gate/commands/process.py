"""What every command of this project begins with: its process, its options, its scratch folder."""

import logging
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from tempfile import mkdtemp
from types import FrameType

from package_gate.core.errors import ConfigurationError, StoreError
from package_gate.core.files import locked
from package_gate.core.text import lines
from package_gate.sandbox.isolation import hide


def prepare_process() -> None:
    """Keep secrets in this process, warnings on standard error, and end well when told to."""
    for stream in (sys.stdout, sys.stderr):  # an ASCII terminal shows what it can't write escaped
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    hide()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, _interrupt)


def complain(who: str, message: object) -> None:
    """Say on standard error what is wrong; it may quote what others have written."""
    print(f"{who}: {lines(str(message), 2000)}", file=sys.stderr, flush=True)


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


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def now() -> datetime:
    """Tell the time, in UTC."""
    return datetime.now(UTC)
