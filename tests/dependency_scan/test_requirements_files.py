"""Requirements files: every line becomes something, and nothing outside is followed."""

from pathlib import Path

import pytest

from tests.dependency_scan.world import INDEX, asked, collected, problems


def one(folder: Path, text: str | bytes) -> list[tuple[int | None, str]]:
    """Give the problems of a single file."""
    found = collected(folder, {"requirements.txt": text})
    return [(line, told) for _, line, told in problems(found)]


def test_requirements_with_includes_constraints_and_options(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {
            "requirements.txt": (
                "# What the service needs\n"
                f"--index-url {INDEX}/\n"
                "-r requirements/base.txt\n"
                "--constraint=limits.txt\n"
                "--only-binary :all:\n"
                "\n"
                'App[extra]>=1 ; python_version > "3.8"   # a comment\n'
                "other==2.0 \\\n"
                "    --hash=sha256:00ff \\\n"
                "    --hash=sha512:AA\n"
            ),
            "requirements/base.txt": "Base_Package\n",
            "limits.txt": "urllib3<2\n",
            "src/constraints.txt": "never\n",
        },
    )
    assert problems(found) == []
    [only] = found.sets
    assert only.name == "requirements.txt"
    assert [(str(d), d.place.path, d.place.line) for d in only.requirements] == [
        ("base-package", "requirements/base.txt", 1),
        ('app[extra]>=1; python_version > "3.8"', "requirements.txt", 7),
        ("other==2.0", "requirements.txt", 8),
    ]
    assert only.requirements[2].hashes == ("sha256:00ff", "sha512:aa")
    assert [str(d) for d in only.constraints] == ["urllib3<2"]
    [note] = found.notes
    assert "src/constraints.txt" in note
    assert "nothing of it was scanned" in note


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-e git+https://user:hunter2@git.test/x#egg=x", "neither fetched nor scanned"),
        ("--editable=git+ssh://git@git.test/x", "neither fetched nor scanned"),
        ("git+https://hunter2@git.test/x.git@main", "neither fetched nor scanned"),
        ("thing @ https://user:hunter2@files.test/thing.zip", "thing comes from https://***@"),
        ("https://files.test/thing-1.0.whl?token=hunter2", "neither fetched nor scanned"),
        ("./wheels/thing-1.0.whl", "neither fetched nor scanned"),
        ("thing.whl", "neither fetched nor scanned"),
        ("-e ../elsewhere", "no folder of the repository"),
        ("--index-url https://u:hunter2@private.test/simple", "is not followed"),
        ("--extra-index-url=https://private.test/simple?x=hunter2", "is not followed"),
        ("-f https://private.test/wheels", "is not followed"),
        ("--no-index", "is not followed"),
        ("thing==1.0 extra words", "is no requirement"),
        ("thing=1.0", "is no requirement"),
        ("<<<<<<< HEAD", "is no requirement"),
        ("thing==${VERSION}", "holds a variable"),
        ("--unheard-of", "is none that a requirements file has"),
        ("t\u04bb\u0456ng==1.0", "is no requirement"),
        ("thing===1.0$x", "holds characters that no requirement has"),
        ("thing===", "names no version"),
        (f"thing ; {'(' * 1500}", "more than 50 brackets"),
        ("thing==1.0 --hash", "has a --hash that can't be read"),
        ("a" * 3000, "is longer than 2000 characters"),
        ("a" * 200_000, "longer than 100000 characters"),
    ],
    ids=range(24),
)
def test_a_line_that_cannot_be_scanned_is_named_without_its_secrets(
    tmp_path: Path, line: str, words: str
) -> None:
    [(number, told)] = one(tmp_path, f"fine==1.0\n{line}\n")
    assert number == 2
    assert words in told
    assert "hunter2" not in told
    assert len(told) < 500


