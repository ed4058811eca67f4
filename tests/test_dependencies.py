"""Pinned and held packages, read statically from hostile trees."""

import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from package_gate import dependencies
from package_gate.dependencies import PinnedDependency, UnreadableFile, find_pins


def write(tree: Path, path: str, content: str | bytes) -> None:
    file = tree / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


def pins(tree: Path) -> list[tuple[str, str, str, int | None]]:
    found = find_pins(tree)
    assert not [each for each in found if isinstance(each, UnreadableFile)]
    return [
        (each.name, each.version, each.path, each.line)
        for each in found
        if isinstance(each, PinnedDependency)
    ]


def problems(tree: Path) -> list[tuple[str, int | None, str]]:
    return [
        (each.path, each.line, each.problem)
        for each in find_pins(tree)
        if isinstance(each, UnreadableFile)
    ]


def versions(tree: Path) -> dict[str, str]:
    found = find_pins(tree)
    return {each.name: each.version for each in found if isinstance(each, PinnedDependency)}


REQUIREMENTS = r"""# comment with pins: evil==1.0
PyYAML==5.3.1
zope.interface == 6.0 ; python_version >= "3.8"   # why
Pillow[heic,avif]===7.1.2 --hash=sha256:aaaa
urllib3==1.25.8 \
    --hash=sha256:bbbb \
    --hash=sha256:cccc
requests>=2.0,==2.31.0
numpy>=1.20
scipy==1.11.*
name @ https://files.test/name-1.0.zip
https://files.test/other-1.0-py3-none-any.whl
./local/package
package-1.0.tar.gz
-e git+https://git.test/repo.git@v1#egg=editable
--index-url https://index.test/simple
--no-binary :all:

legacy==1.0-custom-build ; python_version < "3"
"""


def test_requirements_files_are_read_as_pip_reads_them(tmp_path: Path) -> None:
    write(tmp_path, "requirements.txt", REQUIREMENTS)
    assert [(name, version, line) for name, version, _, line in pins(tmp_path)] == [
        ("pyyaml", "5.3.1", 2),
        ("zope-interface", "6.0", 3),
        ("pillow", "7.1.2", 4),
        ("urllib3", "1.25.8", 5),
        ("requests", "2.31.0", 8),
        ("legacy", "1.0-custom-build", 19),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "Requirements.TXT",
        "requirements-dev.txt",
        "dev-requirements.txt",
        "requirements/base.txt",
        "constraints.txt",
        "constraints-3.11.txt",
        "deep/in/tests/vendor/requirements.txt",
    ],
)
def test_requirements_files_are_known_by_their_usual_names(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, "pkg==1.0\n")
    assert pins(tmp_path) == [("pkg", "1.0", name, 1)]


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    for name in ("notes.txt", "requirements.md", "setup.py", "package.json", "METADATA"):
        write(tmp_path, name, "pkg==1.0\nName: pkg\nVersion: 1.0\n")
    assert find_pins(tmp_path) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_requirements_are_read_in_the_encodings_that_people_use(
    tmp_path: Path, encoding: str
) -> None:
    text = "# für uns\r\npkg==1.0\r\n"
    write(tmp_path, "requirements.txt", text.encode(encoding))
    assert pins(tmp_path) == [("pkg", "1.0", "requirements.txt", 2)]


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
        "~/outside.txt",
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
    assert problems(tmp_path) == [("requirements.txt", 2, "A line in it is no requirement.")]


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


PYPROJECT = """
[build-system]
requires = ["setuptools==58.0.0", "wheel"]

[project]
name = "My.Project"
version = "2.0"
dependencies = [
    "PyYAML==5.3.1",
    "numpy>=1.20",
]
[project.optional-dependencies]
images = ["Pillow==7.1.2"]

[dependency-groups]
test = ["urllib3==1.25.8", {include-group = "lint"}]
lint = []
"""


def test_the_lists_of_a_pyproject_are_read_and_its_own_name_is_held(tmp_path: Path) -> None:
    write(tmp_path, "repo-main/pyproject.toml", PYPROJECT)
    path = "repo-main/pyproject.toml"
    assert find_pins(tmp_path) == [
        PinnedDependency("my-project", "2.0", path, 7, held=True),
        PinnedDependency("pyyaml", "5.3.1", path, 9),
        PinnedDependency("setuptools", "58.0.0", path, 3),
        PinnedDependency("pillow", "7.1.2", path, 13),
        PinnedDependency("urllib3", "1.25.8", path, 16),
    ]


@pytest.mark.parametrize("version", ["0.0.0", "0", "0.0"])
def test_a_placeholder_version_is_none(tmp_path: Path, version: str) -> None:
    write(tmp_path, "pyproject.toml", f'[project]\nname = "a"\nversion = "{version}"\n')
    assert find_pins(tmp_path) == []


