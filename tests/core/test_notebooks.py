"""Environment markers that tell notebooks apart."""

import pytest
from packaging.markers import Marker

from package_gate.core.notebooks import marker

X86, ARM = "x86_64-manylinux_2_28", "aarch64-manylinux_2_28"


@pytest.mark.parametrize(
    ("targets", "others", "expected"),
    [
        ([f"Python 3.11 on {X86}"], [f"Python 3.12 on {X86}"], {("3.11", "x86_64")}),
        (
            [f"Python 3.11 on {X86}", f"Python 3.9 on {X86}"],
            [f"Python 3.12 on {X86}"],
            {("3.11", "x86_64"), ("3.9", "x86_64")},
        ),
        ([f"Python 3.12 on {ARM}"], [f"Python 3.12 on {X86}"], {("3.12", "aarch64")}),
    ],
)
def test_a_marker_is_true_in_its_notebooks_only(
    targets: list[str], others: list[str], expected: set[tuple[str, str]]
) -> None:
    said = Marker(marker(targets, others))
    named = {each.removeprefix("Python ").partition(" on ")[::2] for each in (*targets, *others)}
    places = {(python, platform.partition("-")[0]) for python, platform in named}

    assert {
        place
        for place in places
        if said.evaluate({"python_version": place[0], "platform_machine": place[1]})
    } == expected


def test_notebooks_that_are_the_same_have_no_marker() -> None:
    both = [f"Python 3.11 on {X86}"]
    assert marker(both, both) == marker([], both) == ""