def test_a_folder_of_the_repository_is_scanned_by_its_own_project_file(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {
            "requirements.txt": "-e .\n-e ./lib[extra]\n-e ./empty\n",
            "pyproject.toml": '[project]\nname = "app"\ndependencies = ["one"]\n',
            "lib/pyproject.toml": '[project]\nname = "lib"\ndependencies = ["two"]\n',
            "empty/readme": "",
        },
    )
    assert asked(found) == {"pyproject.toml": ["one"], "lib/pyproject.toml": ["two"]}
    [(path, line, told)] = problems(found)
    assert (path, line) == ("requirements.txt", 3)
    assert "no pyproject.toml was read" in told


def test_a_folder_that_is_not_looked_into_is_not_called_scanned(tmp_path: Path) -> None:
    project = '[project]\nname = "lib"\ndependencies = ["two"]\n'
    found = collected(
        tmp_path,
        {
            "requirements.txt": "-e ./vendor/lib\n-e node_modules/lib\n-e left/out\n",
            "vendor/lib/pyproject.toml": project,
            "vendor/lib/pyvenv.cfg": "home = /nowhere\n",
            "node_modules/lib/pyproject.toml": project,
            "left/out/pyproject.toml": project,
        },
        exclude=["left/*"],
    )
    assert [(path, line) for path, line, _ in problems(found)] == [
        ("vendor/lib", None),
        ("requirements.txt", 1),
        ("requirements.txt", 2),
    ]
    assert not any("scanned by itself" in note for note in found.notes)
    assert "Virtual environments were not looked into: vendor/lib." in found.notes


def test_includes_stay_in_the_repository(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("secret==1.0\n")
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "link.txt").symlink_to(tmp_path / "outside.txt")
    (repository / "folder").symlink_to(tmp_path)
    lines = [
        "-r ../outside.txt",
        f"-r {tmp_path}/outside.txt",
        "-r link.txt",
        "-r folder/outside.txt",
        "-c https://elsewhere.test/limits.txt",
        "-r file:///etc/hostname",
        "-r missing.txt",
    ]
    found = collected(repository, {"requirements.txt": "\n".join(lines)})
    assert found.sets == []
    assert [(path, line) for path, line, _ in problems(found)] == [
        ("folder", None),
        *(("requirements.txt", line) for line in range(1, 7)),
        ("missing.txt", None),
    ]


def test_a_linked_requirements_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret==1.0\n")
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "requirements.txt").symlink_to(tmp_path / "secret")
    [(path, _, told)] = problems(collected(repository, {}))
    assert path == "requirements.txt"
    assert "link" in told


def test_a_link_to_a_folder_is_told_unless_that_is_scanned_at_its_own_place(
    tmp_path: Path,
) -> None:
    repository = tmp_path / "repository"
    (tmp_path / "outside").mkdir()
    (repository / "docs" / "v1").mkdir(parents=True)
    (repository / "node_modules" / "x").mkdir(parents=True)
    links = {
        "a-outside": tmp_path / "outside",
        "b-skipped": repository / "node_modules" / "x",
        "docs/latest": Path("v1"),
        "itself": Path(),
        "requirements": Path("docs"),
        "x-left-out": tmp_path,
    }
    for name, target in links.items():
        (repository / name).symlink_to(target)
    found = collected(repository, {"requirements.txt": "one"}, exclude=["x-left-out"])
    assert [path for path, _, _ in problems(found)] == ["a-outside", "b-skipped", "requirements"]
    assert "not followed" in problems(found)[0][2]
    assert asked(found) == {"requirements.txt": ["one"]}


def test_a_file_that_constrains_another_is_scanned_as_well(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {
            "dev-requirements.txt": "-c requirements.txt\n-c constraints.txt\ntwo\n",
            "requirements.txt": "one==1.0\n",
            "constraints.txt": "two<3\n",
        },
    )
    assert problems(found) == []
    assert asked(found) == {"dev-requirements.txt": ["two"], "requirements.txt": ["one==1.0"]}
    assert [str(each) for each in found.sets[0].constraints] == ["one==1.0", "two<3"]
    assert found.notes == []


