"""The policy file and the verdicts it makes."""

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from package_gate.core.artifact import Origin, ResolvedPackage
from package_gate.core.decision import Verdict
from package_gate.core.ecosystem import digest_version
from package_gate.core.errors import ConfigurationError
from package_gate.core.finding import Finding, Kind, ScannerInfo, Severity
from package_gate.core.judge import Judgement, judge
from package_gate.core.limits import Limits
from package_gate.core.policy import (
    AdvisoryAges,
    HistoryRules,
    Licences,
    Policy,
    Prioritise,
    Provenance,
    Reevaluate,
    Refuse,
    ScannerName,
    Sources,
    Targets,
    WaiverEntry,
    load_policy,
    policy_warnings,
)

TODAY = date(2026, 6, 1)
SCANNERS = [ScannerInfo("archive", "1"), ScannerInfo("osv", "1")]
WAIVER = """
[[waivers]]
package = "PyYAML"
version = "5.3.1"
finding = "CVE-2020-14343"
expires = 2026-06-01
approved_by = "Jo"
reason = "Not reachable."
"""

PYYAML = ResolvedPackage("pyyaml", "5.3.1", Origin.PYPI, ())


def policy(text: str) -> Policy:
    return msgspec.convert(tomllib.loads(text), Policy)


def finding(
    kind: Kind = Kind.VULNERABILITY,
    severity: Severity | None = Severity.HIGH,
    scanner: str = "osv",
    rule: str = "PYSEC-2021-142",
) -> Finding:
    return Finding(scanner, rule, kind, severity, "What it is.", aliases=("CVE-2020-14343",))


LISTED = """
[provenance]
require = "listed"
[provenance.publishers]
demo = ["github:acme/demo"]
"""


def verdict(*findings: Finding, text: str = "", failures: tuple[str, ...] = ()) -> Judgement:
    return judge(PYYAML, findings, SCANNERS, failures, policy(text), TODAY)


def test_the_shipped_file_says_what_the_defaults_are() -> None:
    shipped = load_policy(Path(__file__).parent.parent.parent / "scan-policy.toml")
    assert shipped == Policy()


def test_the_page_about_the_policy_lists_every_key() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "policy.md").read_text()
    listed = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    tables = (
        Refuse,
        HistoryRules,
        Reevaluate,
        AdvisoryAges,
        Prioritise,
        Licences,
        Provenance,
        Targets,
        Sources,
        Limits,
        WaiverEntry,
    )
    keys = {field for table in tables for field in table.__struct_fields__}
    assert listed == keys - {"scanners"}  # a table of its own
    for heading in (
        "refuse",
        "refuse.scanners",
        "cooldown",
        "history",
        "advisories",
        "targets",
        "sources",
        "limits",
    ):
        assert f"[{heading}]" in page
    for scanner in get_args(ScannerName):
        assert f"`{scanner}`" in page


def test_nothing_found_by_scanners_that_all_finished_is_approved() -> None:
    assert verdict().verdict is Verdict.APPROVED


@pytest.mark.parametrize(
    ("kind", "severity", "expected"),
    [
        (Kind.VULNERABILITY, Severity.LOW, Verdict.APPROVED),
        (Kind.VULNERABILITY, Severity.MEDIUM, Verdict.REFUSED),
        (Kind.VULNERABILITY, Severity.CRITICAL, Verdict.REFUSED),
        (Kind.VULNERABILITY, None, Verdict.REFUSED),
        (Kind.MALWARE, Severity.MEDIUM, Verdict.APPROVED),
        (Kind.MALWARE, Severity.HIGH, Verdict.REFUSED),
        (Kind.CODE, Severity.CRITICAL, Verdict.APPROVED),
        (Kind.ARCHIVE, Severity.INFO, Verdict.APPROVED),
        (Kind.ARCHIVE, Severity.LOW, Verdict.REFUSED),
    ],
)
def test_default_thresholds(kind: Kind, severity: Severity | None, expected: Verdict) -> None:
    assert verdict(finding(kind, severity)).verdict is expected


def test_a_scanner_that_did_not_finish_leaves_the_package_undecided() -> None:
    judgement = verdict(failures=("osv hung",))
    assert judgement.verdict is Verdict.UNDECIDED
    assert judgement.reasons == ("osv hung",)


