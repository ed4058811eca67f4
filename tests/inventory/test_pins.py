"""Pinned and held packages in hostile trees."""

import json
import os
from pathlib import Path

import pytest

from package_gate.inventory import pins as dependencies
from package_gate.inventory.pins import find_pins
from tests.fakes.dependency_tree import pins, problems, versions, write


def test_includes_are_followed_inside_the_tree_once_each(tmp_path: Path) -> None:
    write(tmp_path, "app/requirements.txt", "-r more/extra.in\n-c ../limits.txt\na==1\n")
    write(tmp_path, "app/more/extra.in", "--requirement=../requirements.txt\n-rdeeper.list\nb==2\n")
    write(tmp_path, "app/more/deeper.list", "--constraint extra.in\nc==3\n")
    write(tmp_path, "limits.txt", '-r "app/more/extra.in"\nd==4\n')
    assert [(name, path) for name, _, path, _ in pins(tmp_path)] == [
        ("a", "app/requirements.txt"),
        ("b", "app/more/extra.in"),
        ("d", "limits.txt"),
        ("c", "app/more/deeper.list"),
    ]


@pytest.mark.parametrize(
    "target",
    [
        "../outside.txt",
        "x/../../outside.txt",
        "{outside}",
        "linked/outside.txt",
        "link.txt",
        "https://files.test/requirements.txt",
        "a\x00b",
        "/etc/hostname",
        "a/" * 1_000_000,
    ],
)
def test_an_include_never_leaves_the_tree(tmp_path: Path, target: str) -> None:
    outside, tree = tmp_path / "outside.txt", tmp_path / "tree"
    outside.write_text("evil==1.0\n")
    write(tree, "requirements.txt", f"-r {target.format(outside=outside)}\ngood==1.0\n")
    (tree / "linked").symlink_to(tmp_path)
    (tree / "link.txt").symlink_to(outside)
    assert versions(tree) == {"good": "1.0"}
    assert len(problems(tree)) == 1


def test_links_and_special_files_are_not_read(tmp_path: Path) -> None:
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    write(outside, "requirements.txt", "evil==1.0\n")
    tree.mkdir()
    (tree / "requirements.txt").symlink_to(outside / "requirements.txt")
    (tree / "folder").symlink_to(outside)
    os.mkfifo(tree / "dev-requirements.txt")
    assert find_pins(tree) == []


def test_an_included_file_that_is_missing_is_reported(tmp_path: Path) -> None:
    write(tmp_path, "requirements.txt", "-r base.txt\n")
    assert problems(tmp_path) == [
        ("base.txt", None, "It can't be read: No such file or directory.")
    ]


def test_a_file_with_bad_lines_is_reported_once_and_its_pins_still_count(tmp_path: Path) -> None:
    write(tmp_path, "requirements.txt", "a==1\n{{ templated }}\n<html>\nb==2\n")
    assert versions(tmp_path) == {"a": "1", "b": "2"}
    [(path, line, problem)] = problems(tmp_path)
    assert (path, line) == ("requirements.txt", 2)
    assert problem.startswith("'{{ templated }}' is no requirement (")


def test_a_name_or_version_that_can_be_none_is_reported(tmp_path: Path) -> None:
    bad = [{"name": "a\u202eb", "version": "1"}, {"name": "c", "version": "1 \x1b[31m"}]
    bad += [{"name": "d" * 300, "version": "1"}, {"name": "e", "version": "1" * 300}]
    text = "".join(f"[[package]]\nname = {json.dumps(p['name'])}\n" for p in bad[:1])
    text += f"version = {json.dumps('1')}\n"
    for p in bad[1:]:
        name, version = json.dumps(p["name"]), json.dumps(p["version"])
        text += f"[[package]]\nname = {name}\nversion = {version}\n"
    write(tmp_path, "poetry.lock", text + '[[package]]\nname = "good"\nversion = "1"\n')
    assert versions(tmp_path) == {"good": "1"}
    assert problems(tmp_path) == [("poetry.lock", 1, "A name or version in it is not valid.")]


def test_sizes_are_limited_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a/requirements.txt", "a==1\n" + "#" * 100)
    write(tmp_path, "b/requirements.txt", "b==1\n" + "#" * 50)
    write(tmp_path, "c/requirements.txt", "c==1\n" + "#" * 50)
    monkeypatch.setattr(dependencies, "MAX_FILE_BYTES", 90)
    monkeypatch.setattr(dependencies, "MAX_TREE_BYTES", 200)
    assert versions(tmp_path) == {"b": "1"}
    assert [path for path, _, _ in problems(tmp_path)] == [
        "a/requirements.txt",
        "c/requirements.txt",
    ]


def test_the_number_of_pins_is_limited_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "requirements.txt", "".join(f"p{n}==1\n" for n in range(10)))
    monkeypatch.setattr(dependencies, "MAX_PINS", 3)
    assert list(versions(tmp_path)) == ["p0", "p1", "p2"]
    assert problems(tmp_path) == [("requirements.txt", 4, "The tree pins more than 3 packages.")]


def test_the_number_of_includes_is_limited_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "requirements.txt", "".join(f"-r f{n}.txt\n" for n in range(10)))
    for number in range(10):
        write(tmp_path, f"f{number}.txt", f"p{number}==1\n")
    monkeypatch.setattr(dependencies, "MAX_INCLUDES", 4)
    assert list(versions(tmp_path)) == ["p0", "p1", "p2"]
    assert [path for path, _, _ in problems(tmp_path)] == ["requirements.txt"]


def test_a_folder_that_cant_be_listed_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    listed = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert problems(tmp_path) == [("closed", None, "The folder can't be listed.")]


def test_a_file_name_that_is_no_utf_8_can_be_written_as_it(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff"
    Path(os.fsdecode(folder)).mkdir()
    Path(os.fsdecode(folder + b"/requirements.txt")).write_text("a==1\n")
    [(_, _, path, _)] = pins(tmp_path)
    assert path.encode() == b"\xef\xbf\xbd/requirements.txt"
