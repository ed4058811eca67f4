"""Names that are nearly those of popular projects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from package_gate.core.popular import popular_names
from package_gate.sources.pypi.names import confused_with, similar_names, slips


def test_guarddog_ships_the_popular_names() -> None:
    names = popular_names()
    assert len(names) > 10_000
    assert names["numpy"] < names["gpytorch"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("scikit-lern", "scikit-learn"),
        ("Reqeusts", "requests"),
        ("tensorlfow", "tensorflow"),
        ("scikitlearn", "scikit-learn"),
        ("learn_scikit", "scikit-learn"),
        ("numpi", "numpy"),
        ("open-cv-python", "opencv-python"),
    ],
)
def test_a_slip_of_the_hand_is_understood(name: str, meant: str) -> None:
    assert similar_names(name)[0] == meant


@pytest.mark.parametrize("name", ["xyzzyplugh", "", "a" * 5000, "-"])
def test_what_is_like_nothing_is_like_nothing(name: str) -> None:
    assert similar_names(name) == ()
    assert confused_with(name) == ""


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("requestss", "requests"),
        ("pandsa", "pandas"),
        ("scikitlearn", "scikit-learn"),
        ("python-ecdsa2", ""),
        ("nvidia-cublas-cu14", ""),  # the next version of nvidia-cublas-cu12
        ("numpy2", ""),
        ("numpy", ""),
        ("six2", ""),
        ("sklearn", ""),
    ],
)
def test_an_unpopular_name_may_be_taken_for_a_popular_one(name: str, other: str) -> None:
    assert confused_with(name) == other


def test_no_popular_project_is_taken_for_another() -> None:
    assert not any(confused_with(name) for name in list(popular_names())[:500])


@given(one=st.text("abc", max_size=7), other=st.text("abc", max_size=7))
def test_slips_are_counted_as_their_definition_says(one: str, other: str) -> None:
    """The optimal string alignment distance, in its recursive form."""

    def distance(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        ways = [
            distance(i - 1, j) + 1,
            distance(i, j - 1) + 1,
            distance(i - 1, j - 1) + (one[i - 1] != other[j - 1]),
        ]
        if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
            ways.append(distance(i - 2, j - 2) + 1)
        return min(ways)

    if len(one) + len(other) <= 9:
        assert slips(one, other, 2) == min(distance(len(one), len(other)), 3)