def test_layers_of_compiled_files_are_all_scanned(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {
            "requirements.in": "-r base.txt\none\n",
            "base.txt": "base==1.0\n",
            "requirements.txt": "one==1.0\nbase==1.0\n",
            "dev-requirements.in": "-c requirements.txt\ntwo\n",
            "dev-requirements.txt": "two==2.0\n",
            "requirements/shared.txt": "shared==1.0\n",
            "shared-requirements.in": "-r requirements/shared.txt\n",
            "shared-requirements.txt": "shared==1.0\n",
        },
    )
    assert problems(found) == []
    assert asked(found) == {
        "dev-requirements.txt": ["two==2.0"],
        "requirements.txt": ["one==1.0", "base==1.0"],
        "requirements/shared.txt": ["shared==1.0"],
        "shared-requirements.txt": ["shared==1.0"],
    }


def test_a_file_that_is_included_by_constraints_only_is_scanned(tmp_path: Path) -> None:
    files = {
        "dev-requirements.txt": "-c constraints.txt\ntwo\n",
        "constraints.txt": "-r requirements.txt\n",
        "requirements.txt": "one==1.0\n",
    }
    assert asked(collected(tmp_path, files)) == {
        "dev-requirements.txt": ["two"], "requirements.txt": ["one==1.0"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "files",
    [
        {"constraints.txt": "one==1.0\n"},
        {"pyproject.toml": "[tool.black]\nline-length = 99\n"},
        {"constraints.txt": "one==1.0\n", "uv.toml": "", "pyproject.toml": ""},
    ],
    ids=range(3),
)
def test_files_that_say_nothing_of_what_is_installed_are_not_clean(
    tmp_path: Path, files: dict[str, str]
) -> None:
    [(_, _, told)] = problems(collected(tmp_path, files))
    assert "nothing was scanned" in told


@pytest.mark.parametrize(
    "files",
    [{"requirements.txt": "# none\n"}, {"pyproject.toml": "[project]\nname = 'app'\n"}],
    ids=range(2),
)
def test_a_project_that_needs_nothing_is_clean(tmp_path: Path, files: dict[str, str]) -> None:
    assert problems(collected(tmp_path, files)) == []


def test_files_that_include_each_other_are_told_and_read_once(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {
            "requirements.txt": "one\n-r requirements-dev.txt\n",
            "requirements-dev.txt": "two\n-r requirements.txt\n-r requirements-dev.txt\n",
        },
    )
    assert asked(found) == {"requirements-dev.txt": ["two", "one"]}
    assert [(path, line) for path, line, _ in problems(found)] == [
        ("requirements.txt", 2),
        ("requirements-dev.txt", 3),
    ]


def test_many_includes_of_each_file_take_no_time(tmp_path: Path) -> None:
    files = {f"requirements-{n}.txt": f"-r requirements-{n + 1}.txt\n" * 3 for n in range(40)}
    found = collected(tmp_path, {**files, "requirements-40.txt": "deep\n"})
    assert asked(found) == {"requirements-0.txt": ["deep"]}


def test_a_long_row_of_includes_ends(tmp_path: Path) -> None:
    files = {f"requirements-{n}.txt": f"-r requirements-{n + 1}.txt\n" for n in range(400)}
    found = collected(tmp_path, files)
    assert any("in a row" in told for _, _, told in problems(found))


def test_a_compiled_file_is_scanned_in_place_of_its_source(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {
            "requirements.in": "app>=2\ngone\nsame\n",
            "requirements.txt": "app==1.0\nsame==1\n",
        },
    )
    assert asked(found) == {"requirements.txt": ["app==1.0", "same==1"]}
    assert [(path, line) for path, line, _ in problems(found)] == [
        ("requirements.in", 1),
        ("requirements.in", 2),
    ]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"fine==1.0\nbad\xff\xfe==1\n", 2),
        (b"fine==1.0\nth\0ing==1\n", 2),
        (b"\xff\xfe\x00", None),
    ],
    ids=range(3),
)
def test_what_is_no_text_is_told(tmp_path: Path, content: bytes, line: int | None) -> None:
    [(number, told)] = one(tmp_path, content)
    assert number == line
    assert "UTF-8" in told or "NUL" in told


