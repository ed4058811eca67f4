"""Writes the reports of a run into the output folder."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO

from package_gate.core.errors import StoreError
from package_gate.core.files import replacing
from package_gate.core.run import Run
from package_gate.core.text import printable
from package_gate.report.html import write_html
from package_gate.report.junit import write_junit
from package_gate.report.sarif import write_sarif
from package_gate.report.verdicts import write_verdicts


def write_reports(run: Run, output: Path, *, inventory: bool = False) -> None:
    """Write verdicts.json, findings.sarif, report.html and junit.xml, each whole or not at all.

    Args:
        run: what happened.
        output: the folder.
        inventory: whether `inventory.html` is written beside them.

    Raises:
        StoreError: the folder can't be written.
    """
    write_files(
        output,
        {
            "verdicts.json": partial(write_verdicts, run),
            "findings.sarif": partial(write_sarif, run),
            "report.html": partial(write_html, run, inventory=inventory),
            "junit.xml": partial(write_junit, run),
        },
    )


def write_unless_there(files: Mapping[str, bytes], output: Path) -> None:
    """Write files into the output folder, but for those that say the same already.

    Raises:
        StoreError: the folder can't be written.
    """
    write_files(
        output,
        {
            name: partial(_write, content)
            for name, content in files.items()
            if not _says(output / name, content)
        },
    )


def _says(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _write(content: bytes, file: BinaryIO) -> None:
    file.write(content)


def write_files(output: Path, writers: Mapping[str, Callable[[BinaryIO], None]]) -> None:
    """Write files into the output folder, each whole or not at all.

    Args:
        output: made when it is missing.
        writers: path in it → what writes the content.

    Raises:
        StoreError: the folder can't be written.
    """
    for name, write in writers.items():
        path = output / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as file:
                write(file)
        except OSError as error:
            raise StoreError(
                f"The report {printable(str(path), 500)} can't be written: {error.strerror}. "
                "Free the disk or choose another output folder, and run the gate again."
            ) from error
