"""Scans against a fake index: closures, findings, and versions that fix them."""

from datetime import timedelta
from pathlib import Path

import pytest

from package_gate.core.decision import Verdict
from package_gate.core.policy import Cooldown, Targets, WaiverEntry
from tests.dependency_scan.world import NOW, PLATFORM, World, proposed, told, verdicts
from tests.fakes.package_index import metadata

TWO_TARGETS = Targets(("3.11", "3.12"), (PLATFORM,))


def test_a_finding_names_who_brings_it_in_and_the_proposal_fixes_it(world: World) -> None:
    world.index.add_wheel("web", "1.0", ["middle"])
    world.index.add_wheel("web", "2.0", ["middle"])
    world.index.add_wheel("middle", "1.0", ["deep<2"])
    world.index.add_wheel("middle", "1.1", ["deep"])
    world.index.add_wheel("deep", "1.0")
    world.index.add_wheel("deep", "2.0")
    world.index.add_wheel("fine", "1.0")
    world.add_advisory("deep", "1.0")
    text = (
        "# Why we need it\nweb==1.0   # the site\nmiddle==1.0\nfine==1.0 ; python_version > '3'\n"
    )
    result = world.scan({"requirements.txt": text})
    assert result.verdict is Verdict.REFUSED
    assert verdicts(result) == {
        "deep 1.0": "refused", "fine 1.0": "approved", "middle 1.0": "approved",
        "web 1.0": "approved",
    }  # fmt: skip
    [deep] = [package for package in result.packages if package.name == "deep"]
    assert [(str(chain), chain.direct.place.line) for chain in deep.chains] == [
        ("middle → deep", 3), ("web → middle → deep", 2),
    ]  # fmt: skip
    assert told(result) == []
    # `middle` alone fixes it; `web` and `fine` are left alone.
    assert proposed(result) == {"requirements.txt": text.replace("middle==1.0", "middle==1.1")}
    assert result.proposals[0].changes[0].fixes == ("PYSEC-2026-deep",)
    assert world.scan({"requirements.txt": proposed(result)["requirements.txt"]}).verdict is (
        Verdict.APPROVED
    )


def test_a_package_that_nobody_asks_for_directly_is_asked_for_when_that_fixes_it(
    world: World,
) -> None:
    for version in ("1.0", "1.1", "2.0"):
        world.index.add_wheel("deep", version)
    world.index.add_wheel("web", "1.0", ["deep"])
    world.add_advisory("deep", "2.0")
    result = world.scan({"requirements.txt": "web==1.0\n"})
    assert verdicts(result)["deep 2.0"] == "refused"
    assert proposed(result) == {
        "requirements.txt": "web==1.0\ndeep==1.1  # needed by web; fixes PYSEC-2026-deep\n"
    }


def test_included_files_and_constraints_are_changed_where_the_version_stands(world: World) -> None:
    for version in ("1.0", "2.0"):
        world.index.add_wheel("one", version)
        world.index.add_wheel("two", version)
    world.add_advisory("one", "1.0")
    world.add_advisory("two", "1.0")
    result = world.scan(
        {
            "requirements.txt": "-r base/requirements.txt\n-c limits.txt\ntwo\n",
            "base/requirements.txt": "one==1.0  # kept\n",
            "limits.txt": "two<2\n",
        }
    )
    assert proposed(result) == {
        "base/requirements.txt": "one==2.0  # kept\n",
        "limits.txt": "two==2.0\n",
    }


def test_fresh_releases_are_not_proposed(world: World) -> None:
    fresh = NOW - timedelta(days=3)
    world.index.add_wheel("one", "1.0")
    world.index.add_wheel("one", "1.1")
    world.index.add_wheel("one", "1.2", uploaded=fresh)
    world.add_advisory("one", "1.0")
    assert proposed(world.scan({"requirements.txt": "one==1.0\n"})) == {
        "requirements.txt": "one==1.1\n"
    }
    world.add_advisory("one", "1.0", "1.1")
    result = world.scan()
    assert result.proposals == ()
    assert "one 1.2 has no refusing finding but is too fresh yet" in result.unfixed[0].text
    days = Cooldown(days=0)
    assert proposed(world.scan(cooldown=days)) == {"requirements.txt": "one==1.2\n"}


def test_what_stands_may_stay_however_fresh(world: World) -> None:
    world.index.add_wheel("one", "1.0")
    world.index.add_wheel("one", "2.0")
    world.index.add_wheel("new", "9.0", uploaded=NOW - timedelta(days=1))
    world.add_advisory("one", "1.0")
    assert proposed(world.scan({"requirements.txt": "one==1.0\nnew==9.0\n"})) == {
        "requirements.txt": "one==2.0\nnew==9.0\n"
    }


def test_without_a_clean_release_the_report_says_so(world: World) -> None:
    world.index.add_wheel("one", "1.0")
    world.add_advisory("one", "1.0")
    result = world.scan({"requirements.txt": "one==1.0\n"})
    assert result.proposals == ()
    assert [each.name for each in result.unfixed] == ["requirements.txt"]
    assert "Can't be fixed" in result.unfixed[0].text


