"""Files that locks and `--hash` lines name: anything but the index's own is told."""

import json
from typing import Any

import pytest

from package_gate.core.decision import Verdict
from package_gate.dependency_scan import hashes
from package_gate.dependency_scan.hashes import LockedFiles
from package_gate.dependency_scan.models import ClosurePackage, ScannedClosure
from package_gate.inventory.formats.locks import LockedFile
from package_gate.sources.pypi.index import Index
from package_gate.sources.pypi.uv import IndexSettings
from tests.dependency_scan.world import World, told
from tests.fakes.package_index import LOCAL

ELSEWHERE = "https://evil.example/one-1.0-py3-none-any.whl"
NO_FILE = "0" * 64


def uv_lock(world: World, url: str, sha256: str) -> str:
    return (
        f'[[package]]\nname = "one"\nversion = "1.0"\nsource = {{registry = "{world.index.url}"}}\n'
        f'wheels = [{{url = "{url}", hash = "sha256:{sha256}"}}]\n'
    )


def pylock(world: World, url: str, sha256: str) -> str:
    return (
        '[[packages]]\nname = "one"\nversion = "1.0"\n'
        f'wheels = [{{url = "{url}", hashes = {{sha256 = "{sha256}"}}}}]\n'
    )


def pdm_lock(world: World, url: str, sha256: str) -> str:
    return (
        '[[package]]\nname = "one"\nversion = "1.0"\n'
        f'files = [{{url = "{url}", hash = "sha256:{sha256}"}}]\n'
    )


LOCKS = {"uv.lock": uv_lock, "pylock.toml": pylock, "pdm.lock": pdm_lock}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_with_the_indexs_own_files_is_clean(world: World, name: str) -> None:
    entry = world.index.add_wheel("one", "1.0")
    lock = LOCKS[name](world, entry["url"], entry["hashes"]["sha256"])
    assert world.scan({name: lock}).verdict is Verdict.APPROVED
    assert world.index.asked == ["one"]


@pytest.mark.parametrize("name", LOCKS)
def test_a_locked_file_that_is_not_the_indexs_is_told(world: World, name: str) -> None:
    entry = world.index.add_wheel("one", "1.0")
    other = world.index.add_wheel("one", "2.0")
    own, sha256 = entry["url"], entry["hashes"]["sha256"]
    for url, digest, words in (
        (own, NO_FILE, "of no file in the package index"),
        (other["url"], other["hashes"]["sha256"], "of no file in the package index"),
        (ELSEWHERE, sha256, "comes from https://evil.example/one"),
        (own.replace("https", "http"), sha256, "where the package index has no files"),
        ("./one-1.0-py3-none-any.whl", sha256, "where the package index has no files"),
        (f"{own}?token=hunter2", "aa", "can't be compared"),
    ):
        result = world.scan({name: LOCKS[name](world, url, digest)})
        [problem] = told(result)
        assert result.verdict is Verdict.UNDECIDED
        assert problem.startswith(f"{name}:1: one 1.0 ")
        assert words in problem
        assert "hunter2" not in problem


def test_a_file_from_behind_a_mirror_is_told_by_its_hash(world: World) -> None:
    entry = world.index.add_wheel("one", "1.0")
    public = "https://public.test/simple"
    check = LockedFiles(
        Index(IndexSettings(world.index.environment, guard=LOCAL)), [world.index.url], world.step
    ).check

    def problems(index: str, sha256: str) -> list[str]:
        file = LockedFile("https://files.public.test/one.whl", (f"sha256:{sha256}",))
        package = ClosurePackage("one", "1.0", files=(file,), index=index)
        return [each.text for each in check(ScannedClosure("x", "x", (), (package,), locked=True))]

    assert problems(public, entry["hashes"]["sha256"]) == []
    assert "of no file" in problems(public, NO_FILE)[0]
    assert "has no files" in problems("", entry["hashes"]["sha256"])[0]


@pytest.mark.parametrize("name", ["poetry.lock", "Pipfile.lock"])
def test_one_of_the_hashes_without_an_address_has_to_be_the_indexs(world: World, name: str) -> None:
    sha256 = world.index.add_wheel("one", "1.0")["hashes"]["sha256"]

    def lock(*digests: str) -> str:
        if name == "poetry.lock":
            files = ", ".join(f'{{file = "one.whl", hash = "{each}"}}' for each in digests)
            return f'[[package]]\nname = "one"\nversion = "1.0"\nfiles = [{files}]\n'
        return json.dumps({"default": {"one": {"version": "==1.0", "hashes": digests}}})

    good, other = f"sha256:{sha256}", f"sha256:{NO_FILE}"
    for digests, words in (
        ((good, other), ""),
        ((good.upper(),), ""),
        ((other,), "has only hashes of no file"),
        ((good, "md5:00"), "can't be compared"),
    ):
        problems = told(world.scan({name: lock(*digests)}))
        assert [words in problem for problem in problems] == [True] * bool(words)


def test_a_release_or_index_that_cannot_be_asked_for_hashes_is_told(world: World) -> None:
    problem = told(world.scan({"uv.lock": uv_lock(world, ELSEWHERE, NO_FILE)}))[0]
    assert "is no release of the package index" in problem
    path = f"{world.index.prefix}/one/"
    world.index.server.routes[path] = lambda handler: handler.send_error(503)
    problem = told(world.scan())[0]
    assert "can't be compared with those of the package index" in problem


def test_a_lock_of_more_packages_than_are_compared_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashes, "MAX_COMPARED", 1)
    locks = ""
    for name in ("one", "two"):
        entry: dict[str, Any] = world.index.add_wheel(name, "1.0")
        lock = uv_lock(world, entry["url"], entry["hashes"]["sha256"])
        locks += lock.replace('"one"', f'"{name}"')
    assert told(world.scan({"uv.lock": locks})) == [
        "uv.lock:None: Of its packages only 1 were compared with the package index."
    ]


@pytest.mark.parametrize("value", ["sha512:00", "sha256:00", "md5:0", "x", f"sha512:{'0' * 128}"])
def test_a_hash_that_cannot_be_compared_is_told(world: World, value: str) -> None:
    good = world.index.add_wheel("one", "1.0")["hashes"]["sha256"]
    for line in (f"one==1.0 --hash={value}", f"one==1.0 --hash=sha256:{good} --hash {value}"):
        result = world.scan({"requirements.txt": f"{line}\n"})
        assert result.verdict is Verdict.UNDECIDED
        assert "requirements.txt:1: A hash of 'one==1.0' is no SHA-256" in told(result)[0]


def test_hashes_of_what_is_only_looked_up_are_compared_too(world: World) -> None:
    world.index.add_wheel("one", "1.0")
    windows = world.index.add_wheel("windows", "1.0", tag="cp311-cp311-win_amd64")
    line = "one==1.0\nwindows==1.0 ; sys_platform == 'win32' --hash=sha256:{}\n"
    good = line.format(windows["hashes"]["sha256"]).replace("one==1.0\n", "")
    assert told(world.scan({"requirements.txt": f"one\n{good}"})) == []
    bad = f"one\n{line.format(NO_FILE)}"
    assert "None of the hashes" in told(world.scan({"requirements.txt": bad}))[0]
