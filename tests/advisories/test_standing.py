"""What the sources' answers mean for a package and for what an archive names."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from package_gate.advisories.interface import NOT_LOOKED_UP, NamedPackage
from package_gate.advisories.standing import UNREADABLE, standing, standing_of_releases
from package_gate.core.artifact import Artifact, Origin
from package_gate.core.errors import ScannerError
from package_gate.core.evidence import Evidence
from package_gate.core.finding import Finding, Kind, Location, Severity
from package_gate.core.inventory import Component, Inventory, UnreadableFile
from tests.fakes.advisory_source import FakeSource, flaw

UNKNOWN = replace(flaw(NOT_LOOKED_UP, "It was not looked up."), severity=Severity.INFO)


def release(name: str = "six", version: str = "1.0") -> Evidence:
    return Evidence(name, version, Origin.PYPI, (), ())


def archive(*inventories: Inventory, name: str = "tool") -> Evidence:
    artifacts = tuple(Artifact(each.artifact, "0" * 64, 1) for each in inventories)
    return Evidence(name, "", Origin.ARCHIVE, artifacts, (), inventories)


def holding(*components: Component, unreadable: Sequence[UnreadableFile] = ()) -> Inventory:
    return Inventory("tool.zip", components=components, unreadable=tuple(unreadable))


def about(*packages: str) -> Callable[[NamedPackage], Sequence[Finding]]:
    return lambda package: [flaw(f"RULE-{package.name}")] if str(package) in packages else []


def failing(package: NamedPackage) -> Sequence[Finding]:
    raise ScannerError("it is out of order")


def test_a_release_is_looked_up_as_what_it_is() -> None:
    source = FakeSource(answer=about("my-pkg 1.0"))
    known = standing(release("My_Pkg"), [source])
    assert known.findings == (flaw("RULE-my-pkg"),)
    assert known.scanners == (source.info,)
    assert known.failures == ()
    assert source.asked == [["my-pkg 1.0"]]


def test_a_release_is_not_searched_for_pins() -> None:
    source = FakeSource()
    standing(replace(release(), inventories=(holding(Component("evil", "1.0")),)), [source])
    assert source.asked == [["six 1.0"]]


def test_what_an_archive_pins_and_holds_is_looked_up_once_and_reported_where_it_stands() -> None:
    places = (Location("dev.txt", 1), Location("requirements.txt", 2))
    source = FakeSource(answer=about("pyyaml 5.3.1"))
    known = standing(
        archive(
            holding(
                Component("pyyaml", "5.3.1", held=False, locations=places, count=30),
                Component("pyyaml", "5.3.1", held=True, locations=(Location("PKG-INFO", 1),)),
                Component("six", "1.0"),
            )
        ),
        [source],
    )
    pinned, held = known.findings
    assert pinned.message == "The archive pins pyyaml 5.3.1: It is broken."
    assert (pinned.artifact, pinned.locations, pinned.count) == ("tool.zip", places, 30)
    assert held.message == "The archive holds pyyaml 5.3.1: It is broken."
    assert held.locations == (Location("PKG-INFO", 1),)
    assert source.asked == [["pyyaml 5.3.1", "six 1.0"]]


def test_each_artifact_of_an_archive_has_its_findings_and_one_question_is_asked() -> None:
    pinning = holding(Component("evil", "1.0"))
    source = FakeSource(answer=about("evil 1.0"))
    known = standing(archive(pinning, replace(pinning, artifact="other.zip")), [source])
    assert [finding.artifact for finding in known.findings] == ["tool.zip", "other.zip"]
    assert source.asked == [["evil 1.0"]]


def test_an_archive_is_not_looked_up_by_the_name_of_its_request() -> None:
    source = FakeSource(answer=about("evil 1.0"))
    assert standing(archive(holding(), name="evil"), [source]).findings == ()
    assert source.asked == [[]]


def test_an_archive_without_an_inventory_is_not_clean() -> None:
    untaken = replace(archive(holding()), inventories=None)
    another = replace(archive(holding()), inventories=(Inventory("other.zip"),))
    for evidence in (untaken, another, replace(untaken, inventories=())):
        source = FakeSource()
        known = standing(evidence, [source])
        assert known.failures == ("What the archive holds and pins is not known.",)
        assert known.scanners == ()


def test_files_that_cant_be_read_are_one_finding_of_an_artifact_whoever_is_asked() -> None:
    files = [UnreadableFile(f"{number}.txt", number, "It is odd.") for number in range(1, 30)]
    inventory = holding(unreadable=files)
    sources = [FakeSource("osv"), FakeSource("snyk")]
    [finding] = standing(archive(inventory), sources).findings
    assert (finding.scanner, finding.rule) == ("inventory", UNREADABLE)
    assert (finding.kind, finding.severity) == (Kind.VULNERABILITY, Severity.INFO)
    assert finding.message == "Dependencies named in 1.txt could not be read: It is odd."
    assert (finding.artifact, finding.count) == ("tool.zip", 29)
    assert finding.locations == tuple(Location(f"{n}.txt", n) for n in range(1, 21))
    assert standing(archive(inventory), []).findings == (finding,)


def test_what_an_archive_pins_and_a_source_did_not_look_up_is_a_finding() -> None:
    source = FakeSource(answer=lambda package: [UNKNOWN])
    known = standing(archive(holding(Component("six", "1.0"))), [source])
    assert [finding.rule for finding in known.findings] == [NOT_LOOKED_UP]
    assert known.scanners == (source.info,)


def test_a_release_that_a_source_did_not_look_up_has_no_answer_from_it() -> None:
    osv = FakeSource("osv", about("six 1.0"))
    inspector = FakeSource("inspector", lambda package: [UNKNOWN])
    known = standing(release(), [osv, inspector])
    assert [finding.rule for finding in known.findings] == ["RULE-six"]
    assert known.scanners == (osv.info,)
    assert known.failures == ("The scanner inspector did not finish: It was not looked up.",)


def test_one_release_that_was_not_looked_up_fails_no_other() -> None:
    source = FakeSource(answer=lambda package: [UNKNOWN] if package.name == "b" else [])
    a, b = NamedPackage("a", "1"), NamedPackage("b", "1")
    known = standing_of_releases([a, b], [source])
    assert (known[a].failures, known[a].scanners) == ((), (source.info,))
    assert known[b].failures
    assert known[b].scanners == ()


@pytest.mark.parametrize("evidence", [release(), archive(holding(Component("six", "1.0")))])
def test_a_source_that_fails_is_named_and_the_others_answers_stay(evidence: Evidence) -> None:
    osv = FakeSource("osv", about("six 1.0"))
    known = standing(evidence, [FakeSource("snyk", failing), osv])
    assert [finding.rule for finding in known.findings] == ["RULE-six"]
    assert known.scanners == (osv.info,)
    assert known.failures == ("The scanner snyk did not finish: it is out of order",)


def test_sources_are_asked_side_by_side() -> None:
    together = threading.Barrier(2)

    def meet(package: NamedPackage) -> Sequence[Finding]:
        together.wait(10)
        return ()

    sources = [FakeSource("osv", meet), FakeSource("snyk", meet)]
    known = standing(release(), sources)
    assert [info.name for info in known.scanners] == ["osv", "snyk"]


def test_an_answer_that_is_not_about_each_package_is_a_fault() -> None:
    class Short(FakeSource):
        def query(self, packages: Sequence[NamedPackage]) -> list[tuple[Finding, ...]]:
            return super().query(packages)[1:]

    with pytest.raises(ValueError, match="zip"):
        standing(release(), [Short()])
