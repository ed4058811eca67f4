"""Who has attested a package is a part of its standing, where the policy asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from package_gate.core.decision import PackageDecision, Verdict
from package_gate.core.errors import GateError, SourceError, SourceRefusedError
from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.policy import Policy, Provenance
from package_gate.core.provenance import (
    ATTESTATION_INVALID,
    ATTESTATION_MISSING,
    PROVENANCE,
    AttestedFile,
    FileProvenance,
)
from package_gate.pipeline.answers import Answering, Answers, Asking
from package_gate.staging.documents import PlanDocument, decoded, encoded
from package_gate.staging.place import FolderPlace
from tests.gate_parts import World, archive, request

ACME = "github:acme/x"
ASKS = Policy(provenance=Provenance("downgrade"))
BEFORE = AttestedFile("x-0.9-py3-none-any.whl", "2025-05-05", (ACME,))


@dataclass
class Index:
    """Says of each file the same; implements `Attestations`."""

    says: FileProvenance = field(default_factory=lambda: FileProvenance("", publishers=(ACME,)))
    error: GateError | None = None
    asked: list[str] = field(default_factory=list)
    version = "verifier 1"

    def provenance(self, name: str, files: Mapping[str, str]) -> tuple[FileProvenance, ...]:
        assert all(len(digest) == 64 for digest in files.values())
        self.asked.append(name)
        if self.error is not None:
            raise self.error
        says = self.says
        return tuple(
            FileProvenance(each, says.offered, says.publishers, says.invalid, says.before)
            for each in files
        )


@pytest.fixture
def index() -> Index:
    return Index()


@pytest.fixture
def world(tmp_path: Path, index: Index) -> World:
    return World(tmp_path, policy=ASKS, attestations=index)


def decided(world: World, name: str = "x") -> PackageDecision:
    world.run(request(name))
    [key] = [key for key in world.records.package_keys() if key[1] == name]
    decision = world.records.package(*key)
    assert decision is not None
    return decision


def rules(decision: PackageDecision) -> list[str]:
    return [each.finding.rule for each in decision.findings]


def test_what_is_attested_is_approved_and_the_record_says_by_whom(world: World) -> None:
    decision = decided(world)
    assert decision.verdict is Verdict.APPROVED
    assert decision.provenance == f"attested by {ACME}"
    assert [s.version for s in decision.scanners if s.name == PROVENANCE] == ["verifier 1"]


def test_a_policy_that_does_not_ask_fetches_nothing(world: World, index: Index) -> None:
    world.policy = Policy()
    index.says = FileProvenance("", invalid="it is forged")
    decision = decided(world)
    assert (decision.verdict, decision.provenance, index.asked) == (Verdict.APPROVED, "", [])


def test_an_archive_has_no_index_that_would_say(world: World, index: Index) -> None:
    [outcome] = world.run(archive("x")).outcomes
    assert outcome.decision.verdict is Verdict.APPROVED
    assert index.asked == []


@pytest.mark.parametrize(
    ("says", "rule"),
    [
        (FileProvenance("", invalid="it is forged"), ATTESTATION_INVALID),
        (FileProvenance("", before=BEFORE), ATTESTATION_MISSING),
    ],
)
def test_a_file_that_does_not_come_from_whom_it_should_refuses(
    world: World, index: Index, says: FileProvenance, rule: str
) -> None:
    index.says = says
    decision = decided(world)
    assert (decision.verdict, rules(decision)) == (Verdict.REFUSED, [rule])
    assert decision.reasons[0].startswith(f"{rule} (suspicious): ")
    assert world.published == {}


@pytest.mark.parametrize("error", [SourceError("it is away"), SourceRefusedError("forbidden")])
def test_what_can_not_be_fetched_leaves_it_undecided(
    world: World, index: Index, error: GateError
) -> None:
    index.error = error
    decision = decided(world)
    assert decision.verdict is Verdict.UNDECIDED
    assert decision.reasons == (f"Who has attested its files can't be known: {error}.",)
    index.error = None
    assert decided(world).verdict is Verdict.APPROVED


def test_what_is_not_offered_is_undecided_for_a_listed_project_only(
    world: World, index: Index
) -> None:
    index.says = FileProvenance("", offered=False)
    world.policy = Policy(provenance=Provenance("listed", {"x": (ACME,)}))
    assert decided(world, "y").verdict is Verdict.APPROVED
    decision = decided(world)
    assert decision.verdict is Verdict.UNDECIDED
    assert "the index offers no attestations" in decision.reasons[0]


def test_a_policy_that_begins_to_ask_withdraws_without_a_download(
    world: World, index: Index
) -> None:
    world.policy = Policy()
    assert decided(world).verdict is Verdict.APPROVED
    world.policy = ASKS
    index.says = FileProvenance("", before=BEFORE)
    decision = decided(world)
    assert (decision.verdict, world.published) == (Verdict.REFUSED, {})
    assert world.count("fetch x") == 1


def test_an_approval_stands_while_the_index_is_away(world: World, index: Index) -> None:
    world.policy = Policy()
    decided(world)
    world.policy = ASKS
    index.error = SourceError("it is away")
    assert decided(world).verdict is Verdict.APPROVED
    assert list(world.published) == ["x 1.0"]


def test_a_re_evaluation_asks_no_index_and_keeps_what_the_record_says(
    world: World, index: Index
) -> None:
    decided(world)
    index.asked.clear()
    hole = Finding("osv", "MAL-1", Kind.MALWARE, Severity.CRITICAL, "It steals.")
    world.advisories["x"] = [hole]
    world.reevaluate()
    decision = world.records.package(*next(iter(world.records.package_keys())))
    assert decision is not None
    assert (decision.verdict, rules(decision)) == (Verdict.REFUSED, ["MAL-1"])
    assert decision.provenance == f"attested by {ACME}"
    assert [s.version for s in decision.scanners if s.name == PROVENANCE] == ["verifier 1"]
    assert index.asked == []


def test_a_plan_asks_and_a_conclusion_answers_from_it(index: Index, tmp_path: Path) -> None:
    files, lost = {"x.whl": "0" * 64}, {"y.whl": "1" * 64}
    place = FolderPlace(tmp_path)
    document = PlanDocument(datetime(2026, 6, 1, tzinfo=UTC), "1", "policy")
    answers = Answers(document)
    asking = Asking(answers, place).attestations(index)
    assert asking is not None
    said = asking.provenance("x", files)
    index.error = SourceError("it is away")
    assert asking.provenance("x", files) == said
    with pytest.raises(SourceError):
        asking.provenance("y", lost)

    written = encoded(answers.added_to(document))
    read = Answers(decoded(written, PlanDocument, "plan.json"))
    answering = Answering(read, place).attestations(index)
    assert answering is not None
    assert (answering.provenance("x", files), answering.version) == (said, "verifier 1")
    with pytest.raises(SourceError, match="it is away"):
        answering.provenance("y", lost)
    with pytest.raises(SourceError, match="the plan does not have who has attested"):
        answering.provenance("x", lost)
    assert index.asked == ["x", "y"]
