"""With which older file the files of a release are compared, by what an index offers."""

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from package_gate.core.artifact import RemoteFile
from package_gate.core.errors import SourceError
from package_gate.core.provenance import AttestedFile, FileProvenance
from package_gate.sources.pypi.attestations import AttestationVerifier, InvalidAttestationError
from package_gate.sources.pypi.index import Index, Project
from package_gate.sources.pypi.provenance import PyPIAttestations

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAYS = 180


class FakeIndex:
    """Knows one project, and serves under each address what stands in it."""

    def __init__(self, project: Project | None) -> None:
        self._project = project

    def project(self, name: str) -> Project | None:
        return self._project

    def documents(self, addresses: list[str]) -> dict[str, bytes]:
        return {address: address.encode() for address in addresses}


class Verifier:
    """Believes what a document says."""

    version = "1"

    def publishers(self, document: bytes, filename: str, sha256: str) -> tuple[str, ...]:
        assert sha256 == filename.ljust(64, "0")
        who, said_of = document.decode().split("|")
        assert said_of == filename
        if who == "nobody":
            raise InvalidAttestationError("it is forged")
        return (f"github:{who}/demo",)


def project(**files: tuple[int | None, str | None]) -> Project:
    """Make a project.

    Args:
        files: its files → how many days ago they were uploaded, and who attests them: "" for
            nobody, None where the index does not say.
    """
    remote = [
        RemoteFile(
            name,
            "https://files.example",
            name.ljust(64, "0"),
            uploaded=None if age is None else NOW - timedelta(days=age),
        )
        for name, (age, _) in files.items()
    ]
    provenance = {
        name: f"{who}|{name}" if who else "" for name, (_, who) in files.items() if who is not None
    }
    return Project("demo", tuple(remote), provenance=provenance)


def told(known: Project | None, *names: str) -> dict[str, FileProvenance]:
    index = FakeIndex(known)
    asker = PyPIAttestations(
        cast(Index, index), cast(AttestationVerifier, Verifier()), lambda: NOW, DAYS
    )
    files = {name: name.ljust(64, "0") for name in names}
    return {each.filename: each for each in asker.provenance("demo", files)}


def before(known: Project, *names: str) -> dict[str, str]:
    return {
        name: each.before.filename if each.before else ""
        for name, each in told(known, *names).items()
    }


def test_it_is_the_newest_that_has_been_public_for_the_days() -> None:
    files = project(a=(900, "acme"), b=(200, "acme"), c=(100, "evil"), d=(9, "evil"))
    file = told(files, "d")["d"]
    assert file.publishers == ("github:evil/demo",)
    day = f"{NOW - timedelta(days=200):%Y-%m-%d}"
    assert file.before == AttestedFile("b", day, ("github:acme/demo",))


def test_when_none_has_it_is_the_oldest() -> None:
    files = project(old=(900, ""), a=(60, "acme"), b=(30, "evil"), c=(9, "evil"))
    assert before(files, "c") == {"c": "a"}


def test_what_goes_before_attestations_has_nothing_to_be_compared_with() -> None:
    files = project(a=(900, ""), b=(300, "acme"))
    assert before(files, "a") == {"a": ""}
    assert before(files, "b") == {"b": ""}


def test_a_file_that_is_added_to_an_old_release_is_compared_with_those_before_it() -> None:
    files = project(wheel=(300, "acme"), added=(1, ""))
    both = told(files, "added", "wheel")
    assert (both["wheel"].before, both["added"].publishers) == (None, ())
    assert both["added"].before is not None
    assert both["added"].before.filename == "wheel"


def test_of_an_index_that_offers_nothing_nothing_is_known() -> None:
    assert told(project(a=(900, None), b=(9, None)), "b") == {
        "b": FileProvenance("b", offered=False)
    }
    some = told(project(a=(900, "acme"), b=(9, None), c=(8, "")), "b", "c")
    assert not some["b"].offered
    assert some["c"].offered


def test_what_does_not_verify_is_told_of_the_file_itself_only() -> None:
    assert told(project(a=(900, "acme"), b=(9, "nobody")), "b")["b"].invalid == "it is forged"
    with pytest.raises(
        SourceError, match=r"the attestation of a, .* does not verify: it is forged"
    ):
        told(project(a=(900, "nobody"), b=(9, "acme")), "b")


@pytest.mark.parametrize(
    "known",
    [None, project(a=(900, "acme")), project(a=(900, "acme"), b=(None, "acme"))],
    ids=["no project", "no file", "no time"],
)
def test_what_the_index_does_not_say_is_an_error(known: Project | None) -> None:
    with pytest.raises(SourceError):
        told(known, "b")
