"""Writes the reports of a run into the output folder."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from package_gate.errors import StoreError
from package_gate.files import replacing
from package_gate.models import Run
from package_gate.report.html import write_html
from package_gate.report.junit import write_junit
from package_gate.report.sarif import write_sarif
from package_gate.report.verdicts import write_verdicts
from package_gate.text import printable


def write_reports(run: Run, output: Path) -> None:
    """Write verdicts.json, findings.sarif, report.html and junit.xml, each whole or not at all.

    Raises:
        StoreError: the folder can't be written.
    """
    writers: dict[str, Callable[[Run, BinaryIO], None]] = {
        "verdicts.json": write_verdicts,
        "findings.sarif": write_sarif,
        "report.html": write_html,
        "junit.xml": write_junit,
    }
    for name, write in writers.items():
        path = output / name
        try:
            output.mkdir(parents=True, exist_ok=True)
            with replacing(path) as file:
                write(run, file)
        except OSError as error:
            raise StoreError(
                f"The report {printable(str(path), 500)} can't be written: {error.strerror}. "
                "Free the disk or choose another output folder, and run the gate again."
            ) from error
