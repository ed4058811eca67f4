import tomllib
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from package_gate.core.decision import Verdict
from package_gate.core.finding import Kind, Severity
from package_gate.core.judge import refusal
from package_gate.core.request import PyPISource, Request
from package_gate.core.run import RequestOutcome
from package_gate.notifications.outbox import Email, Outbox
from package_gate.notifications.texts import MAX_BODY_BYTES, compose, fit, notification_digest
from tests.report import sample_run
from tests.report.sample_run import artifact, judged, outcome, package

HINT = "https://reports.example/run/42/report.html"


def email_about(told: RequestOutcome) -> Email:
    return compose(told.request, told.decision, told.packages, HINT)


def test_an_approval_tells_the_command_and_every_file_with_its_digest() -> None:
    told = sample_run.approved()
    email = email_about(told)

    assert email.subject == "[package gate] approved: scikit-learn==1.5.2"
    assert f"\n    {told.decision.install_command}\n" in email.body
    for each in told.packages:
        assert f"published to {each.published_to}" in email.body
        for file in each.artifacts:
            assert f"{file.filename} ({file.size:,} bytes)\n    sha256:{file.sha256}" in email.body
    assert "Wheels for Python 3.11 and 3.12" in email.body
    assert (email.verdict, email.package) == (Verdict.APPROVED, "scikit-learn")
    assert email.requester == "ada@research.example"


def test_a_refusal_tells_everything_about_each_blocking_finding_the_worst_first() -> None:
    body = email_about(sample_run.refused()).body

    critical = body.index("1. CRITICAL PYSEC-2021-142")
    high = body.index("2. HIGH exec-base64")
    assert critical < body.index("Recommendation: Upgrade to 5.4 or later.") < high
    assert "Also known as: CVE-2020-14343, GHSA-8q59-q68h-6hv4" in body
    assert "See: https://osv.example/vulnerability/PYSEC-2021-142" in body
    assert "Where: PyYAML-5.3.1.tar.gz: PyYAML-5.3.1/lib/yaml/constructor.py:203" in body
    assert "Where: and 3 more" in body
    assert "S506" not in body


def test_a_refusal_holds_a_waiver_that_only_a_person_can_finish() -> None:
    body = email_about(sample_run.refused()).body

    block = body[body.index("[[waivers]]") : body.index("\nFull report")]
    waivers = tomllib.loads(block)["waivers"]
    assert [waiver["finding"] for waiver in waivers] == ["PYSEC-2021-142", "exec-base64"]
    assert {waiver["approved_by"] + waiver["reason"] for waiver in waivers} == {""}


def test_an_undecided_request_is_told_what_went_wrong_and_what_happens_next() -> None:
    email = email_about(sample_run.too_fresh())

    assert email.subject == "[package gate] undecided: polars==1.30.0"
    assert "is too fresh until 2026-11-27" in " ".join(email.body.split())
    body = " ".join(email.body.split())
    assert "Nobody has to act: a release is too fresh. The first run after the date in" in body
    assert "What was approved" not in email.body


def test_what_a_finding_says_is_told_once() -> None:
    told = sample_run.refused()
    (pyyaml,) = told.packages
    reasons = tuple(f"pyyaml 5.3.1: {refusal(each)}" for each in pyyaml.findings if each.refuses)
    said = (*reasons, "another reason")
    email = email_about(replace(told, decision=replace(told.decision, reasons=said)))
    body = " ".join(email.body.split())
    assert body.count("Loading untrusted YAML with full_load") == 1
    why = "Why --- * 2 findings refuse it: critical vulnerability PYSEC-2021-142 in pyyaml 5.3.1"
    assert f"{why} (and 1 more) * another reason What to do next" in body
    assert body.index("What refuses it") < body.index("[[waivers]]")


def test_a_command_can_be_copied_from_the_file_of_an_email(tmp_path: Path) -> None:
    told = sample_run.approved()
    command = f"pip install --index-url https://index.example/{'x' * 150} 'naïve[a]==1'"
    told = replace(told, decision=replace(told.decision, install_command=command))
    Outbox(tmp_path).send(email_about(told))
    (file,) = tmp_path.iterdir()
    assert f"    {command}\r\n".encode() in file.read_bytes()
    assert message_from_bytes(file.read_bytes(), policy=default).get_content().count(command) == 1


def test_a_package_taken_back_is_called_withdrawn() -> None:
    refused = sample_run.refused()
    (pyyaml,) = refused.packages
    gone = replace(refused, packages=(replace(pyyaml, withdrawn_at=sample_run.DECIDED),))
    email = email_about(gone)

    assert email.subject == "[package gate] refused and withdrawn: PyYAML==5.3.1"
    assert "Approved before, and withdrawn now: pyyaml 5.3.1. Uninstall" in " ".join(
        email.body.split()
    )


def test_what_was_withdrawn_below_a_request_is_named() -> None:
    refused = sample_run.refused()
    (pyyaml,) = refused.packages
    below = replace(pyyaml, name="dep", withdrawn_at=sample_run.DECIDED)

    one = email_about(replace(refused, packages=(pyyaml, below)))
    assert one.subject == "[package gate] refused, dep 5.3.1 withdrawn: PyYAML==5.3.1"
    two = email_about(replace(refused, packages=(pyyaml, below, replace(below, name="more"))))
    assert two.subject == "[package gate] refused, 2 packages withdrawn: PyYAML==5.3.1"


