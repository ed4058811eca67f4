"""Where documents are kept: what a storage is, and the one that is a folder."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from package_gate.core.errors import StoreError
from package_gate.core.files import locked, write_atomically
from package_gate.records.turn import Turn


@dataclass(slots=True)
class Hold:
    """A run's hold on the store."""

    kept: bool = False
    """Whether it is not let go when the run ends, but by the end of the process or by itself."""


class Storage(Protocol):
    """Where documents are kept, under keys such as `packages/pypi/idna/3.7.json`."""

    @property
    def readers(self) -> int:
        """How many reads are worth making side by side."""
        ...

    @property
    def turn(self) -> Turn:
        """Whose turn it is to write; publishers ask it too."""
        ...

    @property
    def took_over(self) -> bool:
        """Whether the run before did not end its turn: a write of it may still be under way.

        What rests on a document then writes it again, so that the late write finds another one.
        """
        ...

    def read(self, key: str) -> bytes | None:
        """Give the document, or None when there is none.

        Raises:
            StoreError: it could not be told.
            TurnError: another run has changed it.
        """
        ...

    def read_now(self, key: str) -> bytes | None:
        """Give the document as it stands now, though another run may have written it.

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

    def remove(self, key: str) -> None:
        """Remove a document; none is fine.

        Raises:
            StoreError: it may still be there.
        """
        ...

    def keys(self, prefix: str) -> list[str]:
        """Give the sorted keys of all documents below a prefix such as `owed/`.

        Raises:
            StoreError: they could not be told.
        """
        ...

    def look(self) -> None:
        """Take in at once what can be, for somebody who reads many documents and writes none.

        Raises:
            StoreError: it could not be read.
        """
        ...

    def exclusive(self) -> AbstractContextManager[Hold]:
        """Hold the store for one run, so that no two decide at once.

        Raises:
            StoreError: another run holds it.
        """
        ...


class FolderStorage:
    """Documents as files of the output folder.

    `evidence/` and the catalogue (`inventory.*`) are in it, and the rest in `decisions/`.
    """

    readers = 1
    """A file is read before a second thread would get its turn."""
    took_over = False
    """A lock is freed with the process that held it."""

    def __init__(self, output: Path) -> None:
        """Keep documents in the two folders, which are made when they are missing."""
        self._output = output
        self._decisions = output / "decisions"
        self.turn = Turn()
        self._kept: ExitStack | None = None

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

    read_now = read
    """See `Storage.read_now`."""

    def write(self, key: str, document: bytes) -> None:
        """See `Storage.write`: written beside its place, then renamed over it."""
        path = Path(self._path(key))
        try:
            try:
                write_atomically(path, document)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(path, document)
        except OSError as error:
            raise StoreError(f"The record {path} can't be written: {error.strerror}.") from error

    def remove(self, key: str) -> None:
        """See `Storage.remove`."""
        path = Path(self._path(key))
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{path} can't be removed: {error.strerror}.") from error

    def keys(self, prefix: str) -> list[str]:
        """See `Storage.keys`."""
        folder = Path(self._path(prefix))
        return sorted(
            f"{prefix}{path.relative_to(folder).as_posix()}"
            for path in folder.rglob("*.json")
            if not path.name.startswith(".")
        )

    def look(self) -> None:
        """See `Storage.look`: there is nothing to gain."""

    @contextmanager
    def exclusive(self) -> Iterator[Hold]:
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
            hold = Hold()
            yield hold
            if hold.kept:
                self._kept = stack.pop_all()  # the system frees it with the process

    def _path(self, key: str) -> str:
        beside = key.startswith(("evidence/", "inventory."))
        return f"{self._output if beside else self._decisions}/{key}"
