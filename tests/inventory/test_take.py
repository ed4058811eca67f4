"""An artifact's inventory: taken from hostile trees, always fit for the gate."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from package_gate.core.finding import MAX_LOCATIONS, Location
from package_gate.core.inventory import Component, EntryPoint, Inventory, Licence, UnreadableFile
from package_gate.inventory import bounds
from package_gate.inventory.bounds import MAX_INVENTORY_BYTES, problem_with
from package_gate.inventory.take import take_inventory
from tests.fakes.dependency_tree import write

WHEEL = "demo_pkg-1.0-py3-none-any.whl"
INFO = "demo_pkg-1.0.dist-info"
METADATA = (
    "Metadata-Version: 2.4\nName: Demo.Pkg\nVersion: 1.0\nRequires-Python: >=3.9\n"
    "Summary: A demo.\n"
    "Requires-Dist: idna==3.7\nLicense-Expression: MIT\n"
)


def take(tree: Path, artifact: str = WHEEL) -> Inventory:
    inventory = take_inventory(tree, artifact)
    assert problem_with(inventory) == ""
    assert len(msgspec.json.encode(inventory)) <= MAX_INVENTORY_BYTES
    assert msgspec.json.decode(msgspec.json.encode(inventory), type=Inventory) == inventory
    return inventory


def test_a_wheel_is_described(tmp_path: Path) -> None:
    write(tmp_path, f"{INFO}/METADATA", METADATA)
    write(tmp_path, f"{INFO}/entry_points.txt", "[console_scripts]\ndemo = demo.cli:main\n")
    write(tmp_path, "demo/_vendor/old-2.0.dist-info/METADATA", "Name: old\nVersion: 2.0\n")
    write(tmp_path, "demo/requirements.txt", "urllib3==1.25.8\n")
    write(tmp_path, "demo/uv.lock", '[[package]]\nname = "urllib3"\nversion = "1.25.8"\n')
    assert take(tmp_path) == Inventory(
        artifact=WHEEL,
        name="Demo.Pkg",
        version="1.0",
        requires_python=">=3.9",
        summary="A demo.",
        requires=("idna==3.7",),
        licence=Licence("MIT"),
        entry_points=(EntryPoint("console_scripts", "demo", "demo.cli:main"),),
        components=(
            Component("urllib3", "1.25.8", False, (
                Location("demo/requirements.txt", 1), Location("demo/uv.lock", 1)), 2),
            Component("old", "2.0", True, (
                Location("demo/_vendor/old-2.0.dist-info/METADATA", 1),)),
            Component("demo-pkg", "1.0", True, (Location(f"{INFO}/METADATA", 2),)),
        ),
    )  # fmt: skip


def test_an_sdist_is_described_by_its_pkg_info(tmp_path: Path) -> None:
    write(tmp_path, "demo-1.0/PKG-INFO", METADATA)
    write(tmp_path, "demo-1.0/tests/data/PKG-INFO", "Name: other\nVersion: 5\n")
    found = take(tmp_path, "demo-1.0.tar.gz")
    assert (found.name, found.version, found.requires_python) == ("Demo.Pkg", "1.0", ">=3.9")


def test_an_archive_without_metadata_has_no_name(tmp_path: Path) -> None:
    write(tmp_path, "repo-main/requirements.txt", "urllib3==1.25.8\n")
    found = take(tmp_path, "repo.zip")
    assert (found.name, found.version) == ("", "")
    assert [each.name for each in found.components] == ["urllib3"]


def test_an_empty_tree_has_an_empty_inventory(tmp_path: Path) -> None:
    assert take(tmp_path, "x.zip") == Inventory("x.zip")


def test_of_several_metadata_the_one_of_the_wheels_name_counts(tmp_path: Path) -> None:
    write(tmp_path, "a-1.dist-info/METADATA", "Name: a\nVersion: 1\n")
    write(tmp_path, f"{INFO}/METADATA", METADATA)
    assert take(tmp_path).name == "Demo.Pkg"


def test_a_pin_and_a_copy_of_one_release_are_two_components(tmp_path: Path) -> None:
    write(tmp_path, "vendor/a-1.dist-info/METADATA", "Name: a\nVersion: 1\n")
    write(tmp_path, "vendor/requirements.txt", "a==1\n")
    assert [(each.name, each.held) for each in take(tmp_path).components] == [
        ("a", False),
        ("a", True),
    ]


def test_the_places_of_a_component_are_limited_and_counted(tmp_path: Path) -> None:
    for number in range(30):
        write(tmp_path, f"{number:02}/requirements.txt", "a==1\n")
    (found,) = take(tmp_path).components
    assert (len(found.locations), found.count) == (MAX_LOCATIONS, 30)


def test_links_and_pipes_are_not_read(tmp_path: Path) -> None:
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    write(outside, "METADATA", METADATA)
    write(outside, "entry_points.txt", "[a]\nb = c\n")
    tree.mkdir()
    (tree / "a-1.dist-info").symlink_to(outside)
    write(tree, "b-1.dist-info/METADATA", "Name: b\nVersion: 1\n")
    (tree / "b-1.dist-info" / "entry_points.txt").symlink_to(outside / "entry_points.txt")
    (tree / "c-1.dist-info").mkdir()
    os.mkfifo(tree / "c-1.dist-info" / "METADATA")
    found = take(tree)
    assert (found.name, found.entry_points) == ("b", ())


def test_the_hosts_that_code_names_are_listed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("A = 'https://outside.example'\n")
    tree = tmp_path / "tree"
    write(tree, "a/b.py", "# 'see' https://remark.example\nU = 'https://b.example/x'\n")
    write(tree, "a/c.pyw", "H = 'c.example'\nG = 'https://github.com/own/project'\n")
    write(tree, "a/d.txt", "'https://text.example'\n")
    (tree / "a" / "e.py").symlink_to(outside)
    assert take(tree).addresses == ("b.example", "c.example")


def test_of_too_many_hosts_the_first_are_listed_and_no_file_counts_as_unread(
    tmp_path: Path,
) -> None:
    names = "".join(f"'https://h{number:05}.example'\n" for number in range(6000))
    write(tmp_path, "a.py", names)
    write(tmp_path, "b.py", "'https://a.example\u202e'\n'https://" + "b" * 300 + ".example'\n")
    found = take(tmp_path)
    assert len(found.addresses) == bounds.MAX_ADDRESSES
    assert found.addresses[0] == "h00000.example"
    assert found.unreadable == ()


def test_metadata_in_a_folder_of_its_name_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, f"{INFO}/METADATA/x", METADATA)
    assert take(tmp_path).name == ""


@pytest.mark.parametrize(
    "content", [b"\x00" * 5_000_000, b"Name: a\nContent-Type: message/rfc822\n\n" * 5000]
)
def test_metadata_that_cant_be_read_is_named_once(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, f"{INFO}/METADATA", content)
    found = take(tmp_path)
    assert found.name == ""
    assert [each.path for each in found.unreadable] == [f"{INFO}/METADATA"]


PROJECT = """
[project]
name = "Demo"
version = "1.0"
requires-python = ">=3.9"
dependencies = ["idna>=2", 3]
license = "MIT"
license-files = ["LICENSE*"]
classifiers = ["License :: OSI Approved :: MIT License", "Topic :: Text"]
[project.scripts]
demo = "demo.cli:main"
bad = 3
[project.entry-points."demo.plugins"]
one = "demo:one"
"""


@pytest.mark.parametrize("folder", ["", "demo-main/"])
def test_source_without_metadata_is_described_by_its_pyproject(tmp_path: Path, folder: str) -> None:
    write(tmp_path, f"{folder}pyproject.toml", PROJECT)
    found = take(tmp_path, "demo.zip")
    assert (found.name, found.version, found.requires_python) == ("Demo", "1.0", ">=3.9")
    assert found.requires == ("idna>=2",)
    assert found.licence == Licence(
        "MIT", "", ("License :: OSI Approved :: MIT License",), ("LICENSE*",)
    )
    assert found.entry_points == (
        EntryPoint("console_scripts", "demo", "demo.cli:main"),
        EntryPoint("demo.plugins", "one", "demo:one"),
    )


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ('{text = "see\\nbelow"}', Licence(text="see below")),
        ('{file = "COPYING"}', Licence(files=("COPYING",))),
        ("3", Licence()),
        ("{text = 3, file = []}", Licence()),
    ],
)
def test_a_licence_of_older_projects_is_read(
    tmp_path: Path, licence: str, expected: Licence
) -> None:
    write(tmp_path, "pyproject.toml", f'[project]\nname = "demo"\nlicense = {licence}\n')
    assert take(tmp_path, "demo.zip").licence == expected


def test_a_poetry_project_is_described_by_its_own_table(tmp_path: Path) -> None:
    text = '[tool.poetry]\nname = "demo"\nversion = "0.0.0"\nlicense = "MIT"\n'
    write(tmp_path, "pyproject.toml", f'{text}[tool.poetry.scripts]\ndemo = "demo:main"\n')
    found = take(tmp_path, "demo.zip")
    assert (found.name, found.version, found.licence.text) == ("demo", "", "MIT")
    assert found.entry_points == (EntryPoint("console_scripts", "demo", "demo:main"),)


def test_the_metadata_of_an_sdist_counts_and_its_entry_points_stand_in_the_project(
    tmp_path: Path,
) -> None:
    write(tmp_path, "demo-1.0/PKG-INFO", "Name: other\nVersion: 2.0\n")
    write(tmp_path, "demo-1.0/pyproject.toml", PROJECT)
    found = take(tmp_path, "demo-1.0.tar.gz")
    assert (found.name, found.version, found.requires) == ("other", "2.0", ())
    assert [each.name for each in found.entry_points] == ["demo", "one"]


def test_a_project_file_in_a_wheel_describes_nothing(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", PROJECT)
    assert take(tmp_path).name == ""


def test_a_project_file_that_cant_be_read_is_named_once(tmp_path: Path) -> None:
    write(tmp_path, "demo-main/pyproject.toml", "[project")
    found = take(tmp_path, "demo.zip")
    assert [each.path for each in found.unreadable] == ["demo-main/pyproject.toml"]


def test_code_that_was_copied_in_is_held(tmp_path: Path) -> None:
    write(tmp_path, "pip/_vendor/vendor.txt", "urllib3==1.26.5\n    # for tests\nrich\n")
    write(tmp_path, "old/six-1.0.egg-info", "Name: six\nVersion: 1.0\n")
    assert [(each.name, each.version, each.held) for each in take(tmp_path).components] == [
        ("six", "1.0", True),
        ("urllib3", "1.26.5", True),
    ]


def test_entry_points_are_read_as_python_reads_them(tmp_path: Path) -> None:
    write(tmp_path, f"{INFO}/METADATA", METADATA)
    text = "lost = a\n# x = y\n[ g ]\n a=b:c [extra] \n\n;x\nno value\n[h\nk = = v\n[]\nlost = b\n"
    write(tmp_path, f"{INFO}/entry_points.txt", text)
    assert take(tmp_path).entry_points == (
        EntryPoint("g", "a", "b:c [extra]"),
        EntryPoint("g", "k", "= v"),
    )


def test_too_many_entry_points_are_cut_and_that_is_said(tmp_path: Path) -> None:
    write(tmp_path, f"{INFO}/METADATA", METADATA)
    write(tmp_path, f"{INFO}/entry_points.txt", "[g]\n" + "a = b\n" * 100_000)
    found = take(tmp_path)
    assert len(found.entry_points) == bounds.MAX_ENTRY_POINTS
    assert found.unreadable == (
        UnreadableFile(
            f"{INFO}/METADATA", None, "It names more entry points than an inventory takes."
        ),
    )


def test_an_inventory_is_never_too_large(tmp_path: Path) -> None:
    """Each part is within its own bound here, and all together are not."""
    long = "\\" * 1900
    write(tmp_path, f"{INFO}/METADATA", METADATA + f"Requires-Dist: {long}\n" * 2000)
    write(tmp_path, f"{INFO}/entry_points.txt", "[g]\n" + f"a = {long}\n" * 2000)
    write(tmp_path, "requirements.txt", "".join(f"{'a' * 190}{n}==1\n" for n in range(15_000)))
    for number in range(1500):
        write(tmp_path, f"{'d' * 200}/{'e' * 200}/{number}/uv.lock", "[")
    found = take(tmp_path)
    assert len(found.unreadable) <= bounds.MAX_UNREADABLE
    assert found.unreadable[-1].problem.endswith("more files can't be read.")
    problems = {each.problem for each in found.unreadable}
    assert "It names more entry points than an inventory takes." in problems
    assert "It names more packages than an inventory takes." in problems


def test_long_names_of_other_scripts_do_not_make_an_inventory_too_large(tmp_path: Path) -> None:
    """A character of theirs has three bytes."""
    deep, long = tmp_path, "\u55e8" * 80
    for _ in range(12):
        deep /= long
        deep.mkdir()
    for number in range(1100):
        (deep / str(number)).mkdir()
        (deep / str(number) / "uv.lock").write_text("[")
    write(tmp_path, f"{INFO}/METADATA", METADATA + f"License-File: {long}{long}\n" * 300)
    write(tmp_path, f"{INFO}/entry_points.txt", "[g]\n" + f"a = {long * 20}\n" * 4000)
    found = take(tmp_path)
    assert found.unreadable[-1].problem.endswith("more files can't be read.")


def test_texts_are_made_fit_to_read(tmp_path: Path) -> None:
    write(tmp_path, f"{INFO}/METADATA", METADATA + "Requires-Dist: a\u202e\x1b[2J b\n")
    write(tmp_path, f"{INFO}/entry_points.txt", f"[g\u202e]\n{'n' * 999} = \u200b{'v' * 9999}\n")
    write(tmp_path, "a\u202e/requirements.txt", "b==1\n")
    write(tmp_path, "c\x1b/uv.lock", "[")
    take(tmp_path)


def test_a_tree_that_is_not_there_is_an_error_and_no_empty_inventory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        take_inventory(tmp_path / "missing", WHEEL)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([f"{INFO}/METADATA", f"{INFO}/entry_points.txt", "uv.lock", "x/PKG-INFO"]),
    st.one_of(
        st.binary(max_size=200),
        st.lists(
            st.sampled_from([
                "Name: a", "Version: 1", "Version: \x00", "Requires-Dist: a; (", "License: \udcff",
                "Classifier: License :: x\u202e", "Content-Type: multipart/x", " more", "",
                "[g]", "a = b", "Requires-Python: >=3", "License-File: ../../x", "\u0130: x",
            ])
        ).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass")),
    ),
)  # fmt: skip
def test_whatever_is_in_a_file_the_inventory_is_sound(path: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), f"{INFO}/METADATA", METADATA)
        write(Path(folder), path, content)
        take(Path(folder))


SOUND = Inventory(
    "a.zip", "zip", "a", "1", ">=3", "For tests.", ("b>=1",), True, Licence("MIT"),
    (EntryPoint("g", "n", "v"),),
    (Component("b", "1", False, (Location("x", 1),)),), (UnreadableFile("y", None, "Why."),),
)  # fmt: skip


@pytest.mark.parametrize(
    "unsound",
    [
        replace(SOUND, kind="rar"),
        replace(SOUND, name="a\x1b"),
        replace(SOUND, version="1 0"),
        replace(SOUND, requires_python="<5,>=3 ; x"),
        replace(SOUND, requires_python="<5, >=3"),
        replace(SOUND, summary="a\nb"),
        replace(SOUND, requires=("a\u202e",)),
        replace(SOUND, requires=("a" * 2001,)),
        replace(SOUND, requires=("a",) * 5001),
        replace(SOUND, licence=Licence("MIT\n")),
        replace(SOUND, licence=Licence(text="x" * 501)),
        replace(SOUND, licence=Licence(classifiers=("License :: \x00",))),
        replace(SOUND, licence=Licence(files=("x",) * 201)),
        replace(SOUND, entry_points=(EntryPoint("g\r", "n", "v"),)),
        replace(SOUND, entry_points=(EntryPoint("g", "n" * 201, "v"),)),
        replace(SOUND, entry_points=(EntryPoint("g", "n", "v\ufeff"),)),
        replace(SOUND, addresses=("a b.example\n",)),
        replace(SOUND, addresses=("a.example",) * 5001),
        replace(SOUND, components=(Component("B", "1"),)),
        replace(SOUND, components=(Component("b", "1\n"),)),
        replace(SOUND, components=(Component("b", "1", count=0, locations=(Location("x"),)),)),
        replace(SOUND, components=(Component("b", "1", locations=(Location("x", 0),)),)),
        replace(SOUND, components=(Component("b", "1", locations=(Location("x\n"),)),)),
        replace(SOUND, components=(Component("b", "1", False, (Location("x"),) * 21, 21),)),
        replace(SOUND, components=(Component("b", "1"),) * 20_001),
        replace(SOUND, unreadable=(UnreadableFile("x\x07", None, "Why."),)),
        replace(SOUND, unreadable=(UnreadableFile("x", None, "y" * 201),)),
        replace(SOUND, unreadable=(UnreadableFile("x" * 1024, None, "y" * 200),) * 1001),
        replace(SOUND, requires=("é" * 2000,) * 4999),
    ],
    ids=range(29),
)
def test_what_take_never_gives_has_a_problem(unsound: Inventory) -> None:
    assert problem_with(SOUND) == ""
    assert problem_with(unsound) != ""
    assert problem_with(unsound).isprintable()
