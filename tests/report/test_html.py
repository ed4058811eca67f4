import io
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from package_gate.core.decision import Basis, Verdict
from package_gate.core.finding import Kind, Severity
from package_gate.core.request import LineError, PyPISource, Request
from package_gate.core.run import RequestOutcome, Run
from package_gate.report.html import MAX_CARDS, MAX_FINDINGS, MAX_ROWS, write_html
from tests.report.sample_run import (
    DECIDED,
    approved,
    earlier,
    hostile_run,
    judged,
    outcome,
    package,
    refused,
    run,
    sample_run,
    too_fresh,
)

VOID = {"meta", "br"}


class Page(HTMLParser):
    """What a browser would make of a page: its elements, its text, and whether tags match."""

    def __init__(self, told: Run) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        file = io.BytesIO()
        write_html(told, file)
        self.source = file.getvalue().decode("utf-8")
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)

    def with_class(self, name: str) -> int:
        return sum(name in (attrs.get("class") or "").split() for _, attrs in self.elements)


def card(told: RequestOutcome) -> Page:
    return Page(run(told))


@pytest.mark.parametrize("told", [sample_run(), hostile_run(), run()], ids=["all", "hostile", "no"])
def test_the_page_is_well_formed_and_stands_alone(told: Run) -> None:
    page = Page(told)
    assert page.open == []
    assert page.source.startswith("<!doctype html>\n")
    assert ("html", {"lang": "en"}) in page.elements
    assert page.count("script") == 0
    for tag, attributes in page.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form", "svg"}
        assert not {"src", "srcset", "style", "action"} & attributes.keys()
    assert "url(" not in page.source
    assert "@import" not in page.source


def test_the_policy_of_the_page_forbids_everything_but_its_own_style() -> None:
    metas = [attributes for tag, attributes in Page(run()).elements if tag == "meta"]
    (policy,) = (each for each in metas if each.get("http-equiv") == "Content-Security-Policy")
    content = policy["content"] or ""
    assert content.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "script" not in content


def test_nothing_hostile_becomes_markup() -> None:
    known = {tag for tag, _ in Page(sample_run()).elements}
    page = Page(hostile_run())
    assert {tag for tag, _ in page.elements} <= known
    for _, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes)
        assert "alert(1)" not in " ".join(value or "" for value in attributes.values())
    links = [attributes for tag, attributes in page.elements if tag == "a"]
    assert all(attributes.keys() == {"href"} for attributes in links)
    assert all(re.fullmatch(r"#([rp][0-9]+|[a-z]+)", each["href"] or "") for each in links)
    assert "<script>alert(1)</script>" in page.text
    assert "{{7*7}}" in page.text
    assert "49}" not in page.text


def test_no_character_of_the_page_is_invisible_or_turns_the_text_around() -> None:
    page = Page(hostile_run())
    assert all(line.isprintable() for line in page.source.split("\n"))
    assert r"\u202egpj.exe" in page.text


def test_only_https_references_are_links_and_they_tell_nothing_of_where_they_are() -> None:
    links = [attributes for tag, attributes in card(refused()).elements if tag == "a"]
    assert [each for each in links if not (each["href"] or "").startswith("#")] == [
        {
            "href": "https://osv.example/vulnerability/PYSEC-2021-142",
            "rel": "noreferrer noopener",
        }
    ]
    assert "http://unsafe.example/advisory" in card(refused()).text


def test_an_approval_shows_the_exact_command_and_its_closure() -> None:
    page = card(approved())
    assert approved().decision.install_command in page.texts
    assert "Everything it needs: 7 packages" in page.text
    assert "simple/threadpoolctl/" in page.text
    assert "1 finding that InfoSec has waived" in page.text
    assert "approved by Jo Example" in page.text


def test_a_refusal_shows_what_refuses_openly_and_the_rest_closed() -> None:
    page = card(refused())
    openly, _, closed = page.text.partition("Each once, whichever requests need it.")
    assert "2 findings that refuse it" in openly
    assert openly.index("PYSEC-2021-142") < openly.index("exec-base64")
    assert "What fixes it Upgrade to 5.4 or later." in openly
    assert "S506" not in openly
    assert "S506" in closed
    assert "1 medium, 1 info" in closed
    assert ("details", {"class": "package"}) in page.elements


def test_what_to_request_instead_can_be_copied() -> None:
    told = refused()
    told = replace(told, decision=replace(told.decision, instead="a,pypi:<b>==6"))
    page = card(told)
    assert "a,pypi:<b>==6" in page.texts


def test_a_link_of_the_page_leads_to_a_place_in_it() -> None:
    for told in (sample_run(), hostile_run(), run(), run(earlier(1))):
        elements = Page(told).elements
        places = [attributes["id"] for _, attributes in elements if "id" in attributes]
        assert len(places) == len(set(places))
        links = {attributes.get("href") or "" for tag, attributes in elements if tag == "a"}
        assert {link[1:] for link in links if link.startswith("#")} <= set(places)


def test_a_package_that_two_requests_need_is_shown_once_and_linked_twice() -> None:
    first = approved()
    again = replace(first, request=replace(first.request, name="again", line=3))
    page = Page(run(first, again))
    assert page.text.count("joblib-1.4.2-py3-none-any.whl") == 1
    assert page.with_class("package") == 7
    assert page.text.count("Everything it needs: 7 packages") == 2
    links = [attributes.get("href") for tag, attributes in page.elements if tag == "a"]
    assert links.count("#p4") == 2


