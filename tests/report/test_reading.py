import tomllib

import pytest

from package_gate.core.decision import Verdict
from package_gate.core.finding import Finding, Kind, Location, Severity
from package_gate.core.request import PyPISource, Request
from package_gate.core.run import RequestOutcome
from package_gate.report.reading import closure, next_steps, places, waiver_block, web_address
from tests.report import sample_run
from tests.report.sample_run import HOSTILE, judged, outcome, package


@pytest.mark.parametrize(
    "address", ["https://osv.example/vulnerability/CVE-2024-1", "https://a.example:8443/x?y=1#z"]
)
def test_an_https_address_may_be_led_to(address: str) -> None:
    assert web_address(address) == address


@pytest.mark.parametrize(
    "reference",
    [
        "http://a.example/", "javascript:alert(1)", "data:text/html,x", "//a.example/", "a.example",
        "https://good.example@evil.example/", "https://", "https:///x", "https://a.example:port/",
        "https://[::1/", "https://a.example/ x", "https://a.example/\u202e", "HTTPS://a.example/",
        'https://a.example/"onclick=', "https://a.example/<b>", " https://a.example/",
        "https://a.example/\nx", "https:\\\\evil.example", "",
    ],
)  # fmt: skip
def test_anything_else_is_text(reference: str) -> None:
    assert web_address(reference) is None


def test_a_waiver_for_hostile_names_is_valid_toml_and_says_just_them() -> None:
    finding = judged(HOSTILE, Severity.HIGH, refuses=True)
    bad = package(HOSTILE, '1"\n[refuse]\nmalware = "never', (), (finding,))
    told = outcome(Request("x", PyPISource("x"), "", 1), Verdict.REFUSED, ("No.",), (bad,))

    (waiver,) = tomllib.loads(waiver_block(told.decision, told.packages))["waivers"]
    assert waiver["package"] == HOSTILE.replace("\ud800", "?")
    assert waiver["version"] == '1"\n[refuse]\nmalware = "never'


def test_a_rule_found_in_several_files_needs_one_waiver() -> None:
    twice = tuple(
        judged("R1", Severity.HIGH, refuses=True, filename=name) for name in ("a.whl", "a.zip")
    )
    told = outcome(
        Request("x", PyPISource("x"), "", 1), Verdict.REFUSED, ("No.",),
        (package("x", "1", (), twice),),
    )  # fmt: skip
    assert waiver_block(told.decision, told.packages).count("[[waivers]]") == 1


def test_a_refusal_without_a_finding_leads_to_the_policy_and_not_to_a_waiver() -> None:
    told = outcome(
        Request("x", PyPISource("x"), "", 1), Verdict.REFUSED, ("The host is not allowed.",)
    )
    assert waiver_block(told.decision, ()) == ""
    assert "another source or version" in next_steps(told.decision, ())[0]


def test_an_approval_that_a_dry_run_did_not_publish_says_so() -> None:
    told = outcome(Request("x", PyPISource("x"), "", 1), Verdict.APPROVED, ("Fine.",))
    assert "dry run" in next_steps(told.decision, ())[0]


def test_a_closure_pairs_records_and_leaves_nothing_out() -> None:
    told = sample_run.scanner_crash()
    names = [(member.summary.name, member.decision is None) for member in closure(told)]
    assert names == [("langchain", False), ("langchain-core", True)]

    unnamed = RequestOutcome(
        told.request, sample_run.too_fresh().decision, told.packages, decided_now=True
    )
    assert [member.summary.name for member in closure(unnamed)] == ["langchain"]


def test_places_tell_how_many_are_not_named() -> None:
    finding = Finding(
        "ruff", "S101", Kind.CODE, Severity.LOW, "x",
        artifact="a.whl", locations=(Location("a/b.py", 3), Location("c.py")), count=5,
    )  # fmt: skip
    assert list(places(finding)) == ["a.whl: a/b.py:3", "a.whl: c.py", "and 3 more"]