def test_an_older_release_fixes_what_no_newer_one_does(world: World) -> None:
    for version in ("1.0", "1.1", "1.2"):
        world.index.add_wheel("one", version)
    world.add_advisory("one", "1.2")
    assert proposed(world.scan({"requirements.txt": "one==1.2\n"})) == {
        "requirements.txt": "one==1.1\n"
    }


def test_versions_hold_for_every_target(world: World) -> None:
    world.index.add_wheel("one", "1.0")
    world.index.add_wheel("one", "2.0")
    world.index.add_wheel("one", "3.0", requires_python=">=3.12")
    world.add_advisory("one", "1.0")
    result = world.scan({"requirements.txt": "one==1.0\n"}, targets=TWO_TARGETS)
    assert proposed(result) == {"requirements.txt": "one==2.0\n"}


def test_hashes_are_those_of_the_proposed_files_and_everything_is_listed(world: World) -> None:
    old = world.index.add_wheel("one", "1.0")
    new = world.index.add_wheel("one", "2.0", ["added"])
    added = world.index.add_wheel("added", "1.0")
    world.add_advisory("one", "1.0")
    result = world.scan(
        {"requirements.txt": f"one==1.0 \\\n    --hash=sha256:{old['hashes']['sha256']}\n"}
    )
    assert proposed(result) == {
        "requirements.txt": (
            f"one==2.0 \\\n    --hash=sha256:{new['hashes']['sha256']}\n"
            f"added==1.0 \\\n    --hash=sha256:{added['hashes']['sha256']}\n"
            "    # needed by one\n"
        )
    }
    assert told(result) == []


def test_a_hash_of_no_file_in_the_index_is_told(world: World) -> None:
    world.index.add_wheel("one", "1.0")
    result = world.scan({"requirements.txt": f"one==1.0 --hash=sha256:{'0' * 64}\n"})
    assert result.verdict is Verdict.UNDECIDED
    assert "requirements.txt:1: None of the hashes" in told(result)[0]


def test_project_files_are_proposed_too(world: World) -> None:
    for version in ("1.0", "2.0"):
        world.index.add_wheel("one", version)
    world.index.add_wheel("two", "1.0")
    world.add_advisory("one", "1.0")
    text = (
        '[project]\nname = "app"\ndependencies = ["one==1.0", "two"]\n'
        '[project.optional-dependencies]\nmore = ["two==1.0"]\n'
    )
    result = world.scan({"pyproject.toml": text})
    assert proposed(result) == {"pyproject.toml": text.replace("one==1.0", "one==2.0")}
    assert [closure.name for closure in result.closures] == [
        "pyproject.toml", "pyproject.toml [more]",
    ]  # fmt: skip


def test_a_lock_is_scanned_and_says_how_to_lock_again(world: World) -> None:
    world.add_advisory("deep", "1.0")
    lock = (
        f'[[package]]\nname = "web"\nversion = "1.0"\nsource = {{registry = "{world.index.url}"}}\n'
        'dependencies = [{name = "deep"}]\n[[package]]\nname = "deep"\nversion = "1.0"\n'
    )
    result = world.scan(
        {"uv.lock": lock, "pyproject.toml": '[project]\nname = "a"\ndependencies = ["web"]\n'}
    )
    [deep] = [package for package in result.packages if package.name == "deep"]
    assert [str(chain) for chain in deep.chains] == ["web → deep"]
    assert [(place.path, place.line) for place in deep.locked_at] == [("uv.lock", 6)]
    assert "`uv lock --upgrade-package deep`" in result.unfixed[0].text
    assert world.index.asked == []


def test_a_requirement_that_cannot_be_resolved_is_named_and_the_rest_scanned(
    world: World,
) -> None:
    world.index.add_wheel("one", "1.0")
    world.add_advisory("one", "1.0")
    result = world.scan({"requirements.txt": "one==1.0\nmissing==1.0\none-typo\n"})
    assert verdicts(result) == {"one 1.0": "refused", "missing 1.0": "approved"}
    assert [line.split(" can't be resolved")[0] for line in told(result)] == [
        "requirements.txt:2: 'missing==1.0'", "requirements.txt:3: 'one-typo'",
    ]  # fmt: skip


def test_requirements_that_contradict_each_other_are_told_and_pins_looked_up(world: World) -> None:
    world.index.add_wheel("one", "1.0", ["deep<2"])
    world.index.add_wheel("deep", "1.0")
    world.index.add_wheel("deep", "2.0")
    world.add_advisory("deep", "2.0")
    result = world.scan({"requirements.txt": "one==1.0\ndeep==2.0\n"})
    assert verdicts(result) == {"one 1.0": "approved", "deep 2.0": "refused"}
    [problem] = told(result)
    assert "requirements.txt can't be installed as a whole" in problem
    assert "one==1.0 in requirements.txt:1, deep==2.0 in requirements.txt:2." in problem


