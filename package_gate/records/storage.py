"""Where documents are kept: what a storage is, and the one that is a folder."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from package_gate.core.errors import StoreError
from package_gate.core.files import locked, write_atomically


class Storage(Protocol):
    """Where documents are kept, under keys such as `packages/pypi/idna/3.7.json`."""

    @property
    def readers(self) -> int:
        """How many reads are worth making side by side."""
        ...

    def read(self, key: str) -> bytes | None:
        """Give the document, or None when there is none.

        Raises:
            StoreError: it could not be told.
        """
        ...

    def write(self, key: str, document: bytes) -> None:
        """Keep the document; afterwards a reader sees the old one or the new one, never a part.

        Raises:
            StoreError: it was not kept, for example because another run wrote it meanwhile.
        """
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the store for one run, so that no two decide at once.

        Raises:
            StoreError: another run holds it.
        """
        ...


class FolderStorage:
    """Documents as files of the output folder: `evidence/`, and the rest in `decisions/`."""

    readers = 1
    """A file is read before a second thread would get its turn."""

    def __init__(self, output: Path) -> None:
        """Keep documents in the two folders, which are made when they are missing."""
        self._output = output
        self._decisions = output / "decisions"

    def read(self, key: str) -> bytes | None:
        """See `Storage.read`."""
        try:
            with open(self._path(key), "rb") as file:  # noqa: PTH123 - in half the time
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(
                f"The record {self._path(key)} can't be read: {error.strerror}."
            ) from error

    def write(self, key: str, document: bytes) -> None:
        """See `Storage.write`: written beside its place, then renamed over it."""
        path = Path(self._path(key))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, document)
        except OSError as error:
            raise StoreError(f"The record {path} can't be written: {error.strerror}.") from error

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """See `Storage.exclusive`: a lock on a file, which the system frees after a kill."""
        with ExitStack() as stack:
            try:
                self._decisions.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(self._decisions / ".lock"))
            except BlockingIOError as error:
                raise StoreError(
                    f"Another run is writing to {self._decisions}. Wait until it is done."
                ) from error
            except OSError as error:
                raise StoreError(
                    f"{self._decisions} can't be written: {error.strerror}."
                ) from error
            yield

    def _path(self, key: str) -> str:
        return f"{self._output if key.startswith('evidence/') else self._decisions}/{key}"
