"""What every command of this project begins with: its process, its options, its scratch folder."""

import logging
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from io import BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from tempfile import mkdtemp
from types import FrameType
from typing import Any, TextIO

from package_gate.core.errors import ConfigurationError, StoreError
from package_gate.core.files import locked
from package_gate.core.text import lines
from package_gate.sandbox.isolation import hide


def prepare_process() -> None:
    """Keep secrets in this process, warnings on standard error, and end well when told to."""
    _open_standard_streams()
    if sys.stdout is sys.__stdout__:
        sys.stdout = _lasting(sys.stdout, 1)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _lasting(sys.stderr, 2)
    hide()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as of nohup
            signal.signal(number, _interrupt)


class Interrupt(KeyboardInterrupt):
    """A signal that ends the process."""

    def __init__(self, number: int) -> None:
        """Take the signal's number."""
        super().__init__(number)
        self.number = number


class _Output(FileIO):
    """Standard output or standard error, which may end before the run does.

    Who reads it may have gone, the disk may be full: no decision is lost for that.
    """

    def write(self, content: Any, /) -> int:
        """Write what can be written."""
        with suppress(OSError):
            return super().write(content)
        return memoryview(content).nbytes


def _open_standard_streams() -> None:
    """Let no other file get the number of a standard stream that was closed from the start."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free


def _lasting(stream: TextIO | None, number: int) -> TextIO:
    """Give a stream that never fails, in place of one that may be closed from the start."""
    file = _Output(number, "w", closefd=False)
    return TextIOWrapper(
        BufferedWriter(file),
        encoding=stream.encoding if stream else "utf-8",
        errors="backslashreplace",  # an ASCII terminal shows what it can't write escaped
        line_buffering=file.isatty() or number == 2,
    )


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


def _interrupt(number: int, _frame: FrameType | None) -> None:
    logging.disable()  # what threads miss from now on, nobody needs to know
    raise Interrupt(number)


def now() -> datetime:
    """Tell the time, in UTC."""
    return datetime.now(UTC)
