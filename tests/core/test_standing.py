"""How old advisories may be."""

from datetime import date

import pytest

from package_gate.core.finding import ScannerInfo
from package_gate.core.policy import AdvisoryAges
from package_gate.core.standing import SAMPLE_DATA, Standing, old_advisories

TODAY = date(2026, 6, 30)


def info(data_date: str, data: str = "/snapshot") -> ScannerInfo:
    return ScannerInfo("osv", "1", data_date, data)


@pytest.mark.parametrize(
    ("data_date", "warned", "decided"),
    [
        ("2026-06-30", False, True),
        ("2026-06-27", False, True),
        ("2026-06-26", True, True),
        ("2026-05-31", True, True),
        ("2026-05-30", True, False),
        ("2024-06-30", True, False),
        ("2026-07-09", False, True),
        ("", False, True),
    ],
)
def test_old_advisories_are_told_and_older_ones_approve_nothing(
    data_date: str, warned: bool, decided: bool
) -> None:
    known = info(data_date)
    assert bool(old_advisories([known], AdvisoryAges(), TODAY)) is warned
    checked = Standing((), (known,)).checked_age(AdvisoryAges(), TODAY)
    assert (checked.failures == ()) is decided
    if not decided:
        assert data_date in checked.failures[0]
        assert "advisories.undecided_after_days is 30" in checked.failures[0]


def test_the_sample_has_no_age() -> None:
    known = info("2024-10-10", SAMPLE_DATA)
    assert old_advisories([known], AdvisoryAges(), TODAY) == ""
    assert Standing((), (known,)).checked_age(AdvisoryAges(), TODAY).failures == ()


def test_the_policy_says_how_old() -> None:
    known = info("2026-06-29")
    assert old_advisories([known], AdvisoryAges(warn_after_days=0), TODAY)
    assert not old_advisories([known], AdvisoryAges(warn_after_days=1), TODAY)
    ages = AdvisoryAges(undecided_after_days=0)
    assert Standing((), (known,)).checked_age(ages, TODAY).failures
