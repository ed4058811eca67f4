"""What the policy makes of who has attested the files of a package."""

import pytest

from package_gate.core.finding import Kind, Severity
from package_gate.core.provenance import (
    ATTESTATION_INVALID,
    ATTESTATION_MISSING,
    OTHER_PUBLISHER,
    AttestedFile,
    FileProvenance,
    ProvenanceJudgement,
    judge_provenance,
)

ACME, EVIL = "github:acme/demo", "github:evil/demo"
BEFORE = AttestedFile("demo-1.0.tar.gz", "2025-05-05", (ACME,))


def rules(*files: FileProvenance, wanted: tuple[str, ...] = ()) -> list[str]:
    return [finding.rule for finding in judge_provenance(files, wanted).findings]


def file(*publishers: str, before: AttestedFile | None = None, invalid: str = "") -> FileProvenance:
    return FileProvenance("demo-2.0.tar.gz", True, publishers, invalid, before)


def test_who_has_attested_it_before_must_do_so_still() -> None:
    assert rules(file(ACME, before=BEFORE)) == []
    assert rules(file("GitHub:Acme/Demo", before=BEFORE)) == []
    assert rules(file(EVIL, ACME, before=BEFORE)) == []
    assert rules(file(before=BEFORE)) == [ATTESTATION_MISSING]
    assert rules(file(EVIL, before=BEFORE)) == [OTHER_PUBLISHER]


def test_without_an_older_attestation_none_is_missing() -> None:
    assert rules(file()) == []
    assert rules(file(EVIL)) == []


def test_what_the_policy_lists_counts_whatever_was_before() -> None:
    assert rules(file(EVIL, before=BEFORE), wanted=(EVIL,)) == []
    assert rules(file(ACME, before=BEFORE), wanted=(EVIL,)) == [OTHER_PUBLISHER]
    assert rules(file(), wanted=(EVIL, ACME)) == [ATTESTATION_MISSING]


def test_what_does_not_verify_is_a_finding_always() -> None:
    assert rules(file(invalid="it is forged")) == [ATTESTATION_INVALID]
    assert rules(file(invalid="it is forged"), wanted=(ACME,)) == [ATTESTATION_INVALID]


def test_a_finding_is_a_suspicion_that_names_file_and_publishers() -> None:
    [finding] = judge_provenance([file(EVIL, before=BEFORE)], ()).findings
    assert (finding.kind, finding.severity) == (Kind.MALWARE, Severity.HIGH)
    assert finding.artifact == "demo-2.0.tar.gz"
    assert finding.message == (
        f"demo-2.0.tar.gz is attested by {EVIL}, not by {ACME}, as demo-1.0.tar.gz was, uploaded "
        "on 2025-05-05."
    )


NOT_OFFERED = FileProvenance("demo-2.0.tar.gz", offered=False)


def test_what_is_not_offered_is_said_and_counts_as_nothing() -> None:
    note = "unknown: the index offers no attestations"
    assert judge_provenance([NOT_OFFERED], ()) == ProvenanceJudgement((), (), note)


def test_what_is_not_offered_of_a_listed_project_can_not_be_known() -> None:
    judged = judge_provenance([file(ACME), NOT_OFFERED], (ACME,))
    assert judged.findings == ()
    [failure] = judged.failures
    assert failure.startswith(f"The policy wants it attested by {ACME}, and the index offers no")


@pytest.mark.parametrize(
    ("files", "note"),
    [
        ([file(ACME)], f"attested by {ACME}"),
        ([file(), file()], "not attested, as no older file of the project is"),
        ([file(before=BEFORE)], "not attested"),
        (
            [file(ACME), FileProvenance("b.whl"), FileProvenance("c.whl")],
            f"attested by {ACME}: demo-2.0.tar.gz; not attested, as no older file of the project "
            "is: b.whl, c.whl",
        ),
    ],
)
def test_the_note_says_who(files: list[FileProvenance], note: str) -> None:
    assert judge_provenance(files, ()).note == note
