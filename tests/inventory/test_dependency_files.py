"""The formats that name packages with their versions."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from package_gate.inventory.formats.items import FormatProblem
from package_gate.inventory.formats.structured import read_json, read_toml
from package_gate.inventory.pins import PinnedDependency, find_pins
from tests.fakes.dependency_tree import pins, problems, versions, write

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


def test_a_pyproject_with_too_many_requirements_is_read_up_to_there(tmp_path: Path) -> None:
    text = "[project]\ndependencies = [\n" + "'a>=1',\n" * 30_000 + "'late==1']\n"
    write(tmp_path, "pyproject.toml", text + "[tool.poetry.dependencies]\nb = '1'\n")
    assert versions(tmp_path) == {}
    assert problems(tmp_path) == [("pyproject.toml", None, "It has more than 20000 requirements.")]


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


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"[project]\nname =\n", 2),
        (b"x = [1,\n", 2),
        (b"[project]\n\xff", 2),
        (b"x = 1\n" + b"a." * 2000 + b"a = 1", 2),
        (b"x = " + b"[" * 5000, None),
    ],
    ids=range(5),
)
def test_the_line_of_broken_toml_is_known(content: bytes, line: int | None) -> None:
    problem = read_toml(content)
    assert isinstance(problem, FormatProblem)
    assert problem.line == line


def test_the_line_of_broken_json_is_known() -> None:
    for content, line in (
        (b'{\n"a": }', 2), (b"[]", None), (b'{"\xff": 1}', None), (b'{"a": ' + b"[" * 100_000, None)
    ):  # fmt: skip
        problem = read_json(content)
        assert isinstance(problem, FormatProblem)
        assert problem.line == line


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
        ("uv.lock", "a." * 1_000_000 + "a = 1"),
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
    assert versions(tmp_path) == {}
    # A list that is none, or what is no text in one, is not passed over in silence.
    assert len(problems(tmp_path)) == ("dependencies = " in content or "groups = {a" in content)


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