def test_a_refusing_finding_refuses_even_when_another_scanner_failed() -> None:
    assert verdict(finding(), failures=("osv hung",)).verdict is Verdict.REFUSED


def test_no_scanner_at_all_is_no_approval() -> None:
    judgement = judge(PYYAML, [], [], [], Policy(), TODAY)
    assert judgement.verdict is Verdict.UNDECIDED


def test_an_advisory_without_severity_counts_as_the_file_says() -> None:
    unrated = finding(severity=None)
    assert verdict(unrated, text='unrated_vulnerability = "low"').verdict is Verdict.APPROVED
    judged = verdict(unrated, text='unrated_vulnerability = "critical"').findings[0]
    assert judged.severity is Severity.CRITICAL


def test_a_threshold_for_one_scanner_takes_the_place_of_its_kinds() -> None:
    text = '[refuse.scanners]\nruff = "medium"\nosv = "never"'
    assert verdict(finding(), text=text).verdict is Verdict.APPROVED
    ruff = finding(Kind.CODE, Severity.MEDIUM, "ruff", "S602")
    assert verdict(ruff, text=text).verdict is Verdict.REFUSED


def test_a_waiver_by_alias_lets_the_finding_through_and_is_recorded() -> None:
    judgement = verdict(finding(), text=WAIVER)
    assert judgement.verdict is Verdict.APPROVED
    waiver = judgement.findings[0].waiver
    assert waiver is not None
    assert waiver.approved_by == "Jo"
    assert "1 waived" in judgement.reasons[0]


@pytest.mark.parametrize(
    "change",
    [("2026-06-01", "2026-05-31"), ("5.3.1", "5.3.2"), ("PyYAML", "yaml"), ("14343", "1")],
)
def test_a_waiver_that_is_expired_or_for_something_else_does_not_hold(
    change: tuple[str, str],
) -> None:
    assert verdict(finding(), text=WAIVER.replace(*change)).verdict is Verdict.REFUSED


def test_a_waivers_version_is_compared_as_a_version() -> None:
    text = WAIVER.replace("5.3.1", "5.3.1.0")
    assert verdict(finding(), text=text).verdict is Verdict.APPROVED


def test_a_waiver_without_version_holds_for_every_version() -> None:
    text = WAIVER.replace('version = "5.3.1"\n', "")
    assert verdict(finding(), text=text).verdict is Verdict.APPROVED