def test_a_dynamic_version_is_none(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", '[project]\nname = "a"\ndynamic = ["version"]\n')
    assert find_pins(tmp_path) == []


def test_a_poetry_project_names_itself(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", '[tool.poetry]\nname = "a"\nversion = "1.2"\n')
    assert find_pins(tmp_path) == [PinnedDependency("a", "1.2", "pyproject.toml", 3, held=True)]


LOCK = """version = 1

[[package]]
name = "pyyaml"
version = "5.3.1"
description = '''
text
'''

[package.dependencies]
six = "*"

  [[package]]
name = "Urllib3"
version = "1.25.8"
source = { registry = "https://index.test/simple" }

[[package]]
name = "itself"
source = { editable = "." }
"""


@pytest.mark.parametrize("name", ["poetry.lock", "uv.lock", "pdm.lock", "sub/uv.lock"])
def test_toml_lock_files_are_read(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, LOCK)
    assert pins(tmp_path) == [("pyyaml", "5.3.1", name, 3), ("urllib3", "1.25.8", name, 13)]


@pytest.mark.parametrize("name", ["pylock.toml", "pylock.dev.toml"])
def test_pylock_files_are_read(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, LOCK.replace("[[package]]", "[[packages]]").replace("[package.", "[p."))
    assert pins(tmp_path) == [("pyyaml", "5.3.1", name, 3), ("urllib3", "1.25.8", name, 13)]


def test_a_line_is_left_out_rather_than_wrong(tmp_path: Path) -> None:
    write(tmp_path, "uv.lock", LOCK.replace("text", "[[package]]"))
    assert [line for _, _, _, line in pins(tmp_path)] == [None, None]


def test_a_pipfile_lock_is_read(tmp_path: Path) -> None:
    lock = {
        "_meta": {"hash": {"sha256": "x"}},
        "default": {
            "pyyaml": {"hashes": ["sha256:aa"], "version": "==5.3.1"},
            "local": {"path": "."},
        },
        "develop": {"urllib3": {"version": "==1.25.8"}},
    }
    write(tmp_path, "Pipfile.lock", json.dumps(lock, indent=4))
    assert pins(tmp_path) == [
        ("pyyaml", "5.3.1", "Pipfile.lock", 8),
        ("urllib3", "1.25.8", "Pipfile.lock", 19),
    ]


@pytest.mark.parametrize("path", ["pkg-1.0/PKG-INFO", "vendor/pkg-1.0.dist-info/METADATA"])
def test_packages_that_the_tree_holds_are_known_by_their_metadata(
    tmp_path: Path, path: str
) -> None:
    text = "Metadata-Version: 2.1\nName: My_Pkg\nVersion: 1.0\nVersion: 9\n\nName: body\n"
    write(tmp_path, path, text)
    assert find_pins(tmp_path) == [PinnedDependency("my-pkg", "1.0", path, 2, held=True)]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("pyproject.toml", "[project"),
        ("pyproject.toml", b"\xff\xfe"),
        ("uv.lock", "x = " + "[" * 5000),
        ("uv.lock", "x = " + "9" * 10_000),
        ("pyproject.toml", f"[project]\nname = 'a'\nversion = '{'9' * 10_000}'"),
        ("requirements.txt", "a==" + "9" * 5000),
        ("uv.lock", "package = 5"),
        ("poetry.lock", "[[package]]\nversion = '1'\n"),
        ("Pipfile.lock", "[]"),
        ("Pipfile.lock", "{"),
        ("Pipfile.lock", b'{"\xff": 1}'),
        ("Pipfile.lock", '{"a": ' + "[" * 100_000),
        ("requirements.txt", b"\x89PNG\r\n\x1a\n\x00"),
        ("requirements.txt", "a==1" + " " * 1_000_000 + ";"),
        ("requirements.txt", "a" + " " * 1_000_000 + "b"),
    ],
)
def test_a_file_that_cant_be_read_is_reported(
    tmp_path: Path, path: str, content: str | bytes
) -> None:
    write(tmp_path, path, content)
    assert [where for where, _, _ in problems(tmp_path)] == [path]


@pytest.mark.parametrize(
    "content",
    [
        "project = 5",
        "project = [1]",
        "[project]\nname = 5\nversion = {}\ndependencies = 'a==1'",
        "[project]\ndependencies = [1, {}, []]\noptional-dependencies = [1]",
        "[tool]\npoetry = 'x'",
        "build-system = 1\ndependency-groups = {a = 1}",
    ],
)
def test_a_pyproject_of_odd_shapes_names_nothing(tmp_path: Path, content: str) -> None:
    write(tmp_path, "pyproject.toml", content)
    assert find_pins(tmp_path) == []


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


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(
        ["requirements.txt", "pyproject.toml", "uv.lock", "Pipfile.lock", "PKG-INFO", "pylock.toml"]
    ),
    st.one_of(
        st.binary(max_size=200),
        st.text(alphabet="ab=[]{}\"'\\\n\r#-;., 1\x00\u2028", max_size=120).map(str.encode),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["default", "package", "version", "a"]), inner)
            ),
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_no_content_makes_it_crash(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), name, content)
        for each in find_pins(Path(folder)):
            each.path.encode()