def test_a_run_that_decided_nothing_new_says_which_scanners_decided() -> None:
    told = earlier(1)
    basis = Basis("", ("archive 3", "osv"))
    told = replace(told, decision=replace(told.decision, basis=basis))
    page = Page(replace(run(told, told), scanners=()))
    assert "No scanner ran: nothing had to be decided." in page.text
    assert "Earlier runs decided 2 requests with archive 3, osv." in page.text


def test_a_refusal_shows_the_waiver_to_ask_for() -> None:
    text = card(refused()).text
    assert "ask InfoSec for a waiver" in text
    assert "A rule suspects something; that is no proof. A person has to look" in text
    assert '[[waivers]] package = "pyyaml" version = "5.3.1" finding = "PYSEC-2021-142"' in text


def test_an_undecided_request_says_why_and_what_happens_next() -> None:
    told = too_fresh()
    until = DECIDED + timedelta(days=5)
    text = card(replace(told, decision=replace(told.decision, waits_until=until))).text
    assert "is too fresh until 2026-11-27" in text
    assert "The first run from 2026-11-27 10:15 UTC on decides it." in text


def test_sample_advisories_are_told_on_top_and_on_each_verdict() -> None:
    page = Page(sample_run())
    assert page.text.index("SAMPLE ADVISORIES") < page.text.index("refused")
    assert page.with_class("samples") == 2
    earlier_only = Page(run(approved()))
    assert "SAMPLE ADVISORIES" in earlier_only.text
    assert "SAMPLE ADVISORIES" not in card(too_fresh()).text


def test_warnings_counts_and_bad_lines_are_on_top() -> None:
    text = Page(sample_run()).text
    top = text[: text.index("Refused", text.index("Lines that are no request Line"))]
    assert "An email to grace@research.example could not be sent" in top
    assert "1 refused" in top
    assert "2 undecided" in top
    assert "6 approved" in top
    assert "2 bad lines" in top
    assert "Findings that refuse: 1 critical, 1 high." in top
    assert "pandas;pypi:pandas==2.2.3 The columns are separated by semicolons." in top


def test_severities_and_verdicts_are_words_and_not_colours_alone() -> None:
    page = Page(sample_run())
    for word in ("critical", "high", "medium", "low", "info", *map(str, Verdict)):
        assert word in page.texts


def test_a_withdrawn_package_says_so_loudly() -> None:
    (pyyaml,) = refused().packages
    gone = replace(refused(), packages=(replace(pyyaml, withdrawn_at=DECIDED),))
    assert "Approved and published before, and withdrawn now: " in card(gone).text


def test_a_command_on_a_record_that_is_not_approved_is_not_shown() -> None:
    told = refused()
    decision = replace(told.decision, install_command="pip install evil")
    assert "pip install evil" not in card(replace(told, decision=decision)).text
    row = replace(told, decision=decision, decided_now=False)
    assert "pip install evil" not in card(row).text


def test_thousands_of_earlier_requests_are_rows_and_not_cards() -> None:
    page = Page(run(*(earlier(number) for number in range(MAX_ROWS + 300)), approved()))
    assert page.count("article") == 1
    assert page.count("tr") < MAX_ROWS + 30
    assert "and 300 more: see verdicts.json." in page.text
    assert len(page.source) < 2_000_000


def test_a_first_run_over_thousands_of_requests_shows_what_needs_somebody_in_full() -> None:
    many = [replace(earlier(number), decided_now=True) for number in range(MAX_CARDS + 5)]
    page = Page(run(*many, refused()))
    assert page.count("article") == MAX_CARDS
    assert "2 findings that refuse it" in page.text
    assert page.text.count("earlier-304") > 0


def test_a_package_with_very_many_findings_shows_the_worst_of_them() -> None:
    findings = tuple(judged(f"R{number}", Severity.LOW) for number in range(MAX_FINDINGS + 7))
    worst = judged("WORST", Severity.HIGH)
    noisy = package("noisy", "1", (), (*findings, worst))
    text = card(
        outcome(Request("noisy", PyPISource("noisy"), "", 1), Verdict.APPROVED, ("x",), (noisy,))
    ).text
    assert "below the policy's thresholds: 1 high, 57 low" in text
    assert "WORST" in text
    assert "and 8 more: see verdicts.json." in text


def test_very_many_findings_that_refuse_are_capped() -> None:
    findings = tuple(judged(f"R{number}", Severity.HIGH, refuses=True) for number in range(130))
    bad = package("bad", "1", (), findings, verdict=Verdict.REFUSED)
    page = card(outcome(Request("bad", PyPISource("b"), "", 1), Verdict.REFUSED, ("x",), (bad,)))
    assert "130 findings that refuse it" in page.text
    assert page.with_class("finding") == 100
    assert "and 30 more: see verdicts.json." in page.text


def test_very_many_bad_lines_are_capped() -> None:
    errors = tuple(LineError(number, "x", "y", "z") for number in range(1, 5001))
    page = Page(run(errors=errors))
    assert page.count("tr") < 520
    assert "and 4500 more: see verdicts.json." in page.text


def test_reported_malware_is_not_offered_a_waiver() -> None:
    finding = judged("MAL-2026-1", Severity.CRITICAL, Kind.MALWARE, scanner="osv", refuses=True)
    bad = package("bad", "1", (), (finding,), verdict=Verdict.REFUSED)
    page = card(
        outcome(Request("bad", PyPISource("bad==1"), "", 1), Verdict.REFUSED, ("x",), (bad,))
    )
    assert "reported as malware" in page.text
    assert "[[waivers]]" not in page.text


def test_it_leads_to_the_inventory_that_is_beside_it() -> None:
    for inventory in (True, False):
        file = io.BytesIO()
        write_html(sample_run(), file, inventory=inventory)
        assert (b'<a href="inventory.html">' in file.getvalue()) is inventory
