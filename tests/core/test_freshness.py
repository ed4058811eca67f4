"""Which releases are too fresh, until when, and what is waived."""

import tomllib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from package_gate.core.ecosystem import ARCHIVE, PYPI, digest_version
from package_gate.core.freshness import Freshness
from package_gate.core.policy import Policy

NOW = datetime(2026, 6, 10, tzinfo=UTC)
UPLOADED = datetime(2026, 6, 5, 12, tzinfo=UTC)
OLD_ENOUGH = datetime(2026, 6, 12, 12, tzinfo=UTC)


def freshness(text: str = "", now: datetime = NOW) -> Freshness:
    return Freshness(msgspec.convert(tomllib.loads(text), Policy), PYPI, now)


def waiver(version: str = "", expires: str = "2026-06-10") -> str:
    return f"""
        [[waivers]]
        package = "Py_YAML"
        version = "{version}"
        finding = "cooldown"
        expires = {expires}
        approved_by = "InfoSec"
        reason = "fixes a hole"
    """


def test_a_release_is_too_fresh_until_its_youngest_file_is_old_enough() -> None:
    older = datetime(2026, 1, 1, tzinfo=UTC)
    assert freshness().until("idna", "3.7", [older, UPLOADED]) == OLD_ENOUGH
    assert freshness(now=OLD_ENOUGH).until("idna", "3.7", [UPLOADED]) is None
    assert freshness().until("idna", "3.7", []) is None


def test_without_a_cooldown_nothing_is_too_fresh() -> None:
    rules = freshness("[cooldown]\ndays = 0")
    assert rules.cutoff is None
    assert rules.until("idna", "3.7", [NOW]) is None


@pytest.mark.parametrize(
    ("version", "waived"), [("5.3.1", True), ("5.3.1.0", True), ("5.4", False), ("", False)]
)
def test_a_waiver_lets_its_version_through_in_any_spelling(version: str, *, waived: bool) -> None:
    rules = freshness(waiver("5.3.1"))
    assert rules.is_waived("PyYAML", version) is False
    assert rules.is_waived("py.yaml", version) is waived
    assert (rules.until("py-yaml", version, [NOW]) is None) is waived
    assert list(rules.waived_names) == ["py-yaml"]


def test_a_waiver_without_a_version_lets_every_one_through() -> None:
    rules = freshness(waiver())
    assert rules.is_waived("py-yaml", "")
    assert rules.is_waived("py-yaml", "9.9")


def test_a_waiver_holds_up_to_its_last_day() -> None:
    assert freshness(waiver(expires="2026-06-10")).is_waived("py-yaml", "1")
    assert not freshness(waiver(expires="2026-06-09")).is_waived("py-yaml", "1")


def test_a_package_that_is_named_by_its_requester_is_waived_by_its_digest_only() -> None:
    version = digest_version("0" * 64)
    policy = msgspec.convert(tomllib.loads(waiver()), Policy)
    assert not Freshness(policy, ARCHIVE, NOW).is_waived("py-yaml", version)
    policy = msgspec.convert(tomllib.loads(waiver(version)), Policy)
    assert Freshness(policy, ARCHIVE, NOW).is_waived("py-yaml", version)


def test_the_messages_name_releases_and_the_moment() -> None:
    assert freshness().reason(OLD_ENOUGH).reason == (
        "Released on 2026-06-05, younger than the cooldown of 7 days. It is decided from "
        "2026-06-12 12:00 UTC on."
    )
    error = freshness("[cooldown]\ndays = 1").error([f"a {n}" for n in range(7)], OLD_ENOUGH)
    assert "a 0, a 1, a 2, a 3, a 4 and 2 more; a release must have been public for 1 day," in str(
        error
    )
    assert error.until == OLD_ENOUGH


@pytest.mark.parametrize("now", [datetime.min, datetime(1970, 1, 1), NOW, datetime.max])
@pytest.mark.parametrize("uploaded", [datetime.min, datetime(2030, 1, 1), datetime.max])
def test_whatever_the_clock_and_the_index_say_a_release_of_the_future_is_too_fresh(
    now: datetime, uploaded: datetime
) -> None:
    now, uploaded = now.replace(tzinfo=UTC), uploaded.replace(tzinfo=UTC)
    rules = freshness(now=now)

    until = rules.until("pyyaml", "6.0", [uploaded])

    if uploaded > now:
        assert until is not None
        assert until > now
        assert "younger than the cooldown" in rules.reason(until).reason
        assert "too fresh" in str(rules.error(["pyyaml 6.0"], until))
    elif now - uploaded > timedelta(days=7):
        assert until is None


def test_a_clock_that_is_set_back_makes_releases_fresher_and_waivers_hold_longer() -> None:
    before = datetime(2026, 6, 1, tzinfo=UTC)
    text = waiver(expires="2026-06-05")

    assert freshness(now=before).until("a", "1", [UPLOADED]) == OLD_ENOUGH
    assert freshness(text, before).is_waived("py-yaml", "6.0")
    assert not freshness(text, NOW).is_waived("py-yaml", "6.0")
