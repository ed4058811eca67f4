"""Which versions an advisory affects: the OSV format's evaluation, and its edges."""

import json

import pytest

from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.osv_records import (
    affects,
    decode_record,
    first_fixed_version,
)
from package_gate.core.errors import ScannerError
from tests.fakes.advisories import advisory, record


def pkg(version: str) -> NamedPackage:
    return NamedPackage("pkg", version)


@pytest.mark.parametrize(
    ("events", "affected", "unaffected"),
    [
        pytest.param(
            [{"introduced": "0"}, {"fixed": "1.2"}],
            ["0.dev0", "0.1", "1.1.9", "1.2rc1", "1.2.dev3", "1.1+cpu"],
            ["1.2", "1.2.0", "1.2.post1", "2.0", "1.2+cpu", "1!0.1"],
            id="fixed",
        ),
        pytest.param(
            [{"introduced": "1.0"}, {"last_affected": "1.2"}],
            ["1.0", "1.2", "1.2.0", "1.2+cpu"],
            ["1.0rc1", "1.2.post1", "1.2.1", "0.9"],
            id="last affected",
        ),
        pytest.param(
            [{"introduced": "2.0"}, {"fixed": "2.5"}, {"introduced": "0"}, {"fixed": "1.5"}],
            ["0.1", "1.4", "2.0", "2.4"],
            ["1.5", "1.9", "2.5", "2.0rc1"],
            id="two ranges in one list, in the wrong order",
        ),
        pytest.param(
            [{"introduced": "1.9"}, {"fixed": "1.10"}],
            ["1.9", "1.9.5"],
            ["1.10", "1.8"],
            id="numbers are compared as numbers",
        ),
        pytest.param([{"introduced": "0"}], ["0.0.1", "99"], [], id="never fixed"),
        pytest.param(
            [{"introduced": "1.0"}, {"last_affected": "1.0"}],
            ["1.0"],
            ["0.9", "1.1"],
            id="a single version",
        ),
        pytest.param(
            [{"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "1.0"}, {"fixed": "2.0"}],
            ["0.5", "1.0", "1.5"],
            ["2.0"],
            id="introduced again by the version that fixed",
        ),
        pytest.param(
            [{"introduced": "0"}, {"limit": "2.0"}],
            ["0.1", "1.9"],
            ["2.0", "3.0"],
            id="limit",
        ),
        pytest.param(
            [{"introduced": "0"}, {"limit": "*"}, {"limit": "2.0"}],
            ["0.1", "3.0"],
            [],
            id="the widest of several limits",
        ),
        pytest.param(
            [{"fixed": "1.2"}], ["0.1", "1.1"], ["1.2"], id="no introduction: from the start"
        ),
        pytest.param(
            [{"introduced": "0", "fixed": "1.2"}], ["1.1"], ["1.2"], id="two events in one object"
        ),
        pytest.param(
            [{"introduced": "0"}, {"fixed": "1.2-custom-fix"}],
            ["1.1", "1.2"],
            ["1.2.post1", "1.3"],
            id="a fix that PEP 440 can't order comes after its release number",
        ),
        pytest.param(
            [{"introduced": "trunk"}, {"fixed": "1.2"}],
            ["0.1"],
            ["1.2"],
            id="an introduction that is no version: from the start",
        ),
        pytest.param(
            [{"introduced": "1.0"}, {"fixed": "trunk"}],
            ["1.0", "9.0"],
            ["0.9"],
            id="a fix that is no version: never fixed",
        ),
    ],
)
def test_a_range_affects_the_versions_that_the_format_says(
    events: list[dict[str, str]], affected: list[str], unaffected: list[str]
) -> None:
    about = record(events=events)
    assert [v for v in affected + unaffected if affects(about, pkg(v))] == affected


@pytest.mark.parametrize("listed", ["1.0", "1.0.0", "v1.0", " 1.0", "01.0"])
def test_a_listed_version_is_compared_as_pep_440_does(listed: str) -> None:
    about = record(versions=["0.5", listed])
    assert affects(about, pkg("1.0"))
    assert affects(about, pkg("1.0+cu118"))
    assert not affects(about, pkg("1.0.1"))


def test_a_listed_local_version_affects_that_one_only() -> None:
    about = record(versions=["1.0+cpu"])
    assert affects(about, pkg("1.0+cpu"))
    assert not affects(about, pkg("1.0+cu118"))
    assert not affects(about, pkg("1.0"))


def test_a_version_that_is_listed_or_in_a_range_is_affected() -> None:
    about = record(events=[{"introduced": "2.0"}, {"fixed": "2.1"}], versions=["1.0", "trunk"])
    assert affects(about, pkg("1.0"))
    assert affects(about, pkg("2.0.5"))
    assert not affects(about, pkg("1.5"))


def test_ranges_of_commits_say_nothing_about_a_release() -> None:
    affected = {
        "package": {"ecosystem": "PyPI", "name": "pkg"},
        "ranges": [
            {"type": "GIT", "repo": "https://git.test/pkg", "events": [{"introduced": "0"}]}
        ],
    }
    assert not affects(record(affected=[affected]), pkg("1.0"))
    assert affects(record(affected=[{**affected, "versions": ["1.0"]}]), pkg("1.0"))


def test_semantic_versions_are_ordered_too() -> None:
    affected = {
        "package": {"ecosystem": "PyPI", "name": "pkg"},
        "ranges": [
            {"type": "SEMVER", "events": [{"introduced": "1.0.0-alpha.1"}, {"fixed": "1.0.0"}]}
        ],
    }
    about = record(affected=[affected])
    assert affects(about, pkg("1.0.0b2"))
    assert not affects(about, pkg("1.0.0"))


def test_a_withdrawn_record_affects_nothing() -> None:
    events = [{"introduced": "0"}]
    assert not affects(record(events=events, withdrawn="2022-02-22T16:15:07Z"), pkg("1.0"))
    assert affects(record(events=events, withdrawn=None), pkg("1.0"))


def test_a_number_too_long_to_be_read_breaks_nothing() -> None:
    long = "9" * 10_000
    about = record(events=[{"introduced": "0"}, {"fixed": long}], versions=[long, f"{long}.1"])
    assert affects(about, pkg("1.0"))
    assert affects(about, pkg(long))


def test_a_record_without_versions_affects_nothing_unless_it_is_about_malware() -> None:
    assert not affects(record(), pkg("1.0"))
    assert affects(record(advisory_id="MAL-2024-1"), pkg("1.0"))
    assert affects(record(advisory_id="GHSA-aaaa-bbbb-cccc", aliases=["MAL-2024-1"]), pkg("1.0"))


def test_a_version_that_pep_440_cant_order_counts_as_affected() -> None:
    odd = pkg("1.0-custom-build")
    assert affects(record(events=[{"introduced": "5.0"}]), odd)
    assert affects(record(versions=["0.1"]), odd)
    assert not affects(record(), odd)


@pytest.mark.parametrize(
    ("ecosystem", "name", "expected"),
    [
        ("PyPI", "My_Pkg.Name", True),
        ("pypi", "my-pkg-name", True),
        ("PyPI:https://index.test/simple", "my-pkg-name", True),
        ("npm", "my-pkg-name", False),
        ("PyPI", "my-pkg", False),
    ],
)
def test_packages_are_matched_by_ecosystem_and_normalised_name(
    ecosystem: str, name: str, expected: bool
) -> None:
    affected = [{"package": {"ecosystem": ecosystem, "name": name}, "versions": ["1.0"]}]
    assert affects(record(affected=affected), NamedPackage("my-pkg-name", "1.0")) is expected


def test_only_the_entries_of_the_package_itself_count() -> None:
    affected = [
        {"package": {"ecosystem": "PyPI", "name": "other"}, "versions": ["1.0"]},
        {"package": {"ecosystem": "PyPI", "name": "pkg"}, "versions": ["2.0"]},
        {"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]},
    ]
    about = record(affected=affected)
    assert not affects(about, pkg("1.0"))
    assert affects(about, pkg("2.0"))


def test_the_first_fixed_version_is_one_that_no_record_affects() -> None:
    one = record(events=[{"introduced": "0"}, {"fixed": "1.2"}])
    two = record(
        advisory_id="GHSA-aaaa-bbbb-cccc",
        events=[
            {"introduced": "0"},
            {"fixed": "1.1"},
            {"introduced": "1.2"},
            {"fixed": "1.3"},
            {"introduced": "2.0"},
            {"fixed": "2.1"},
        ],
    )
    assert first_fixed_version([one], pkg("1.0")) == "1.2"
    assert first_fixed_version([one, two], pkg("1.0")) == "1.3"
    assert first_fixed_version([two], pkg("2.0")) == "2.1"
    assert first_fixed_version([record(events=[{"introduced": "0"}])], pkg("1.0")) is None
    assert first_fixed_version([one], pkg("1.0-custom-build")) is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>not found</html>",
        b'{"id": "PYSEC-2024-1"',
        b"[]",
        b'{"modified": "2024-05-01T00:00:00Z"}',
        b'{"id": "PYSEC-2024-1"}',
        b'{"id": "PYSEC-2024-1", "modified": "yesterday"}',
        b'{"id": "PYSEC-2024-1", "modified": "2024-05-01T00:00:00"}',
        b'{"id": "PYSEC-2024-1", "modified": "2024-05-01T00:00:00Z", "affected": {}}',
        b'{"id": "../../secret", "modified": "2024-05-01T00:00:00Z"}',
        b'{"id": "A\\u001b[31m", "modified": "2024-05-01T00:00:00Z"}',
        b'{"id": "\xff", "modified": "2024-05-01T00:00:00Z"}',
        b'{"id": "A-1", "modified": "2024-05-01T00:00:00Z", "x": ' + b"[" * 100_000,
    ],
)
def test_what_is_no_record_is_an_error_that_names_it(text: bytes) -> None:
    with pytest.raises(ScannerError, match=r"all\.zip:A-1\.json is not an OSV record"):
        decode_record(text, "all.zip:A-1.json")


def test_a_wrong_type_inside_a_range_is_an_error() -> None:
    broken = advisory(events=[{"introduced": "0"}])
    broken["affected"][0]["ranges"][0]["events"] = "all of them"
    with pytest.raises(ScannerError, match="events"):
        decode_record(json.dumps(broken).encode(), "it")


def test_empty_and_null_fields_are_as_good_as_missing_ones() -> None:
    about = record(
        versions=["1.0"], aliases=None, references=[], severity=None, database_specific={}
    )
    assert affects(about, pkg("1.0"))
