"""What a person reads of the advisories that affect a version."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.osv_findings import findings, severity_of
from package_gate.advisories.osv_records import Record
from package_gate.core.finding import Finding, Kind, Severity
from tests.fakes.advisories import record

PKG = NamedPackage("pkg", "1.0")
EVENTS = [{"introduced": "0"}, {"fixed": "1.2"}]

V2_HIGH = "AV:N/AC:L/Au:N/C:C/I:C/A:C"
V3_MEDIUM = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"
V3_CRITICAL = "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
V3_NONE = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"
V4_CRITICAL = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
V4_LOW = "CVSS:4.0/AV:L/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"


def only(*records: Record) -> Finding:
    [finding] = findings(records, PKG)
    return finding


def rating(kind: str, vector: str) -> dict[str, str]:
    return {"type": kind, "score": vector}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"severity": []}, None),
        ({"severity": [rating("CVSS_V2", V2_HIGH)]}, Severity.HIGH),
        ({"severity": [rating("CVSS_V2", f"({V2_HIGH})")]}, Severity.HIGH),
        ({"severity": [rating("CVSS_V3", V3_MEDIUM)]}, Severity.MEDIUM),
        ({"severity": [rating("CVSS_V3", V3_CRITICAL)]}, Severity.CRITICAL),
        ({"severity": [rating("CVSS_V3", V3_NONE)]}, Severity.INFO),
        ({"severity": [rating("CVSS_V4", V4_CRITICAL)]}, Severity.CRITICAL),
        ({"severity": [rating("CVSS_V4", V4_LOW)]}, Severity.LOW),
        ({"severity": [rating("CVSS_V3", V4_CRITICAL)]}, Severity.CRITICAL),
        (
            {"severity": [rating("CVSS_V3", V3_MEDIUM), rating("CVSS_V4", V4_CRITICAL)]},
            Severity.CRITICAL,
        ),
        ({"severity": [rating("CVSS_V3", "CVSS:3.1/AV:X")]}, None),
        ({"severity": [rating("CVSS_V3", "9.8")]}, None),
        ({"severity": [rating("CVSS_V9", "CVSS:9.0/all")]}, None),
        (
            {
                "severity": [rating("CVSS_V3", "CVSS:3.1/AV:X")],
                "database_specific": {"severity": "HIGH"},
            },
            Severity.HIGH,
        ),
        ({"database_specific": {"severity": "MODERATE"}}, Severity.MEDIUM),
        ({"database_specific": {"severity": "low"}}, Severity.LOW),
        ({"database_specific": {"severity": "UNKNOWN"}}, None),
        ({"database_specific": {"severity": None}}, None),
        ({"database_specific": {"severity": [{"score": 9.8}]}}, None),
    ],
)
def test_a_severity_comes_from_vectors_and_from_words(
    fields: dict[str, Any], expected: Severity | None
) -> None:
    assert severity_of(record(events=EVENTS, **fields), "pkg") is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"severity": [rating("CVSS_V3", V3_MEDIUM)]}, Severity.MEDIUM),
        ({"ecosystem_specific": {"severity": "HIGH"}}, Severity.HIGH),
        ({"database_specific": {"severity": "LOW"}}, Severity.LOW),
    ],
)
def test_severities_of_an_affected_entry_count_for_its_package_only(
    fields: dict[str, Any], expected: Severity
) -> None:
    affected = [
        {"package": {"ecosystem": "PyPI", "name": "pkg"}, **fields},
        {"package": {"ecosystem": "PyPI", "name": "other"}},
    ]
    assert severity_of(record(affected=affected), "pkg") is expected
    assert severity_of(record(affected=affected), "other") is None


@given(st.sampled_from(["CVSS_V2", "CVSS_V3", "CVSS_V4"]), st.text(max_size=60))
def test_no_vector_breaks_the_scan(kind: str, rest: str) -> None:
    for start in ("", "CVSS:3.1/", "CVSS:4.0/", V3_MEDIUM, V4_LOW, V2_HIGH):
        severity_of(record(severity=[rating(kind, start + rest)]), "pkg")


def test_records_that_name_each_other_are_one_finding() -> None:
    finding = only(
        record(advisory_id="GHSA-aaaa-bbbb-cccc", aliases=["CVE-2024-7", "PYSEC-2024-3"]),
        record(advisory_id="PYSEC-2024-3", aliases=["CVE-2024-7"]),
    )
    assert finding.rule == "PYSEC-2024-3"
    assert finding.aliases == ("GHSA-aaaa-bbbb-cccc", "CVE-2024-7")


def test_records_are_merged_through_an_id_that_is_no_record_and_through_others() -> None:
    records = [
        record(advisory_id="GHSA-aaaa-aaaa-aaaa", aliases=["CVE-2024-1"]),
        record(advisory_id="GHSA-cccc-cccc-cccc", aliases=["CVE-2024-2"]),
        record(advisory_id="OSV-2024-8", aliases=["CVE-2024-2", "CVE-2024-3"]),
        record(advisory_id="OSV-2024-9", aliases=["CVE-2024-3", "CVE-2024-1"]),
    ]
    for order in itertools.permutations(records):
        finding = only(*order)
        assert finding.rule == "GHSA-aaaa-aaaa-aaaa"
        assert finding.aliases == (
            "GHSA-cccc-cccc-cccc",
            "CVE-2024-1",
            "CVE-2024-2",
            "CVE-2024-3",
            "OSV-2024-8",
            "OSV-2024-9",
        )


def test_related_and_upstream_records_are_findings_of_their_own() -> None:
    rules = [
        finding.rule
        for finding in findings(
            [
                record(advisory_id="PYSEC-2024-2", related=["PYSEC-2024-1"]),
                record(advisory_id="PYSEC-2024-1"),
                record(advisory_id="GHSA-aaaa-bbbb-cccc", upstream=["PYSEC-2024-1"]),
            ],
            PKG,
        )
    ]
    assert rules == ["PYSEC-2024-1", "PYSEC-2024-2", "GHSA-aaaa-bbbb-cccc"]


def test_the_same_finding_comes_out_whatever_the_order_of_records() -> None:
    records = [
        record(advisory_id="CVE-2024-1", summary="From the CVE."),
        record(advisory_id="GHSA-bbbb-bbbb-bbbb", aliases=["CVE-2024-1"], summary="From GHSA b."),
        record(advisory_id="GHSA-aaaa-aaaa-aaaa", aliases=["CVE-2024-1"], summary="From GHSA a."),
    ]
    assert only(*records) == only(*reversed(records))
    assert only(*records).message == "From GHSA a."


def test_the_highest_severity_of_the_records_counts() -> None:
    finding = only(
        record(advisory_id="PYSEC-2024-1"),
        record(
            advisory_id="GHSA-aaaa-bbbb-cccc",
            aliases=["PYSEC-2024-1"],
            database_specific={"severity": "LOW"},
            severity=[rating("CVSS_V3", V3_MEDIUM)],
        ),
    )
    assert finding.severity is Severity.MEDIUM
    assert only(record()).severity is None


def test_malware_is_critical_whatever_its_record_says() -> None:
    finding = only(
        record(advisory_id="PYSEC-2024-1", aliases=["MAL-2024-9"]),
        record(advisory_id="MAL-2024-9", severity=[rating("CVSS_V3", V3_MEDIUM)]),
    )
    assert finding.kind is Kind.MALWARE
    assert finding.severity is Severity.CRITICAL
    assert finding.rule == "MAL-2024-9"
    assert "Do not install" in finding.recommendation


def test_a_record_that_only_names_a_malware_record_is_malware_too() -> None:
    assert only(record(aliases=["MAL-2024-9"])).kind is Kind.MALWARE
    assert only(record()).kind is Kind.VULNERABILITY


def test_the_recommendation_names_the_first_version_that_fixes_it() -> None:
    assert only(record(events=EVENTS)).recommendation == "Upgrade to 1.2 or newer."
    assert only(record(versions=["1.0"])).recommendation == "No fixed version is known."


def test_a_summary_of_any_of_the_records_is_preferred_to_details() -> None:
    finding = only(
        record(advisory_id="PYSEC-2024-1", details="Long story. Really long. Very."),
        record(advisory_id="GHSA-aaaa-bbbb-cccc", aliases=["PYSEC-2024-1"], summary="  Short one "),
    )
    assert finding.message == "Short one."


@pytest.mark.parametrize(
    ("details", "message"),
    [
        ("It breaks", "It breaks."),
        ("It breaks in 1.0, e.g. when used. Then more. And more.",
         "It breaks in 1.0, e.g. when used. Then more."),
        ("### Impact\n\nReads `/etc` files\nfrom [there](https://x.test/a). Second. Third.",
         "Reads /etc files from there. Second."),
        ("Impact\n======\nBad!", "Impact Bad!"),
        ("", "The advisory does not say what is wrong."),
        ("# Only a heading", "The advisory does not say what is wrong."),
    ],
)  # fmt: skip
def test_without_a_summary_the_first_sentences_of_the_details_are_the_message(
    details: str, message: str
) -> None:
    assert only(record(details=details)).message == message


def test_a_message_is_short_and_obeys_no_terminal() -> None:
    message = only(record(summary="\x1b[31mred\u202e\nline\x00" + "x" * 1000)).message
    assert len(message) <= 400
    assert message.isprintable()
    assert message.startswith(r"\x1b[31mred\u202e line")


def test_a_version_that_cant_be_compared_is_said_so() -> None:
    [finding] = findings([record(summary="Bad")], NamedPackage("pkg", "1.0-custom"))
    assert finding.message == "Bad. Its version can't be compared, so it counts as affected."


def test_references_are_plain_https_addresses_and_at_most_ten() -> None:
    urls = [
        "https://advisory.test/1",
        "https://advisory.test/1",
        "http://plain.test/",
        "javascript:alert(1)",
        "https://user:secret@advisory.test/",
        "https://advisory.test/a b",
        'https://advisory.test/"><script>',
        "https://advisory.test/\u202e",
        "https://[advisory.test/",
        "https://advisory.test/" + "x" * 1000,
        *(f"https://advisory.test/more/{n}?a=b#c" for n in range(20)),
    ]
    references = only(record(references=[{"type": "WEB", "url": url} for url in urls])).references
    assert references[:2] == ("https://advisory.test/1", "https://advisory.test/more/0?a=b#c")
    assert len(references) == 10


def test_an_alias_that_is_no_id_is_left_out() -> None:
    finding = only(record(aliases=["CVE-2024-1", "", "a b", "\x1b[2J", "x" * 1000, "<script>"]))
    assert finding.aliases == ("CVE-2024-1",)
