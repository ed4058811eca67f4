"""What uv says of who needs whom."""

import pytest
from packaging.version import Version

from package_gate.core.errors import SourceError
from package_gate.sources.pypi.lock import LockedPackage, parse_graph


def test_names_versions_and_who_needs_them() -> None:
    text = "Idna_X==3.10    # via requests, -r -\nrequests==2.31.0\n\n"
    warnings = 'warning: `requests==2.31.0` is yanked (reason: "broken")\nwarning: other\n'
    assert parse_graph(text, warnings).packages == (
        LockedPackage("idna-x", Version("3.10"), (), needed_by=("requests",)),
        LockedPackage("requests", Version("2.31.0"), (), yanked="broken"),
    )


def test_hashes_stand_on_lines_of_their_own() -> None:
    text = "a==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:ff\n    # via b\n"
    assert parse_graph(text, "warning: `a==1` is yanked").packages == (
        LockedPackage(
            "a", Version("1"), (), ("b",), ("sha256:00", "sha256:ff"), "no reason was given"
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        "a @ file:///x",
        "a==1 ; x",
        "-e .",
        "    # via b",
        "a==not-a-version",
        "    --hash=sha256:00",
    ],
)
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(SourceError, match="can't be used"):
        parse_graph(text, "")
