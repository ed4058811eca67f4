"""The source for PyPI requirements, against a fake index."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from package_gate.core.artifact import (
    Artifact,
    ArtifactFile,
    Origin,
    RemoteFile,
    Resolution,
    ResolvedPackage,
)
from package_gate.core.errors import (
    NotOfferedError,
    SourceError,
    SourceRefusedError,
    TooFreshError,
    UnfitError,
    UnresolvedError,
)
from package_gate.core.finding import Kind, Severity
from package_gate.core.policy import Cooldown, Policy, Sdists, Targets, WaiverEntry
from package_gate.core.request import ArchiveSource, PyPISource, Request
from package_gate.sources.pypi import source as module
from package_gate.sources.pypi.source import PyPI, read_requirement
from package_gate.sources.pypi.uv import IndexSettings
from tests.fakes.describing import describe
from tests.fakes.https_server import HTTPSServer, https_server, respond
from tests.fakes.package_index import LOCAL, OLD, PackageIndex, metadata

# The test server leaves its side of a TLS connection to the garbage collector.
NOW = datetime(2025, 3, 10, 12, tzinfo=UTC)
ONE_TARGET = Targets(("3.11",), ("x86_64-manylinux_2_28",))
TWO_TARGETS = Targets(("3.11", "3.12"), ("x86_64-manylinux_2_28",))


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def waiver(package: str, version: str = "", expires: date = date(2025, 3, 10)) -> WaiverEntry:
    return WaiverEntry(package, "cooldown", expires, "security@org.test", "urgent fix", version)


@dataclass
class Gate:
    """A source for one test."""

    index: PackageIndex
    cache: Path
    scratch: Path
    fetched: list[str] = field(default_factory=list)

    def source(self, targets: Targets = ONE_TARGET, days: int = 7, **more: Any) -> PyPI:
        policy = Policy(targets=targets, cooldown=Cooldown(days), **more)
        settings = IndexSettings(self.index.environment, cache_dir=self.cache, guard=LOCAL)
        return PyPI(settings, policy, self.scratch, NOW, self.fetch, describe)

    def resolve(self, requirement: str, **more: Any) -> Resolution:
        return self.source(**more).resolve(ask(requirement))

    def fetch(self, file: RemoteFile, folder: Path) -> ArtifactFile:
        """Stand in for the downloader."""
        self.fetched.append(file.filename)
        path, content = folder / file.filename, self.index.contents[file.url]
        path.write_bytes(content)
        return ArtifactFile(Artifact(file.filename, file.sha256 or "", len(content)), path)


def ask(requirement: str) -> Request:
    return Request("anything", PyPISource(requirement), "", 1)


def found(resolution: Resolution, *, for_build: bool = False) -> list[str]:
    return [
        f"{package.name}=={package.version}"
        for package in resolution.packages
        if package.for_build is for_build
    ]


def filenames(package: ResolvedPackage) -> list[str]:
    return sorted(file.filename for file in package.files)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HTTPSServer]:
    with https_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("package_gate.sources.pypi.index.LATE_SECONDS", (0,))


@pytest.fixture
def index(server: HTTPSServer) -> PackageIndex:
    return PackageIndex(server)


@pytest.fixture
def gate(index: PackageIndex, cache: Path, tmp_path: Path) -> Gate:
    return Gate(index, cache, tmp_path)


def test_a_closure_comes_whole_with_the_requested_package_first(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("The.Zebra", "1.0", ["beta>=1", "alpha; python_version<'3.12'"])
    index.add_wheel("alpha", "2.0")
    index.add_wheel("beta", "1.5", yanked=False)
    resolution = gate.resolve("The_Zebra>=1")
    assert found(resolution) == ["the-zebra==1.0", "alpha==2.0", "beta==1.5"]
    package = resolution.packages[0]
    assert package.origin is Origin.PYPI
    file = package.files[0]
    assert (file.filename, file.yanked, file.uploaded) == (
        "the_zebra-1.0-py3-none-any.whl",
        None,
        OLD,
    )
    assert file.size
    assert file.sha256
    assert resolution.notes == ()
    assert list(gate.scratch.iterdir()) == []


def test_extras_bring_their_dependencies(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0", ['six; extra == "more"'], extras=["more"])
    index.add_wheel("six", "1.0")
    assert found(gate.resolve("thing")) == ["thing==1.0"]
    assert found(gate.resolve("thing[more]")) == ["thing==1.0", "six==1.0"]


def test_targets_are_united(gate: Gate, index: PackageIndex) -> None:
    for tag in ("cp311-cp311-manylinux_2_17_x86_64", "cp312-cp312-manylinux_2_17_x86_64"):
        index.add_wheel("thing", "1.0", ["dep"], tag=tag)
    index.add_wheel("dep", "2.0", requires_python=">=3.12")
    index.add_wheel("dep", "1.0")
    resolution = gate.resolve("thing", targets=TWO_TARGETS)
    assert found(resolution) == ["thing==1.0", "dep==1.0", "dep==2.0"]
    assert filenames(resolution.packages[0]) == [
        "thing-1.0-cp311-cp311-manylinux_2_17_x86_64.whl",
        "thing-1.0-cp312-cp312-manylinux_2_17_x86_64.whl",
    ]
    assert resolution.notes == ()


def test_a_target_that_is_not_served_is_a_note(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0", tag="cp312-cp312-manylinux_2_17_x86_64")
    resolution = gate.resolve("thing", targets=TWO_TARGETS)
    assert found(resolution) == ["thing==1.0"]
    assert len(resolution.notes) == 1
    assert resolution.notes[0].startswith(
        "not resolved for Python 3.11 on x86_64-manylinux_2_28: thing has no wheel for Python 3.11"
    )


def test_a_target_that_fails_for_a_passing_reason_is_not_left_out(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("thing", "1.0", ["down; python_version < '3.12'"])
    index.answer("down", respond(status=503))
    with pytest.raises(SourceError, match="can't be reached"):
        gate.resolve("thing", targets=TWO_TARGETS)


def test_a_marker_that_leaves_out_targets(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0")
    resolution = gate.resolve("thing; python_version >= '3.12'", targets=TWO_TARGETS)
    assert found(resolution) == ["thing==1.0"]
    assert resolution.notes == ("its marker leaves Python 3.11 on x86_64-manylinux_2_28 out",)
    with pytest.raises(UnresolvedError, match="leaves out every"):
        gate.resolve("thing; python_version < '3'", targets=TWO_TARGETS)


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        ("nothing", "the index has no nothing, nor any of pip, setuptools, numpy"),
        ("needy", "no package nothing, which needy depends on"),
        ("thing==9", r"no release that fits thing==9 \(the newest are 1.1, 1.0\)"),
        ("thing>1,<1", "contradict"),
        ("contradiction", "contradict"),
        ("windows", "no wheel for Python 3.11"),
        ("tomorrow", "needs another version of Python"),
        ("down", "can't be reached"),
        ("garbage", "can't be read"),
        ("secret", "credentials"),
    ],
)
def test_what_cannot_be_resolved_is_explained(
    gate: Gate, index: PackageIndex, requirement: str, words: str
) -> None:
    for version in ("1.0", "1.1", "2.0rc1"):
        index.add_wheel("thing", version)
    index.add_wheel("needy", "1.0", ["nothing"])
    index.add_wheel("contradiction", "1.0", ["thing<1"])
    index.add_wheel("windows", "1.0", tag="cp311-cp311-win_amd64")
    index.add_wheel("tomorrow", "1.0", requires_python=">=3.13")
    index.answer("down", respond(status=500))
    index.answer("garbage", respond(b"<html>", headers={"Content-Type": "application/json"}))
    index.answer("secret", respond(status=401))
    with pytest.raises((SourceError, SourceRefusedError), match=words):
        gate.resolve(requirement)


def test_a_name_that_no_index_has_is_final_and_the_likely_one_is_named(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("pip", "1.0")
    with pytest.raises(NotOfferedError, match="there is no scikit-lern; did you mean scikit-learn"):
        gate.resolve("scikit-lern")
    with pytest.raises(NotOfferedError) as failure:
        gate.resolve("xyzzyplugh==1.0")
    assert "check the spelling" in str(failure.value)
    assert (failure.value.asked.name, failure.value.asked.version) == ("xyzzyplugh", "1.0")


def test_a_release_that_is_not_there_is_named_for_the_advisories(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("thing", "1.0")
    with pytest.raises(UnresolvedError) as failure:
        gate.resolve("thing==9")
    assert (failure.value.asked.name, failure.value.asked.version) == ("thing", "9")


def test_a_build_of_another_index_says_how_to_ask_for_it(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("torch", "2.1.0")
    with pytest.raises(SourceError, match=r"no index has torch 2.1.0\+cu118.*pypi:torch==2.1.0"):
        gate.resolve("torch==2.1.0+cu118")


def test_a_project_that_shows_up_while_it_is_asked_for_is_resolved(
    gate: Gate, index: PackageIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: index.add_wheel("late", "1.0"))
    assert found(gate.resolve("late")) == ["late==1.0"]


def test_a_quarantined_project_is_refused(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("held", "1.0")
    index.status["held"] = {"status": "quarantined", "reason": "it steals"}
    (finding,) = gate.resolve("held").packages[0].findings
    assert (finding.rule, finding.kind, finding.severity) == (
        "quarantined", Kind.MALWARE, Severity.CRITICAL,
    )  # fmt: skip
    assert "it steals" in finding.message
    index.projects["held"].clear()
    with pytest.raises(NotOfferedError, match="quarantined the project as suspected malware"):
        gate.resolve("held")


@pytest.mark.parametrize("status", ["archived", "deprecated"])
def test_a_project_that_is_given_up_is_named(gate: Gate, index: PackageIndex, status: str) -> None:
    index.add_wheel("old", "1.0")
    index.status["old"] = {"status": status, "reason": "use new"}
    (note,) = gate.resolve("old").packages[0].notes
    assert note.startswith(f"the index says that old is {status} (use new)")


@pytest.mark.parametrize("status", [{}, {"status": "active"}, {"status": "something new"}])
def test_a_project_of_which_the_index_says_nothing_gets_no_note(
    gate: Gate, index: PackageIndex, status: dict[str, str]
) -> None:
    index.add_wheel("old", "1.0")
    index.status["old"] = status
    package = gate.resolve("old").packages[0]
    assert (package.notes, package.findings) == ((), ())


def test_a_young_project_with_a_name_next_to_a_popular_one_is_a_finding(
    gate: Gate, index: PackageIndex
) -> None:
    young = NOW - timedelta(days=30)
    index.add_wheel("requestss", "1.0", ["pandsa"], uploaded=young)
    index.add_wheel("pandsa", "1.0", uploaded=young)
    index.add_wheel("scikitlearn", "1.0", uploaded=NOW - timedelta(days=300))
    index.add_wheel("requests", "1.0", uploaded=young)
    named, wanted = gate.resolve("requestss").packages
    assert [(each.rule, each.severity) for each in named.findings] == [
        ("name-confusion", Severity.HIGH)
    ]
    assert "popular requests" in named.findings[0].message
    assert [(each.rule, each.severity) for each in wanted.findings] == [
        ("name-confusion", Severity.MEDIUM)
    ]
    for name in ("scikitlearn", "requests"):
        assert gate.resolve(name).packages[0].findings == ()


def test_a_project_of_unknown_age_is_not_young(gate: Gate, index: PackageIndex) -> None:
    index.upload_times = False
    index.add_wheel("requestss", "1.0")
    assert gate.resolve("requestss", days=0).packages[0].findings == ()


def test_a_yanked_release_says_why(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0", yanked="broken wheel")
    index.add_wheel("parent", "1.0", ["thing==1.0"])
    assert gate.resolve("thing==1.0").packages[0].files[0].yanked == "broken wheel"
    for requirement in ("thing", "parent"):
        with pytest.raises(SourceError, match=r"was yanked.*broken wheel"):
            gate.resolve(requirement)


def test_a_dependency_by_address_is_never_asked_for(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0", [f"dep @ {index.server.url}/planted/dep.zip"])
    with pytest.raises(SourceError, match="an address instead of a release"):
        gate.resolve("thing")
    assert not any("planted" in path for _, path, _ in index.server.requests)


def test_the_index_is_asked_once_for_each_package_of_a_run(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("alpha", "1.0", ["beta"])
    index.add_wheel("beta", "1.0")
    source = gate.source()
    source.resolve(ask("alpha"))
    source.resolve(ask("beta"))
    own = [
        path
        for _, path, headers in index.server.requests
        if path.startswith(index.prefix) and "package-gate" in headers.get("User-Agent", "")
    ]
    assert sorted(own) == [f"{index.prefix}/alpha/", f"{index.prefix}/beta/"]


def test_a_file_that_the_index_does_not_list_is_not_let_through(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("thing", "1.0")
    good = index.server.routes[f"{index.prefix}/thing/"]

    def two_faced(handler: BaseHTTPRequestHandler) -> None:
        if "package-gate" in handler.headers.get("User-Agent", ""):
            index.projects["thing"][0]["hashes"]["sha256"] = "0" * 64
        good(handler)

    index.answer("thing", two_faced)
    with pytest.raises(SourceError, match=r"doesn't list thing-1\.0-py3-none-any\.whl"):
        gate.resolve("thing")


def test_an_index_without_digests_is_an_error(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0")["hashes"] = {}
    with pytest.raises(SourceError, match="no SHA-256"):
        gate.resolve("thing")


def test_a_file_at_a_plain_http_address_is_refused(gate: Gate, index: PackageIndex) -> None:
    entry = index.add_wheel("thing", "1.0")
    entry["url"] = entry["url"].replace("https://", "http://")
    del entry["core-metadata"]
    with pytest.raises((SourceRefusedError, SourceError)):
        gate.resolve("thing")


def test_no_message_holds_an_indexs_password(gate: Gate, index: PackageIndex) -> None:
    index.answer("thing", respond(status=401))
    secret = index.url.replace("https://", "https://user:s3cret@")
    for url in (secret, secret.replace("localhost", "nowhere.test")):
        environment = {**index.environment, "UV_DEFAULT_INDEX": url}
        settings = IndexSettings(environment, cache_dir=gate.cache, guard=LOCAL)
        source = PyPI(settings, Policy(targets=ONE_TARGET), gate.scratch, NOW, gate.fetch, describe)
        with pytest.raises(SourceError) as error:
            source.resolve(ask("thing"))
        assert "s3cret" not in f"{error.value} {error.value.__cause__}"


# The cooldown


def test_an_unpinned_requirement_gets_the_newest_release_that_is_old_enough(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("thing", "1.0", ["dep"], uploaded=days_ago(30))
    index.add_wheel("thing", "2.0", ["dep"], uploaded=days_ago(7.1))
    index.add_wheel("thing", "3.0", ["dep"], uploaded=days_ago(6.9))
    index.add_wheel("dep", "1.0", uploaded=days_ago(30))
    index.add_wheel("dep", "2.0", uploaded=days_ago(1))
    assert found(gate.resolve("thing")) == ["thing==2.0", "dep==1.0"]
    assert found(gate.resolve("thing", days=0)) == ["thing==3.0", "dep==2.0"]


@pytest.mark.parametrize("requirement", ["thing==2.0", "thing===2.0", "thing>=2", "thing~=2.0"])
def test_a_release_within_the_cooldown_is_too_fresh_until_its_date(
    gate: Gate, index: PackageIndex, requirement: str
) -> None:
    index.add_wheel("thing", "1.0")
    index.add_wheel("thing", "2.0", uploaded=days_ago(3))
    index.add_sdist("thing", "2.0", uploaded=days_ago(2))
    with pytest.raises(TooFreshError, match=r"thing 2\.0.*from 2025-03-15 12:00 UTC") as error:
        gate.resolve(requirement)
    assert error.value.until == days_ago(2) + timedelta(days=7)


def test_a_range_is_too_fresh_until_the_first_of_its_releases_is_old_enough(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("thing", "2.0", uploaded=days_ago(5))
    index.add_wheel("thing", "2.1", uploaded=days_ago(1))
    with pytest.raises(TooFreshError) as error:
        gate.resolve("thing")
    assert error.value.until == days_ago(5) + timedelta(days=7)


def test_a_dependency_that_is_too_fresh_is_named(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0", ["dep>=2"])
    index.add_wheel("dep", "1.0")
    index.add_wheel("dep", "2.0", uploaded=days_ago(4))
    with pytest.raises(TooFreshError, match=r"too fresh: dep 2\.0;") as error:
        gate.resolve("thing")
    assert error.value.until == days_ago(4) + timedelta(days=7)


def test_what_is_wrong_anyway_is_not_put_down_to_the_cooldown(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("thing", "1.0", ["dep>=3"])
    index.add_wheel("dep", "2.0", uploaded=days_ago(4))
    with pytest.raises(SourceError, match="contradict"):
        gate.resolve("thing")


@pytest.mark.parametrize("requirement", ["thing", "thing==1.0", "parent"])
def test_an_index_without_upload_times_is_explained(
    gate: Gate, index: PackageIndex, requirement: str
) -> None:
    index.upload_times = False
    index.add_wheel("thing", "1.0")
    index.add_wheel("parent", "1.0", ["thing"])
    with pytest.raises(SourceError, match=r"when the files of .* cooldown\.days = 0"):
        gate.resolve(requirement)
    assert "thing==1.0" in found(gate.resolve(requirement, days=0))


def test_a_waiver_lifts_the_cooldown_of_its_package_only(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0", ["dep"])
    index.add_wheel("thing", "2.0", ["dep"], uploaded=days_ago(1))
    index.add_wheel("dep", "1.0")
    index.add_wheel("dep", "2.0", uploaded=days_ago(1))
    assert found(gate.resolve("thing", waivers=(waiver("Thing"),))) == ["thing==2.0", "dep==1.0"]
    other = WaiverEntry("thing", "GHSA-1", date(2026, 1, 1), "security@org.test", "false alarm")
    assert found(gate.resolve("thing", waivers=(other,))) == ["thing==1.0", "dep==1.0"]


def test_a_waiver_of_a_version_lifts_the_cooldown_of_that_version_only(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("thing", "1.0")
    for version in ("2.0", "2.1", "3.0"):
        index.add_wheel("thing", version, uploaded=days_ago(1))
    waived = (waiver("thing", "2.1"),)
    assert found(gate.resolve("thing", waivers=waived)) == ["thing==2.1"]
    assert found(gate.resolve("thing==2.1", waivers=waived)) == ["thing==2.1"]
    with pytest.raises(TooFreshError):
        gate.resolve("thing==3.0", waivers=waived)
    assert found(gate.resolve("thing", waivers=(waiver("thing", "not a version"),))) == [
        "thing==1.0"
    ]


def test_a_pre_release_is_not_waived_with_another_version(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0")
    index.add_wheel("thing", "2.0rc1", uploaded=days_ago(1))
    with pytest.raises(TooFreshError):
        gate.resolve("thing==2.0rc1", waivers=(waiver("thing", "2.0"),))


def test_a_waiver_holds_on_its_last_day_and_not_on_the_next(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("thing", "1.0", uploaded=days_ago(1))
    assert found(gate.resolve("thing", waivers=(waiver("thing", expires=date(2025, 3, 10)),)))
    with pytest.raises(TooFreshError):
        gate.resolve("thing", waivers=(waiver("thing", expires=date(2025, 3, 9)),))


def test_the_cooldown_does_not_rest_on_uv_alone(
    gate: Gate, index: PackageIndex, tmp_path: Path
) -> None:
    index.add_wheel("thing", "1.0", uploaded=days_ago(1))
    config = tmp_path / "uv.toml"
    config.write_text('[exclude-newer-package]\nthing = "2025-03-10T00:00:00Z"\n')
    policy = Policy(targets=ONE_TARGET)
    settings = IndexSettings(index.environment, config, gate.cache, LOCAL)
    with pytest.raises(TooFreshError):
        PyPI(settings, policy, gate.scratch, NOW, gate.fetch, describe).resolve(ask("thing"))


# Releases that only exist as sdists


def test_an_sdist_with_static_metadata_is_taken_with_its_dependencies(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_build_tools()
    core = metadata("source", "1.0", ["dep"], metadata_version="2.2")
    index.add_sdist("source", "1.0", {"PKG-INFO": core}, yanked="old")
    index.add_wheel("dep", "1.0")
    resolution = gate.resolve("source==1.0")
    assert found(resolution) == ["source==1.0", "dep==1.0"]
    package = resolution.packages[0]
    assert filenames(package) == ["source-1.0.tar.gz"]
    assert (package.files[0].yanked, package.files[0].uploaded) == ("old", OLD)
    assert package.notes == (
        "source 1.0 has no wheel: installing its sdist runs its build on the notebook",
    )
    assert resolution.packages[1].notes == ()
    assert found(resolution, for_build=True) == ["setuptools==80.0", "wheel==0.45"]


def test_an_sdist_with_old_metadata_has_a_note_on_its_dependencies(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_build_tools()
    index.add_sdist("source", "1.0", {"source.egg-info/requires.txt": b"dep\n"})
    index.add_wheel("dep", "1.0")
    resolution = gate.resolve("source")
    assert found(resolution) == ["source==1.0", "dep==1.0"]
    assert "can't be known without building it" in resolution.packages[0].notes[1]
    assert resolution.packages[0].notes[1].endswith("were resolved: dep")


def test_sdists_deeper_in_the_closure_are_taken_too(gate: Gate, index: PackageIndex) -> None:
    index.add_build_tools()
    index.add_wheel("top", "1.0", ["one<2"])
    core = metadata("one", "1.5", ["two"], metadata_version="2.2")
    index.add_sdist("one", "1.5", {"PKG-INFO": core})
    index.add_sdist("one", "2.5")
    index.add_sdist("two", "3.0")
    index.add_sdist("two", "4.0rc1")
    resolution = gate.resolve("top", targets=TWO_TARGETS)
    assert found(resolution) == ["top==1.0", "one==1.5", "two==3.0"]
    assert sorted(gate.fetched) == ["one-1.5.tar.gz", "two-3.0.tar.gz"]


def test_an_sdist_of_a_range_is_old_enough_fits_python_and_is_not_yanked(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_build_tools()
    index.add_sdist("source", "5.0", uploaded=days_ago(1))
    index.add_sdist("source", "4.0", yanked=True)
    index.add_sdist("source", "3.0")["requires-python"] = ">=3.13"
    index.add_sdist("source", "2.0")
    index.add_sdist("source", "1.0")
    assert found(gate.resolve("source")) == ["source==2.0"]
    with pytest.raises(TooFreshError, match=r"source 5\.0"):
        gate.resolve("source==5.0")
    assert gate.fetched == ["source-2.0.tar.gz"]


# The newest closure


def test_the_newest_release_is_taken_although_an_older_one_has_a_wheel(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_build_tools()
    index.add_wheel("thing", "1.0")
    index.add_sdist("thing", "2.0")
    assert found(gate.resolve("thing")) == ["thing==2.0"]
    assert found(gate.resolve("thing<2")) == ["thing==1.0"]


def test_an_sdist_down_the_tree_is_no_reason_for_an_older_release(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_build_tools()
    index.add_wheel("top", "1.0")
    index.add_wheel("top", "2.0", ["middle>=2"])
    index.add_wheel("middle", "2.0", ["bottom"])
    index.add_sdist("bottom", "1.0")
    resolution = gate.resolve("top", targets=TWO_TARGETS)
    assert found(resolution) == ["top==2.0", "bottom==1.0", "middle==2.0"]
    assert resolution.notes == ("needed to build bottom 1.0: setuptools 80.0, wheel 0.45",)


def test_a_newer_release_that_cannot_be_had_is_named_with_the_reason(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("top", "1.0")
    index.add_wheel("top", "1.5", uploaded=days_ago(1))
    index.add_wheel("top", "2.0", ["nothing"])
    resolution = gate.resolve("top")
    assert found(resolution) == ["top==1.0"]
    (note,) = resolution.notes
    assert note.startswith("top 2.0 was passed over for 1.0 (uv: ")
    assert "nothing was not found in the package registry" in note


def test_when_the_newest_cannot_be_had_the_next_one_is_tried(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_build_tools()
    index.add_wheel("top", "1.0")
    index.add_wheel("top", "2.0", ["bottom"])
    index.add_wheel("top", "3.0", ["nothing"])
    index.add_sdist("bottom", "1.0")
    resolution = gate.resolve("top")
    assert found(resolution) == ["top==2.0", "bottom==1.0"]
    assert resolution.notes[0].startswith("top 3.0 was passed over for 2.0 (uv: ")


def test_a_build_that_lacks_its_tools_is_a_reason_for_an_older_release(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("thing", "1.0")
    index.add_sdist("thing", "2.0")
    resolution = gate.resolve("thing")
    assert found(resolution) == ["thing==1.0"]
    assert "building thing 2.0, which has no wheel, needs it" in resolution.notes[0]


def test_without_sdists_the_newest_with_wheels_is_taken_and_the_newer_one_named(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("thing", "1.0")
    index.add_sdist("thing", "2.0")
    resolution = gate.resolve("thing", sdists=Sdists(allowed=False))
    assert found(resolution) == ["thing==1.0"]
    assert resolution.notes[0].startswith("thing 2.0 was passed over for 1.0 (uv: ")


@pytest.mark.parametrize("asked", ["top", "top==1.0"])
def test_a_dependency_that_is_a_year_older_than_its_newest_release_is_explained(
    gate: Gate, index: PackageIndex, asked: str
) -> None:
    index.add_wheel("top", "1.0", ["dep<2"])
    index.add_wheel("dep", "1.0", uploaded=days_ago(500))
    index.add_wheel("dep", "2.0", uploaded=days_ago(100))
    assert gate.resolve(asked).notes == (
        "dep 2.0 was passed over for 1.0 (uv: top depends on dep<2)",
    )
    index.projects["dep"][0]["upload-time"] = index.projects["dep"][1]["upload-time"]
    assert gate.resolve(asked).notes == ()


def test_what_would_be_older_instead_is_said(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("top", "1.0", ["one", "two"])
    index.add_wheel("one", "1.0")
    index.add_wheel("one", "2.0", ["two<2"])
    index.add_wheel("two", "1.0", uploaded=days_ago(800))
    index.add_wheel("two", "2.0", uploaded=days_ago(100))
    resolution = gate.resolve("top")
    assert found(resolution) == ["top==1.0", "one==2.0", "two==1.0"]
    assert resolution.notes == (
        "two 2.0 was passed over for 1.0: with a newer one there is one 1.0 instead of 2.0",
    )


def test_a_dependency_whose_newest_release_would_be_built_is_explained(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("top", "1.0", ["dep"])
    index.add_wheel("dep", "1.0")
    index.add_sdist("dep", "2.0")
    resolution = gate.resolve("top")
    assert found(resolution) == ["top==1.0", "dep==1.0"]
    assert resolution.notes == (
        "dep 2.0 was passed over for 1.0: 2.0 has no wheel, so it would be built on the notebook",
    )


def test_what_is_not_for_a_targets_python_is_not_missed_there(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("top", "1.0")
    index.add_wheel("top", "2.0", requires_python=">=3.12")
    resolution = gate.resolve("top", targets=TWO_TARGETS)
    assert found(resolution) == ["top==1.0", "top==2.0"]
    assert resolution.notes == ()


def test_an_sdist_serves_only_the_targets_without_a_wheel(gate: Gate, index: PackageIndex) -> None:
    index.add_build_tools()
    index.add_wheel("thing", "1.0", tag="cp312-cp312-manylinux_2_17_x86_64")
    index.add_sdist("thing", "1.0")
    resolution = gate.resolve("thing==1.0", targets=TWO_TARGETS)
    assert filenames(resolution.packages[0]) == [
        "thing-1.0-cp312-cp312-manylinux_2_17_x86_64.whl",
        "thing-1.0.tar.gz",
    ]
    assert found(resolution) == ["thing==1.0"]


def test_more_sdists_than_the_limit_are_not_fetched(
    gate: Gate, index: PackageIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SDISTS", 2)
    for number in range(5):
        core = metadata(f"s{number}", "1.0", [f"s{number + 1}"], metadata_version="2.2")
        index.add_sdist(f"s{number}", "1.0", {"PKG-INFO": core})
    with pytest.raises(SourceError, match="s2 has only sdists"):
        gate.resolve("s0")
    assert len(gate.fetched) == 2


def test_an_sdist_that_cannot_be_read_is_an_error(gate: Gate, index: PackageIndex) -> None:
    index.add_file("source", "source-1.0.tar.gz", b"<html>" * 1000)
    with pytest.raises(SourceError, match=r"source-1\.0\.tar\.gz can't be read"):
        gate.resolve("source")


def test_an_sdist_without_a_digest_is_not_fetched(gate: Gate, index: PackageIndex) -> None:
    index.add_sdist("source", "1.0")["hashes"] = {"md5": "d41d8cd98f00b204e9800998ecf8427e"}
    with pytest.raises(SourceError, match="no SHA-256"):
        gate.resolve("source")
    assert gate.fetched == []


def test_hostile_metadata_of_an_sdist_adds_no_lines_and_no_addresses(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_build_tools()
    text = b"dep @ https://evil.test/dep.zip\n-r /etc/passwd\n--index-url https://evil.test\nok\n"
    index.add_sdist("source", "1.0", {"source.egg-info/requires.txt": text})
    index.add_wheel("ok", "1.0")
    resolution = gate.resolve("source")
    assert found(resolution) == ["source==1.0", "ok==1.0"]
    assert "no index can serve: dep @ https://evil.test/dep.zip" in resolution.packages[0].notes[2]


# What the builds of sdists need


def test_what_pyproject_names_for_a_build_is_resolved_with_its_closure(
    gate: Gate, index: PackageIndex
) -> None:
    core = metadata("source", "1.0", metadata_version="2.2")
    project = b"""[build-system]
    requires = ["backend>=2", "old; python_version < '3'"]
    build-backend = "backend.api"
    """
    index.add_sdist("source", "1.0", {"PKG-INFO": core, "pyproject.toml": project})
    index.add_wheel("backend", "1.0")
    index.add_wheel("backend", "2.0", ["helper<3"])
    index.add_wheel("helper", "2.0")
    index.add_wheel("helper", "3.0")
    resolution = gate.resolve("source")
    assert found(resolution) == ["source==1.0"]
    assert found(resolution, for_build=True) == ["backend==2.0", "helper==2.0"]
    assert resolution.notes == ("needed to build source 1.0: backend 2.0, helper 2.0",)


@pytest.mark.parametrize(
    ("files", "needed"),
    [
        ({}, []),
        ({"setup.cfg": b"[options]\nsetup_requires =\n  extra>=1\n"}, ["extra==1.0"]),
        ({"setup.py": b"setup(setup_requires=['extra'])"}, ["extra==1.0"]),
        ({"setup.py": b"NEEDED = ['extra']\nsetup(setup_requires=NEEDED)"}, ["extra==1.0"]),
        ({"setup.py": b"setup(setup_requires='extra>=1')"}, ["extra==1.0"]),
        ({"setup.py": b"setup(setup_requires=[made()])"}, []),
        ({"setup.py": b"setup(setup_requires=["}, []),
        ({"setup.py": b"(" * 5000}, []),
        ({"setup.cfg": b"[options"}, []),
    ],
)
def test_an_sdist_that_names_no_backend_is_built_by_setuptools(
    gate: Gate, index: PackageIndex, files: dict[str, bytes], needed: list[str]
) -> None:
    index.add_build_tools()
    index.add_wheel("extra", "1.0")
    index.add_sdist("source", "1.0", files)
    resolution = gate.resolve("source")
    assert found(resolution, for_build=True) == [*needed, "setuptools==80.0", "wheel==0.45"]


def test_a_build_that_needs_nothing_has_nothing(gate: Gate, index: PackageIndex) -> None:
    project = b"[build-system]\nrequires = []\nbuild-backend = 'own'\nbackend-path = ['.']\n"
    index.add_sdist("source", "1.0", {"pyproject.toml": project})
    assert found(gate.resolve("source"), for_build=True) == []


def test_what_hatchlings_hooks_need_is_resolved_too(gate: Gate, index: PackageIndex) -> None:
    project = b"""[build-system]
    requires = ["hatchling"]
    build-backend = "hatchling.build"
    [tool.hatch.build.hooks.vcs]
    dependencies = ["one"]
    [tool.hatch.build.targets.wheel.hooks.custom]
    dependencies = ["two"]
    """
    for name in ("hatchling", "one", "two"):
        index.add_wheel(name, "1.0")
    index.add_sdist("source", "1.0", {"pyproject.toml": project})
    built = found(gate.resolve("source"), for_build=True)
    assert built == ["hatchling==1.0", "one==1.0", "two==1.0"]


def test_what_is_installed_anyway_is_not_there_for_a_build_only(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_build_tools()
    index.add_sdist("source", "1.0")
    index.add_wheel("thing", "1.0", ["source", "wheel"])
    resolution = gate.resolve("thing")
    assert found(resolution) == ["thing==1.0", "source==1.0", "wheel==0.45"]
    assert found(resolution, for_build=True) == ["setuptools==80.0"]


def test_a_build_that_needs_an_sdist_brings_what_that_needs(
    gate: Gate, index: PackageIndex
) -> None:
    def built_by(backend: str) -> dict[str, bytes]:
        text = f"[build-system]\nrequires = ['{backend}']\nbuild-backend = '{backend}'\n"
        return {"pyproject.toml": text.encode()}

    index.add_sdist("source", "1.0", built_by("middle"))
    index.add_sdist("middle", "1.0", built_by("tool"))
    index.add_wheel("tool", "1.0")
    resolution = gate.resolve("source")
    assert found(resolution, for_build=True) == ["middle==1.0", "tool==1.0"]
    assert set(resolution.notes) == {
        "needed to build source 1.0: middle 1.0",
        "needed to build middle 1.0: tool 1.0",
    }


def test_builds_that_wait_for_each_other_are_an_error(gate: Gate, index: PackageIndex) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        text = f"[build-system]\nrequires = ['{other}']\nbuild-backend = '{other}'\n"
        index.add_sdist(name, "1.0", {"pyproject.toml": text.encode()})
    with pytest.raises(SourceError, match="builds wait for each other"):
        gate.resolve("one")


def test_a_build_whose_tools_are_nowhere_is_no_closure(gate: Gate, index: PackageIndex) -> None:
    index.add_sdist("source", "1.0")
    with pytest.raises(SourceError, match=r"building source 1\.0, which has no wheel, needs it"):
        gate.resolve("source")


def test_build_tools_keep_to_the_cooldown(gate: Gate, index: PackageIndex) -> None:
    index.add_build_tools()
    index.add_wheel("setuptools", "81.0", uploaded=days_ago(1))
    index.add_sdist("source", "1.0")
    built = found(gate.resolve("source"), for_build=True)
    assert built == ["setuptools==80.0", "wheel==0.45"]


def test_the_policy_may_take_no_sdists(gate: Gate, index: PackageIndex) -> None:
    index.add_build_tools()
    index.add_sdist("source", "1.0")
    index.add_wheel("needy", "1.0", ["source"])
    for requirement in ("source", "needy"):
        with pytest.raises(SourceRefusedError, match="the policy takes no sdists"):
            gate.resolve(requirement, sdists=Sdists(allowed=False))
    assert gate.fetched == []


def test_beside_a_release_that_must_be_built_a_newer_one_with_wheels_is_named(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_build_tools()
    index.add_sdist("source", "1.0")
    for version in ("1.1", "2.0", "3.0rc1"):
        index.add_wheel("source", version)
    notes = gate.resolve("source==1.0").packages[0].notes
    said = "the build of source 1.0 may fail on a newer Python than it knows; source 2.0 has wheels"
    assert said in notes
    assert not gate.resolve("source==2.0").packages[0].notes


@pytest.mark.parametrize(
    "tags", [("cp38-cp38-win_amd64", "cp39-cp39-win_amd64"), ("cp39-cp39-any",)]
)
def test_a_release_whose_wheels_end_before_the_notebooks_python_says_so(
    gate: Gate, index: PackageIndex, tags: tuple[str, ...]
) -> None:
    index.add_build_tools()
    index.add_sdist("source", "1.0")
    for tag in tags:
        index.add_wheel("source", "1.0", tag=tag)
    said = "source 1.0 has no wheel for a Python after 3.9: its build may fail"
    taken = Sdists(newer_python=True)
    assert said in gate.resolve("source==1.0", sdists=taken).packages[0].notes
    index.add_wheel("source", "2.0")
    notes = gate.resolve("source==1.0", sdists=taken).packages[0].notes
    assert f"{said}; source 2.0 has wheels" in notes


@pytest.mark.parametrize("requirement", ["source==1.0", "source<2", "needy"])
def test_a_release_that_was_built_for_older_pythons_only_is_not_for_a_newer_one(
    gate: Gate, index: PackageIndex, requirement: str
) -> None:
    index.add_build_tools()
    index.add_sdist("source", "0.1")
    index.add_sdist("source", "1.0")
    index.add_wheel("source", "1.0", tag="cp39-cp39-any")
    index.add_wheel("source", "2.0")
    index.add_wheel("needy", "1.0", ["source<2"])
    said = "source 1.0 has wheels for Python 3.9 and older only, and its sdist was not made for 3.1"
    with pytest.raises(UnfitError, match=re.escape(said)):
        gate.resolve(requirement)


def test_a_release_that_was_built_for_one_of_the_pythons_is_for_that_one_only(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_build_tools()
    index.add_sdist("source", "1.0")
    index.add_wheel("source", "1.0", tag="cp311-cp311-any")
    resolution = gate.resolve("source==1.0", targets=TWO_TARGETS)
    assert [target.split()[1] for target in resolution.targets] == ["3.11"]
    assert any("not resolved for Python 3.12" in note for note in resolution.notes)


@pytest.mark.parametrize("tag", ["cp311-cp311-win_amd64", "cp39-abi3-win_amd64", "py3-none-win32"])
def test_wheels_of_another_platform_say_nothing_of_a_newer_python(
    gate: Gate, index: PackageIndex, tag: str
) -> None:
    index.add_build_tools()
    index.add_sdist("source", "1.0")
    index.add_wheel("source", "1.0", tag=tag)
    notes = gate.resolve("source==1.0").packages[0].notes
    assert not any("may fail" in note for note in notes)


# Python versions that a release is not for


@pytest.mark.parametrize("bound", ["<3.11", ">=3.7,<=3.11", "==3.11.4", "<3.11.5", "!=3.11.*"])
def test_an_upper_bound_on_python_that_leaves_every_target_out_refuses(
    gate: Gate, index: PackageIndex, bound: str
) -> None:
    index.add_wheel("thing", "1.0", requires_python=bound)
    with pytest.raises(SourceRefusedError, match="needs another version of Python"):
        gate.resolve("thing==1.0")


@pytest.mark.parametrize("bound", ["<3.12", "<4", "~=3.11", "==3.11.*", "!=3.12.*"])
def test_a_bound_that_holds_for_all_of_a_targets_patch_releases_is_none(
    gate: Gate, index: PackageIndex, bound: str
) -> None:
    index.add_wheel("thing", "1.0", requires_python=bound)
    assert found(gate.resolve("thing==1.0")) == ["thing==1.0"]


def test_what_can_be_installed_on_one_target_only_says_so(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0", ["dep"], requires_python=">=3.7,<3.12")
    index.add_wheel("dep", "1.0")
    resolution = gate.resolve("thing==1.0", targets=TWO_TARGETS)
    assert resolution.targets == ("Python 3.11 on x86_64-manylinux_2_28",)
    assert "not resolved for Python 3.12" in resolution.notes[0]
    assert "thing 1.0 asks for Python" in resolution.notes[0]
    assert gate.resolve("dep", targets=TWO_TARGETS).targets == ()


def test_a_dependency_that_is_not_for_a_target_counts_as_well(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("thing", "1.0", ["dep>=2"])
    index.add_wheel("dep", "2.0", requires_python="<3.12")
    resolution = gate.resolve("thing", targets=TWO_TARGETS)
    assert resolution.targets == ("Python 3.11 on x86_64-manylinux_2_28",)


def test_a_release_that_pip_would_pass_over_is_passed_over_and_named(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("thing", "1.0")
    for version in ("2.0", "2.1", "3.0rc1"):
        index.add_wheel("thing", version, requires_python="<3.7")
    resolution = gate.resolve("thing")
    assert found(resolution) == ["thing==1.0"]
    assert resolution.notes == (
        "thing 2.1 was passed over for Python 3.11 on x86_64-manylinux_2_28: "
        "it asks for Python <3.7",
    )


def test_files_of_a_release_that_are_not_for_a_target_are_left_out(
    gate: Gate, index: PackageIndex
) -> None:
    index.add_wheel("thing", "1.0", tag="cp311-cp311-manylinux_2_17_x86_64")
    index.add_wheel("thing", "1.0", requires_python="<3.10")
    assert filenames(gate.resolve("thing").packages[0]) == [
        "thing-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
    ]


def test_an_sdist_that_is_not_for_a_target_is_not_taken(gate: Gate, index: PackageIndex) -> None:
    index.add_build_tools()
    index.add_sdist("source", "2.0")["requires-python"] = "<3.11"
    core = metadata("source", "1.5", requires_python="<3.11")
    index.add_sdist("source", "1.5", {"PKG-INFO": core})
    index.add_sdist("source", "1.0")
    assert found(gate.resolve("source")) == ["source==1.0"]


# Constraints


def constrained(requirement: str, *constraints: str) -> Request:
    return Request("anything", PyPISource(requirement, constraints), "", 1)


def test_constraints_hold_for_the_whole_closure(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("top", "1.0", ["dep"])
    for version in ("1.0", "2.0", "3.0"):
        index.add_wheel("dep", version)
    resolution = gate.source().resolve(constrained("top", "dep<3", "dep!=2.0", "other>1"))
    assert found(resolution) == ["top==1.0", "dep==1.0"]
    assert resolution.notes == ()


def test_constraints_that_nothing_meets_are_explained(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("top", "1.0", ["dep<2"])
    index.add_wheel("dep", "1.0")
    with pytest.raises(SourceError, match=r"dep>=2|contradict"):
        gate.source().resolve(constrained("top", "dep>=2"))


@pytest.mark.parametrize("text", ["dep @ https://evil.test/x.zip", "-r /etc/passwd", "dep\n-r x"])
def test_what_is_no_plain_constraint_is_never_given_to_uv(
    gate: Gate, index: PackageIndex, text: str
) -> None:
    index.add_wheel("top", "1.0")
    with pytest.raises(SourceError, match="is no constraint"):
        gate.source().resolve(constrained("top", text))


# The requirement


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-r /etc/passwd",
        "--index-url=https://evil.test",
        "thing @ https://evil.test/thing.zip",
        "thing @ file:///etc/passwd",
        "https://evil.test/thing.zip",
        "./thing",
        "thing\n--index-url https://evil.test",
        "thing; python_version > '${UV_INDEX_A_PASSWORD}'",
        "thing; python_version > '3' # comment",
        "thing; python_version > '\\'",
        "thïng",
        "thing" * 300,
    ],
)
def test_what_is_no_plain_requirement_is_never_given_to_uv(text: str) -> None:
    with pytest.raises(SourceError, match="is no PyPI requirement"):
        read_requirement(ask(text))


def test_an_archive_is_no_requirement() -> None:
    with pytest.raises(SourceError):
        read_requirement(Request("x", ArchiveSource("https://x.test/x.zip"), "", 1))


@pytest.mark.parametrize("name", ["thing.whl", "thing.tar.gz", "thing.zip"])
def test_a_name_that_looks_like_a_file_is_no_path(
    gate: Gate, index: PackageIndex, name: str
) -> None:
    (gate.scratch / name).write_bytes(b"planted")
    index.add_wheel(name, "1.0")
    assert found(gate.resolve(name)) == [f"{name.replace('.', '-')}==1.0"]


def test_extras_and_markers_survive() -> None:
    written = str(read_requirement(ask("Thing[b,a]>=1,<2 ; python_version > '3'")))
    assert Requirement(written) == Requirement("thing[a,b]<2,>=1; python_version > '3'")


def test_a_planted_configuration_in_the_scratch_folder_changes_nothing(
    gate: Gate, index: PackageIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = PackageIndex(index.server)
    evil.add_wheel("thing", "6.6.6")
    index.add_wheel("thing", "1.0")
    (gate.scratch / "uv.toml").write_text(f'[[index]]\nurl = "{evil.url}"\ndefault = true\n')
    (gate.scratch / "pyproject.toml").write_text(
        f'[[tool.uv.index]]\nurl = "{evil.url}"\ndefault = true\n'
    )
    monkeypatch.chdir(gate.scratch)
    assert found(gate.resolve("thing")) == ["thing==1.0"]
    assert evil.asked == []


def test_a_scratch_folder_that_is_gone_is_no_approval(gate: Gate, index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0")
    source = gate.source()
    shutil.rmtree(gate.scratch)
    with pytest.raises(SourceError, match="scratch"):
        source.resolve(ask("thing"))