def test_sample_advisories_are_told_before_the_verdict_is_explained() -> None:
    body = email_about(sample_run.approved()).body
    assert body.index("SAMPLE ADVISORIES") < body.index("Why")
    assert "SAMPLE ADVISORIES" not in email_about(sample_run.scanner_crash()).body


def test_a_command_on_a_record_that_is_not_approved_is_not_told() -> None:
    refused = sample_run.refused()
    decision = replace(refused.decision, install_command="pip install evil")
    assert "pip install evil" not in email_about(replace(refused, decision=decision)).body


@pytest.mark.parametrize("told", sample_run.hostile_run().outcomes)
def test_hostile_text_becomes_neither_a_header_nor_a_control_character(
    told: RequestOutcome, tmp_path: Path
) -> None:
    email = email_about(told)

    assert email.subject.isascii()
    assert email.subject.isprintable()
    assert len(email.subject) < 100
    assert email.package.isprintable()
    assert email.requester == ""
    assert all(line.isprintable() for line in email.body.split("\n"))
    Outbox(tmp_path).send(email)
    (file,) = tmp_path.iterdir()
    assert b"\nX-Evil" not in file.read_bytes()


@pytest.mark.parametrize(
    "requester",
    [
        "a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", "Ada <a@b.example>",
        "a@b.example\n", "@b.example", "a@", "é@b.example", "a" * 300 + "@b.example",
    ],
)  # fmt: skip
def test_what_is_no_address_gets_no_email_of_its_own(requester: str) -> None:
    told = sample_run.approved()
    told = replace(told, request=replace(told.request, requester=requester))
    assert email_about(told).requester == ""


def test_a_requirements_marker_becomes_no_header(tmp_path: Path) -> None:
    marker = 'a; python_version == "=?utf-8?q?=0D=0ABcc:_c@d.example?="'
    request = Request("a", PyPISource(marker), "", 1)
    email = email_about(outcome(request, Verdict.REFUSED, ("No.",)))

    assert "=?" not in email.subject  # SNS takes it as it is
    Outbox(tmp_path).send(email)
    (file,) = tmp_path.iterdir()
    assert message_from_bytes(file.read_bytes(), policy=default)["Bcc"] is None


def test_a_long_subject_is_cut_below_the_limit_of_sns() -> None:
    request = Request("x" * 100, PyPISource("ü" * 200), "", 1)
    email = email_about(outcome(request, Verdict.REFUSED, ("No.",)))
    assert len(email.subject) == 99
    assert email.subject.endswith("...")


def test_a_body_beyond_the_limit_of_sns_is_cut_at_a_line_and_points_to_the_report() -> None:
    findings = tuple(
        judged(f"RULE-{number}", Severity.HIGH, Kind.MALWARE, refuses=True, message="ü " * 900)
        for number in range(200)
    )
    bad = package("bad", "1", (artifact("bad.whl", 1),), findings, verdict=Verdict.REFUSED)
    request = Request("bad", PyPISource("bad==1"), "", 1)
    body = email_about(outcome(request, Verdict.REFUSED, ("Bad.",), (bad,))).body

    assert MAX_BODY_BYTES - 4096 < len(body.encode()) <= MAX_BODY_BYTES
    *_, blank, pointer, end = body.split("\n")
    assert (blank, end) == ("", "")
    assert HINT in pointer


def test_a_body_of_exactly_the_limit_is_whole_and_one_byte_more_is_cut() -> None:
    whole = "x\n" * (MAX_BODY_BYTES // 2)
    assert fit(whole, HINT) == whole
    cut = fit("y" + whole, HINT)
    assert len(cut.encode()) <= MAX_BODY_BYTES
    assert cut.endswith(f"Full report: {HINT}]\n")


def test_the_same_decision_gives_the_same_email() -> None:
    assert email_about(sample_run.refused()) == email_about(sample_run.refused())


def test_the_digest_follows_verdict_and_reasons_only() -> None:
    decision = sample_run.refused().decision
    digest = notification_digest(decision)

    assert len(digest) == 64
    assert notification_digest(replace(decision, notified={"a@b.example": "x"})) == digest
    assert notification_digest(replace(decision, verdict=Verdict.UNDECIDED)) != digest
    assert notification_digest(replace(decision, reasons=("Other.",))) != digest
    joined = replace(decision, reasons=("".join(decision.reasons),))
    assert notification_digest(joined) != digest


def test_reported_malware_comes_with_no_way_around() -> None:
    finding = judged(
        *("MAL-2026-1", Severity.CRITICAL, Kind.MALWARE),
        scanner="osv",
        refuses=True,
        recommendation="No fixed version is known.",
    )
    bad = package("bad", "1", (), (finding,), verdict=Verdict.REFUSED)
    request = Request("bad", PyPISource("bad==1"), "", 1)
    body = email_about(outcome(request, Verdict.REFUSED, ("Bad.",), (bad,))).body
    assert "tell InfoSec now" in " ".join(body.split())
    assert "[[waivers]]" not in body
    assert "Request a version" not in body
