"""Which older release is a precedent, by what an index says."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from package_gate.core.artifact import RemoteFile
from package_gate.core.errors import AgesUnknownError
from package_gate.core.policy import HistoryRules
from package_gate.sources.pypi.history import PyPIHistory
from package_gate.sources.pypi.index import Index, Project

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RULES = HistoryRules(days=180, carried_days=30)


class FakeIndex:
    """Knows one project."""

    def __init__(self, project: Project | None) -> None:
        self._project = project

    def project(self, name: str) -> Project | None:
        return self._project


def file(filename: str, age: int | None, yanked: str | None = None) -> RemoteFile:
    uploaded = None if age is None else NOW - timedelta(days=age)
    url = f"https://files.example/{filename}"
    return RemoteFile(filename, url, "0" * 64, 1, uploaded, yanked)


def wheels(ages: Mapping[str, int | None]) -> list[RemoteFile]:
    return [file(f"demo-{version}-py3-none-any.whl", age) for version, age in ages.items()]


def chosen(
    files: list[RemoteFile],
    version: str = "9",
    wanted: str = "demo-9-py3-none-any.whl",
    **project: Any,
) -> list[str]:
    index = FakeIndex(Project("demo", tuple(files), **project))
    history = PyPIHistory(cast(Index, index))
    found = history.precedent("demo", version, [wanted], NOW, RULES)
    return [each.filename for each in found.files] if found else []


@pytest.mark.parametrize(
    ("ages", "version"),
    [
        ({"1": 900, "2": 400, "3": 200, "4": 29}, "3"),
        ({"1": 900, "2": 400, "3": None}, "2"),
        ({"1": 900, "2rc1": 300, "3": 20}, "1"),
        ({"1": 900, "3": 180, "9": 179}, "3"),
        ({"1": 900, "9": 180}, "9"),
    ],
)
def test_it_is_the_newest_release_that_is_old_enough(
    ages: dict[str, int | None], version: str
) -> None:
    assert chosen(wheels(ages)) == [f"demo-{version}-py3-none-any.whl"]


@pytest.mark.parametrize(
    ("ages", "version"),
    [
        # What had been public for 30 days when this one was made.
        ({"1": 900, "8": 37, "9": 7}, "8"),
        ({"1": 900, "8": 36, "9": 7}, "1"),
        ({"1": 900, "7": 150, "8": 101, "9": 100}, "7"),
        ({"1": 900, "8": 190, "9": 170}, "8"),
        # None that came after it, and itself only when it is old enough alone.
        ({"1": 900, "9": 179, "10": 40}, "1"),
        # A release that no index knows was made now.
        ({"1": 900, "8": 30}, "8"),
        ({"1": 900, "8": 29}, "1"),
    ],
)
def test_what_its_maintainers_carried_over_counts_sooner(
    ages: dict[str, int | None], version: str
) -> None:
    assert chosen(wheels(ages)) == [f"demo-{version}-py3-none-any.whl"]


def test_of_a_release_without_a_version_only_what_is_old_enough_alone_counts() -> None:
    files = wheels({"1": 900, "2": 179})

    assert chosen(files, "") == ["demo-1-py3-none-any.whl"]


@pytest.mark.parametrize(
    "files",
    [
        wheels({"1": 100}),
        wheels({"1": 359, "2": 200}),
        [file("demo-1-py3-none-any.whl", 400, yanked="broken")],
        [],
    ],
    ids=["young", "a name that was registered for it", "yanked", "nothing"],
)
def test_a_project_without_a_real_history_has_none(files: list[RemoteFile]) -> None:
    assert chosen(files) == []


def test_an_index_that_tells_no_times_says_nothing() -> None:
    with pytest.raises(AgesUnknownError):
        chosen(wheels({"1": None}))


def test_a_quarantined_project_has_none() -> None:
    assert chosen(wheels({"1": 900}), status="quarantined") == []
    assert chosen(wheels({"1": 900})) != []


def test_a_project_that_no_index_knows_has_none() -> None:
    history = PyPIHistory(cast(Index, FakeIndex(None)))

    assert history.precedent("demo", "1", ["demo-1.tar.gz"], NOW, RULES) is None


def test_a_file_that_was_added_to_an_old_release_later_is_as_young_as_it_is() -> None:
    late = "demo-2-cp313-cp313-manylinux_2_28_x86_64.whl"
    first = "demo-2-cp311-cp311-manylinux_2_28_x86_64.whl"
    files = [*wheels({"1": 900}), file(first, 500), file(late, 3)]

    assert chosen(files, "2", late) == [first]


def test_of_an_older_line_it_is_no_newer_release() -> None:
    files = wheels({"1.0": 900, "1.1": 800, "2.0": 400})

    assert chosen(files, "1.2") == ["demo-1.1-py3-none-any.whl"]
    assert chosen(files, "0.9") == ["demo-2.0-py3-none-any.whl"]
    assert chosen(files, "") == ["demo-2.0-py3-none-any.whl"]


@pytest.mark.parametrize(
    ("wanted", "like"),
    [
        ("demo-9.tar.gz", "demo-1.tar.gz"),
        ("master.zip", "demo-1.tar.gz"),
        (
            "demo-9-cp312-cp312-manylinux_2_28_x86_64.whl",
            "demo-1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        ),
        (
            "demo-9-cp313-cp313-manylinux_2_28_x86_64.whl",
            "demo-1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        ),
        ("demo-9-cp312-cp312-macosx_14_0_arm64.whl", "demo-1-cp312-cp312-macosx_11_0_arm64.whl"),
        ("demo-9-py3-none-any.whl", "demo-1-py3-none-any.whl"),
    ],
)
def test_the_file_that_is_most_alike_is_compared(wanted: str, like: str) -> None:
    files = [
        file(name, 900)
        for name in (
            "demo-1.tar.gz",
            "demo-1-py3-none-any.whl",
            "demo-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "demo-1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "demo-1-cp312-cp312-macosx_11_0_arm64.whl",
            "demo-1-cp312-cp312-win_amd64.whl",
        )
    ]

    assert chosen(files, "9", wanted) == [like]


def test_of_the_release_itself_it_is_the_very_file() -> None:
    names = [f"demo-1-cp312-cp312-manylinux_2_{glibc}_x86_64.whl" for glibc in (17, 24, 28)]
    files = [file(name, 900) for name in names]

    for name in names:
        assert chosen(files, "1", name) == [name]