def test_an_index_that_fails_leaves_nothing_clean(world: World) -> None:
    world.index.prefix = "/nowhere"
    world.index.server.routes["/nowhere/one/"] = lambda handler: handler.send_error(503)
    result = world.scan({"requirements.txt": "one==1.0\n"})
    assert result.verdict is Verdict.UNDECIDED
    assert "can't be resolved" in told(result)[0]


def test_advisories_that_cannot_be_read_leave_nothing_clean(world: World) -> None:
    world.index.add_wheel("one", "1.0")
    world.write({"requirements.txt": "one==1.0\n"})
    broken = world.folder / "advisories" / "PyPI" / "PYSEC-2026-one.json"
    world.add_advisory("one", "1.0")
    original = world.step

    def spoil(subject: str, what: str) -> None:
        original(subject, what)
        if what == "looking up":  # it was whole when the scan began
            broken.write_text("{")

    world.step = spoil  # type: ignore[method-assign]
    result = world.scan()
    assert result.verdict is Verdict.UNDECIDED
    assert "Not judged, 1 package: The scanner osv did not finish" in told(result)[0]


def test_releases_with_sdists_only_are_read_without_being_run(world: World) -> None:
    world.index.add_sdist("old", "1.0", {"PKG-INFO": metadata("old", "1.0", ["deep"])})
    world.index.add_wheel("deep", "1.0")
    world.add_advisory("deep", "1.0")
    result = world.scan({"requirements.txt": "old==1.0\n"})
    assert verdicts(result) == {"deep 1.0": "refused", "old 1.0": "approved"}
    assert world.fetched == ["old-1.0.tar.gz"]
    assert any("old 1.0 has no wheel" in note for note in result.notes)


def test_markers_extras_and_prereleases_count(world: World) -> None:
    world.index.add_wheel("one", "1.0", ["plus; extra == 'more'"], extras=["more"])
    world.index.add_wheel("one", "2.0rc1", ["plus; extra == 'more'"], extras=["more"])
    world.index.add_wheel("plus", "1.0")
    world.index.add_wheel("windows", "1.0")
    text = "one[more]\nwindows ; sys_platform == 'win32'\n"
    assert verdicts(world.scan({"requirements.txt": text})) == {
        "one 1.0": "approved", "plus 1.0": "approved", "windows 1.0": "approved",
    }  # fmt: skip
    assert "one 2.0rc1" in verdicts(world.scan({"requirements.txt": "--pre\n" + text}))


def test_yanked_releases_are_reported(world: World) -> None:
    world.index.add_wheel("one", "1.0", yanked="it eats files")
    world.index.add_wheel("one", "1.1")
    result = world.scan({"requirements.txt": "one==1.0\n"})
    [judged] = result.packages[0].findings
    assert (judged.finding.rule, judged.refuses) == ("yanked", True)
    assert "it eats files" in judged.finding.message
    assert proposed(result) == {"requirements.txt": "one==1.1\n"}


def test_a_project_for_another_python_is_not_called_clean(world: World) -> None:
    world.index.add_wheel("one", "1.0")
    text = '[project]\nname = "a"\nrequires-python = ">=3.13"\ndependencies = ["one==1.0"]\n'
    result = world.scan({"pyproject.toml": text})
    assert verdicts(result) == {"one 1.0": "approved"}
    assert "none of the policy's targets" in told(result)[0]


def test_waivers_and_thresholds_are_the_policys(world: World) -> None:
    world.index.add_wheel("one", "1.0")
    world.add_advisory("one", "1.0")
    waiver = WaiverEntry("one", "PYSEC-2026-one", NOW.date(), "Jo", "Not reachable.")
    result = world.scan({"requirements.txt": "one==1.0\n"}, waivers=(waiver,))
    assert result.verdict is Verdict.APPROVED
    assert result.packages[0].findings[0].waiver is not None


def test_too_many_requirements_are_told_and_pins_looked_up(world: World) -> None:
    world.add_advisory("package-7", "1.7")
    lines = "".join(f"package-{n}==1.{n}\n" for n in range(2001))
    result = world.scan({"requirements.txt": lines})
    assert verdicts(result)["package-7 1.7"] == "refused"
    assert len(result.packages) == 2001
    assert "asks for 2,001 packages" in told(result)[0]
    assert world.index.asked == []


@pytest.mark.parametrize("version", ["1.0*x", "1..0", "1.0-custom"])
def test_a_version_that_cannot_be_asked_about_is_never_clean(world: World, version: str) -> None:
    lock = f'[[package]]\nname = "one"\nversion = "{version}"\n'
    world.add_advisory("one", "1.0")
    result = world.scan({"poetry.lock": lock})
    assert result.verdict is not Verdict.APPROVED


def test_the_scanned_folder_is_left_as_it_was(world: World, tmp_path: Path) -> None:
    world.index.add_wheel("one", "1.0")
    world.add_advisory("one", "1.0")
    world.scan({"requirements.txt": "one==1.0\n"})
    assert [path.name for path in world.repository.iterdir()] == ["requirements.txt"]