def test_the_worst_findings_come_first() -> None:
    low = finding(Kind.CODE, Severity.LOW, "ruff", "S101")
    high = finding(Kind.CODE, Severity.HIGH, "ruff", "S602")
    refusing = finding(severity=Severity.MEDIUM)
    judged = verdict(low, high, refusing).findings
    assert [item.finding.rule for item in judged] == ["PYSEC-2021-142", "S602", "S101"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[refuse]\nvulnerabilty = 'low'", "vulnerabilty"),
        ("[refuse]\nmalware = 'severe'", "refuse.malware"),
        ("[cooldown]\ndays = -1", "cooldown.days"),
        ("[cooldown]\ndays = 'seven'", "cooldown.days"),
        ("[targets]\npython_versions = []", "targets.python_versions"),
        ("colour = 1", "colour"),
        ("[refuse\ncode = 1", "line 1"),
        ("[refuse.scanners]\nrufff = 'low'", "rufff"),
        (WAIVER.replace('approved_by = "Jo"', ""), "approved_by"),
        (WAIVER.replace('approved_by = "Jo"', 'approved_by = ""'), "approved_by"),
        (WAIVER.replace('reason = "Not reachable."', ""), "reason"),
        (WAIVER.replace("expires = 2026-06-01", ""), "expires"),
        (WAIVER.replace("2026-06-01", '"soon"'), "expires"),
        # Dates that are none, or a moment somewhere.
        (WAIVER.replace("2026-06-01", "2026-02-30"), "line 6"),
        (WAIVER.replace("2026-06-01", "2026-06-01T00:00:00"), "expires"),
        (WAIVER.replace("2026-06-01", "2026-06-01T23:00:00-12:00"), "expires"),
        (WAIVER.replace("2026-06-01", '"2026-06-01T00:00:00Z"'), "expires"),
        (WAIVER.replace("2026-06-01", "00:00:00"), "expires"),
        (WAIVER.replace("2026-06-01", "20260601"), "expires"),
        # Waivers for more than one thing, for nothing, or for something that looks like another.
        (WAIVER.replace("PyYAML", "*"), "package"),
        (WAIVER.replace("PyYAML", "Py*"), "wildcard"),
        (WAIVER.replace("5.3.1", "*"), "version"),
        (WAIVER.replace("5.3.1", "5.3.*"), "version"),
        (WAIVER.replace("CVE-2020-14343", "CVE-*"), "finding"),
        (WAIVER.replace("PyYAML", "Py\u0423AML"), "package"),
        (WAIVER.replace("PyYAML", "\u212aeras"), "package"),
        (WAIVER.replace("PyYAML", "PyYAML\u200b"), "package"),
        (WAIVER.replace("PyYAML", "\\u0000PyYAML"), "package"),
        (WAIVER.replace("PyYAML", " "), "package"),
        (WAIVER.replace("PyYAML", "PyYAML "), "package"),
        (WAIVER.replace("5.3.1", " "), "version"),
        (WAIVER.replace("CVE-2020-14343", "\\u001b[2J"), "finding"),
        (WAIVER.replace('"CVE-2020-14343"', '["CVE-2020-14343"]'), "finding"),
        (WAIVER.replace('"Jo"', '" \u3164"'), "approved_by"),
        (WAIVER.replace('"Jo"', '"\\t"'), "approved_by"),
        (WAIVER.replace('"Jo"', "true"), "approved_by"),
        (WAIVER.replace("Not reachable.", "\u202eflesti"), "reason"),
        (WAIVER + "approve_by = 'x'", "approve_by"),
        (WAIVER + "version = '5.3.1'", "Cannot overwrite"),
        (WAIVER.replace("[[waivers]]", "[waivers]"), "waivers"),
        ('[provenance]\nrequire = "listed"', "go together"),
        ('[provenance.publishers]\ndemo = ["github:acme/demo"]', "go together"),
        (LISTED.replace("demo =", '"De.mo" ='), "spelled 'de-mo' here"),
        (LISTED.replace("github:", "bitbucket:"), "provenance.publishers"),
        (LISTED.replace("github:acme/demo", "acme/demo"), "provenance.publishers"),
        (LISTED.replace('"github:acme/demo"', ""), "provenance.publishers"),
        # Numbers that are no numbers of anything.
        ("[cooldown]\ndays = nan", "cooldown.days"),
        ("[cooldown]\ndays = inf", "cooldown.days"),
        ("[cooldown]\ndays = 7.0", "cooldown.days"),
        ("[cooldown]\ndays = true", "cooldown.days"),
        ("[cooldown]\ndays = 366", "cooldown.days"),
        ("[cooldown]\ndays = 7\ndays = 0", "Cannot overwrite"),
        ("[cooldown]\n[cooldown]", "twice"),
        (f"[limits]\nentries = {'9' * 5000}", "digits"),
        (f"[limits]\nentries = 0x{'f' * 5000}", "limits.entries"),
        ("[limits]\nentries = 9223372036854775808", "limits.entries"),
        ("[limits]\nscan_seconds = 1000000", "limits.scan_seconds"),
        ("[limits]\nratio = 0", "limits.ratio"),
        # What goes to uv as an argument.
        ('[targets]\npython_versions = ["3.11\\n"]', "targets.python_versions"),
        ('[targets]\npython_versions = ["3.\u0967"]', "targets.python_versions"),
        ('[targets]\nplatforms = ["linux\\n"]', "targets.platforms"),
        ('[targets]\nplatforms = ["--index-url"]', "targets.platforms"),
        # Files that are made to be slow or deep to read.
        ("a = " + "[" * 100_000, "nested too deeply"),
        ("a = " + "{a=" * 5000, "nested too deeply"),
        ("a = '" + "x" * 2**20 + "'", "larger than 1 MiB"),
        ("\0", "line 1"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_policy(path)
    assert named in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_or_undecodable_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_policy(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        load_policy(tmp_path / "latin.toml")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("[cooldown]\ndays = 3", encoding="utf-8-sig")
    assert load_policy(path).cooldown.days == 3


@pytest.mark.parametrize(
    ("expires", "expected"),
    [
        ("0001-01-01", Verdict.REFUSED),
        ("2026-05-31", Verdict.REFUSED),
        ("2026-06-01", Verdict.APPROVED),
        ("9999-12-31", Verdict.APPROVED),
    ],
)
def test_a_waiver_holds_up_to_the_last_day_that_it_names(expires: str, expected: Verdict) -> None:
    text = WAIVER.replace("2026-06-01", expires)
    assert verdict(finding(), text=text).verdict is expected
    assert bool(policy_warnings(policy(text), TODAY)) is (expected is Verdict.REFUSED)


@pytest.mark.parametrize("name", ["pyyaml", "PYYAML", "Py_YAML", "py--yaml", "py.-_yaml"])
def test_a_waivers_package_is_compared_as_a_name(name: str) -> None:
    expected = Verdict.APPROVED if name.lower() == "pyyaml" else Verdict.REFUSED
    assert verdict(finding(), text=WAIVER.replace("PyYAML", name)).verdict is expected


@pytest.mark.parametrize("rule", ["cve-2020-14343", "CVE-2020-1434", "CVE", "PYSEC-2021-14"])
def test_a_waivers_finding_is_compared_as_it_is_spelled(rule: str) -> None:
    text = WAIVER.replace("CVE-2020-14343", rule)
    assert verdict(finding(), text=text).verdict is Verdict.REFUSED


def test_a_policy_that_refuses_nothing_is_warned_of() -> None:
    text = "[refuse]\n" + "".join(f'{kind} = "never"\n' for kind in Kind)
    assert "refuses nothing" in policy_warnings(policy(text), TODAY)[0]
    assert policy_warnings(Policy(), TODAY) == []


def test_an_archive_that_bears_a_packages_name_gets_nothing_of_its_waiver() -> None:
    rules = policy(WAIVER.replace('version = "5.3.1"', ""))
    archive = ResolvedPackage("pyyaml", digest_version("0" * 64), Origin.ARCHIVE, ())
    judged = judge(archive, [finding()], SCANNERS, (), rules, TODAY)
    assert judged.verdict is Verdict.REFUSED
    rules = policy(WAIVER.replace("5.3.1", archive.version))
    judged = judge(archive, [finding()], SCANNERS, (), rules, TODAY)
    assert judged.verdict is Verdict.APPROVED


def test_an_expired_waiver_is_warned_of() -> None:
    text = WAIVER.replace("2026-06-01", "2026-05-31")
    assert "expired on 2026-05-31" in policy_warnings(policy(text), TODAY)[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[refuse]\nmalwar = "high"', "line 2, `refuse.malwar`: there is no key `malwar` here; did "
         "you mean `malware`"),
        ('\n\n[refuse]\nmalware = "hihg"', "line 4, `refuse.malware`: `hihg` is none of its "
         "values; did you mean `high`"),
        ("days = 7", "line 1, `days`: there is no key `days` here; it belongs to [cooldown]"),
        ('[cooldown]\nunrated_vulnerability = "low"', "it stands at the top of the file"),
        ("[refus]\nx = 1", "line 1, `refus`: there is no key `refus` here; did you mean `refuse`"),
        ('[refuse.scanners]\nruf = "high"', "line 2, `refuse.scanners.ruf`: `ruf` is none of its "
         "values; did you mean `ruff`"),
        ('[refuse.scanners]\nruff = "hig"', "`hig` is none of its values; did you mean `high`"),
        ('[[waivers]]\nreason = "x"\n[[waivers]]\npakage = "a"\n', "waivers"),
        ('unrated_vulnerability = "never"', ": info, low, medium, high, critical"),
        ("refuse = 3", "line 1, `refuse`: Expected `object`, got `int`"),
        ("[refuse]\nmalware = \ncode = 1", "line 2"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_file_line_and_key_with_what_was_meant(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as failure:
        load_policy(path)
    assert said in str(failure.value)
    assert str(path) in str(failure.value)


def test_an_advisory_that_nobody_rated_says_so() -> None:
    unrated = Finding("osv", "CVE-1", Kind.VULNERABILITY, None, "A hole.")
    made = verdict(unrated)
    assert made.findings[0].rating == "unrated, counts as medium"
    assert made.reasons == ("CVE-1 (unrated, counts as medium, vulnerability): A hole.",)