@pytest.mark.parametrize(
    "content",
    [
        b"# coding: utf-7\n#+AAo-gone==1\napp==1.0\n",
        b"app==1.0\n# vim: fileencoding=raw_unicode_escape \\u000agone==1\n",
        b"# -*- coding: latin-1 -*-\n# \xc4\x85gone==1\napp==1.0\n",
        b"# coding: nothing-known\napp==1.0\n",
    ],
)
def test_what_pip_reads_in_another_encoding_is_told(tmp_path: Path, content: bytes) -> None:
    [(_, told)] = one(tmp_path, content)
    assert "Save it as UTF-8" in told


@pytest.mark.parametrize("name", ["utf-8", "UTF8", "latin-1", "ascii"])
def test_an_encoding_that_reads_the_same_is_taken(tmp_path: Path, name: str) -> None:
    found = collected(tmp_path, {"requirements.txt": f"# -*- coding: {name} -*-\napp==1.0\n"})
    assert asked(found) == {"requirements.txt": ["app==1.0"]}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_unicode_are_taken(tmp_path: Path, encoding: str) -> None:
    found = collected(tmp_path, {"requirements.txt": "app==1.0\r\n".encode(encoding)})
    assert asked(found) == {"requirements.txt": ["app==1.0"]}


def test_fifty_thousand_lines_are_read_in_time(tmp_path: Path) -> None:
    lines = [
        f"package-{n}==1.{n}\n" if n % 2 else f"not a requirement {n}\n" for n in range(50_000)
    ]
    found = collected(tmp_path, {"requirements.txt": "".join(lines)})
    assert len(found.sets[0].requirements) == 25_000
    assert len(found.problems) == 101
    assert "24,900 more" in found.problems[-1].text


def test_a_file_that_is_too_large_is_told(tmp_path: Path) -> None:
    [(_, told)] = one(tmp_path, b"#" * (10 * 1024 * 1024 + 1))
    assert "larger than" in told


def test_no_dependency_file_is_never_clean(tmp_path: Path) -> None:
    [(_, _, told)] = problems(collected(tmp_path, {"main.py": ""}))
    assert "no dependency file" in told


def test_what_is_not_scanned_is_named(tmp_path: Path) -> None:
    files = {
        "setup.py": "raise SystemExit('run')",
        "sub/setup.py": "",
        "sub/pyproject.toml": "[project]\nname = 'x'\ndependencies = []\n",
        "setup.cfg": "[options]\ninstall_requires = x\n",
        "lint/setup.cfg": "[flake8]\n",
        "web/package.json": "{}",
        "web/package-lock.json": "{}",
        "Pipfile": "",
        "environment.yml": "name: nothing",
        "conda-lock.yml": "",
        "node_modules/x/package.json": "{}",
        "tools/setup.cfg": "[options]\nInstall-Requires = x\n",
        "tools/pyproject.toml": "[tool.black]\n",
        "tools/setup.py": "",
        "venv/pyvenv.cfg": "",
        "venv/lib/python3.11/site-packages/x/requirements.txt": "a==1",
        "venv/share/package.json": "",
        ".git/requirements.txt": "a==1",
    }
    found = collected(tmp_path, files)
    assert sorted(path for path, _, _ in problems(found)) == [
        "Pipfile", "conda-lock.yml", "setup.cfg", "setup.py", "tools/setup.cfg", "tools/setup.py",
        "web/package-lock.json",
    ]  # fmt: skip
    assert found.sets == []
    assert found.notes == ["Virtual environments were not looked into: venv."]


def test_what_is_excluded_is_left_out_and_named(tmp_path: Path) -> None:
    files = {"requirements.txt": "a", "tests/requirements.txt": "b", "web/package.json": "{}"}
    found = collected(tmp_path, files, exclude=["tests/*", "web/package.json"])
    assert asked(found) == {"requirements.txt": ["a"]}
    assert problems(found) == []
    assert found.notes == ["Left out by --exclude: tests/requirements.txt, web/package.json."]
