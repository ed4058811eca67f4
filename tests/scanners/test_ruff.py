import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.limits import Limits
from package_gate.sandbox.pool import ScannerPool
from package_gate.scanners import ruff as ruff_scanner
from package_gate.scanners.registry import worker_spec
from package_gate.scanners.ruff import Ruff, bandit_severity
from tests.fakes.scanners import FakeSettings
from tests.scanners.packages import package, package_of

SHOUT = "assert x\n"
OFF = '[lint]\nignore = ["ALL"]\nselect = []\nper-file-ignores = {"*" = ["S"]}\n'
HIDDEN = 'exclude = ["*"]\nextend-exclude = ["*"]\nforce-exclude = true\ninclude = []\n'


def scan(tmp_path: Path, files: dict[str, str | bytes]) -> dict[str, Finding]:
    found = list(Ruff().scan(package(tmp_path, files)))
    assert len({each.rule for each in found}) == len(found)
    return {each.rule: each for each in found}


def places(found: dict[str, Finding], rule: str) -> set[str]:
    return {location.path for location in found[rule].locations} if rule in found else set()


def test_each_rule_is_one_finding_with_its_places(tmp_path: Path) -> None:
    code = "import subprocess\n" + "assert x\n" * 30 + "eval(x)\n"

    found = scan(tmp_path, {"sample/a.py": code})

    asserts = found["S101"]
    assert (asserts.kind, asserts.severity, asserts.count) == (Kind.CODE, Severity.LOW, 30)
    assert len(asserts.locations) == 20
    assert (asserts.locations[0].path, asserts.locations[0].line) == ("sample/a.py", 2)
    assert asserts.artifact == "sample-1.0-py3-none-any.whl"
    assert asserts.references == ("https://docs.astral.sh/ruff/rules/assert",)
    assert found["S307"].severity is Severity.MEDIUM
    assert found["S307"].locations[0].line == 32


@pytest.mark.parametrize(
    "source",
    [
        "assert x  # noqa",
        "assert x  # noqa: S101",
        "assert x  # nosec",
        "# ruff: noqa\nassert x",
        "# ruff: noqa: S101\nassert x",
        "# flake8: noqa\nassert x",
        "# ruff: disable[S101]\nassert x\n# ruff: enable[S101]",
        "# ruff: file-ignore[S101]\nassert x",
        "assert x  # ruff: ignore[S101]",
    ],
)
def test_no_comment_switches_a_rule_off(tmp_path: Path, source: str) -> None:
    assert "S101" in scan(tmp_path, {"a.py": source + "\n"})


@pytest.mark.parametrize(
    "planted",
    [
        {"ruff.toml": OFF},
        {".ruff.toml": OFF},
        {"ruff.toml": HIDDEN},
        {"sample/ruff.toml": HIDDEN},
        {"pyproject.toml": '[tool.ruff]\nexclude = ["*"]\n[tool.ruff.lint]\nignore = ["S"]\n'},
        {".gitignore": "*\n"},
        {".ignore": "*\n"},
        {"sample/.gitignore": "*\n"},
        {".git/info/exclude": "*\n", ".git/HEAD": "ref: refs/heads/main\n"},
    ],
)
def test_no_file_in_the_package_switches_a_rule_off(
    tmp_path: Path, planted: dict[str, str | bytes]
) -> None:
    assert "S101" in scan(tmp_path, {"sample/a.py": SHOUT, **planted})


def test_no_configuration_around_or_in_the_environment_switches_a_rule_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ruff.toml").write_text(OFF + HIDDEN)
    (tmp_path / "home" / ".config" / "ruff").mkdir(parents=True)
    (tmp_path / "home" / ".config" / "ruff" / "ruff.toml").write_text(OFF)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RUFF_CONFIG", str(tmp_path / "ruff.toml"))
    monkeypatch.setenv("RUFF_OUTPUT_FILE", str(tmp_path / "elsewhere"))

    assert "S101" in scan(tmp_path / "scratch", {"sample/a.py": SHOUT})
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    "folder",
    [
        *("build", "dist", "venv", ".venv", "node_modules", "site-packages", ".git", ".hidden"),
        *("_build", "buck-out", "__pypackages__", ".tox", ".nox", ".eggs", ".ipynb_checkpoints"),
    ],
)
def test_no_folder_is_left_out(tmp_path: Path, folder: str) -> None:
    assert places(scan(tmp_path, {f"{folder}/a.py": SHOUT}), "S101") == {f"{folder}/a.py"}


def test_all_files_that_hold_python_are_checked(tmp_path: Path) -> None:
    notebook = {
        "cells": [{"cell_type": "code", "source": [SHOUT], "metadata": {}, "outputs": []}],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    files: dict[str, str | bytes] = {
        "a.py": SHOUT,
        "b.pyw": SHOUT,
        "c.pyi": SHOUT,
        "d.ipynb": json.dumps(notebook),
        "line\nbreak.py": SHOUT,
        "bom.py": b"\xef\xbb\xbfassert x\n",
    }

    found = scan(tmp_path, files)

    assert places(found, "S101") == {
        *("a.py", "b.pyw", "c.pyi", "d.ipynb", "line\\nbreak.py", "bom.py")
    }


def test_files_that_can_not_be_parsed_are_named_once(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "old.py": 'print "a"\nprint "b"\n',
        "broken.py": "assert (\n",
        "latin.py": b"x = '\xe9'\n",
        "fine.py": SHOUT,
    }

    found = scan(tmp_path, files)

    assert found["unparsable"].severity is Severity.INFO
    assert found["unparsable"].count == 3
    assert places(found, "unparsable") == {"old.py", "broken.py", "latin.py"}
    assert places(found, "S101") == {"fine.py"}


def test_a_file_that_several_wheels_have_is_checked_once_and_reported_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    ruff = Ruff()
    run = ruff._run

    def note(paths: Sequence[str]) -> Iterator[Any]:
        given.extend(paths)
        return run(paths)

    monkeypatch.setattr(ruff, "_run", note)
    wheels = [
        package(
            tmp_path / tag,
            {
                "sample/same.py": "assert x\nexec(y)\n",
                "sample/broken.py": "def\n",
                "sample/own.py": f"# {tag}\nassert x\n",
                "sample/moved.py" if tag == "cp313" else "sample/there.py": "eval(z)\n",
                b"sample/\xff.py".decode("utf-8", "surrogateescape"): "eval(z)\n",
            },
            filename=f"sample-1.0-{tag}.whl",
        )
        for tag in ("cp311", "cp312", "cp313")
    ]
    trees = [wheel.artifacts[0].tree for wheel in wheels]

    found = list(ruff.scan(package_of(*wheels)))

    assert [each.removeprefix(f"{trees[2]}/") for each in given if each.startswith(trees[2])] == [
        "sample/moved.py",
        "sample/own.py",
        "sample/\udcff.py",
    ]
    assert len(given) == 1 + 2 + 3
    alone = [list(Ruff().scan(wheel)) for wheel in wheels]
    assert sorted(found, key=repr) == sorted((f for each in alone for f in each), key=repr)


def test_a_package_with_many_files_is_checked_in_portions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ruff_scanner, "MAX_ARGUMENT_BYTES", 200)
    first = package(tmp_path / "first", {"a.py": "x = 1\n"}, filename="a-1-cp311.whl")
    second = package(
        tmp_path / "second",
        {f"{number}.py": "exec(x)\n" for number in range(10)},
        filename="a-1-cp312.whl",
    )

    (finding,) = Ruff().scan(package_of(first, second))

    assert (finding.artifact, finding.count) == ("a-1-cp312.whl", 10)


def test_a_package_without_python_has_no_findings(tmp_path: Path) -> None:
    assert scan(tmp_path, {"data.txt": SHOUT}) == {}


def test_syntax_of_the_newest_python_is_no_fault(tmp_path: Path) -> None:
    code = "def f[T](x: T) -> T:\n    match x:\n        case 1:\n            return x\n"

    assert scan(tmp_path, {"a.py": code}) == {}


def test_a_rule_found_at_two_severities_is_two_findings(tmp_path: Path) -> None:
    code = "import os\nos.system('ls')\nos.system(x)\n"

    found = list(Ruff().scan(package(tmp_path, {"a.py": code})))

    assert [(each.severity, each.count) for each in found if each.rule == "S605"] == [
        (Severity.LOW, 1),
        (Severity.HIGH, 1),
    ]


@pytest.mark.parametrize(
    ("code", "message", "severity"),
    [
        ("S101", "", Severity.LOW),
        ("S301", "", Severity.MEDIUM),
        ("S501", "", Severity.HIGH),
        ("S999", "a rule of a later Ruff", Severity.MEDIUM),
        ("S602", "`subprocess` call with `shell=True` identified", Severity.HIGH),
        ("S602", "`subprocess` call with `shell=True` seems safe, but", Severity.LOW),
        ("S103", "`os.chmod` setting a permissive mask `0o755` on file", Severity.MEDIUM),
        ("S103", "`os.chmod` setting a permissive mask `0o777` on file", Severity.HIGH),
    ],
)
def test_severities_are_bandits(code: str, message: str, severity: Severity) -> None:
    assert bandit_severity(code, message) is severity


def fake_ruff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = executable(tmp_path / "ruff", script)
    monkeypatch.setattr("package_gate.scanners.ruff.find_ruff_bin", lambda: program)


def executable(program: Path, script: str) -> Path:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'no such option' >&2; exit 2", "ruff ended with status 2: no such option"),
        ("echo 'not json'", "ruff's output can't be understood"),
        ("""echo '{"filename": 1, "message": "a"}'""", "ruff's output can't be understood"),
        ("kill -9 $$", "ruff was ended by SIGKILL at a.py, which may be"),
    ],
)
def test_a_ruff_that_fails_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    fake_ruff(tmp_path, monkeypatch, script)

    with pytest.raises(ScannerError, match=message):
        scan(tmp_path / "scratch", {"a.py": SHOUT})


def test_the_file_that_ends_it_is_named_and_is_never_clean(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"sample/{number}.py": SHOUT for number in range(20)}
    files["sample/deep/er.py"] = "x" + ".f()" * 100_000

    with pytest.raises(ScannerError) as caught:
        scan(tmp_path, files)

    assert "ruff was ended by SIG" in str(caught.value)
    assert " at sample/deep/er.py, " in str(caught.value)
    assert "without `ruff`" in str(caught.value)


def test_one_that_ends_with_all_files_names_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ruff(
        tmp_path, monkeypatch, 'case "$*" in *a.py*) exit 0;; *b.py*) exit 0;; esac; kill -6 $$'
    )

    with pytest.raises(ScannerError, match="ruff was ended by SIGABRT, which"):
        scan(tmp_path / "scratch", {"a.py": SHOUT, "b.py": SHOUT})


@pytest.mark.parametrize("codec", ["latin-1", "cp1252", "koi8-r", "iso8859-15"])
def test_a_file_in_another_encoding_is_read_in_it(tmp_path: Path, codec: str) -> None:
    code = b"# coding: " + codec.encode() + b"\nname = '\xe9\xe4'\nassert name\n"

    found = scan(tmp_path, {"sample/a.py": code, "sample/b.py": SHOUT})

    assert places(found, "S101") == {"sample/a.py", "sample/b.py"}
    assert {place.line for place in found["S101"].locations} == {3, 1}
    assert found.keys() == {"S101"}


def test_so_are_those_of_another_artifact(tmp_path: Path) -> None:
    code = b"# coding: latin-1\nname = '\xe9'\nassert name\n"
    one = package(tmp_path / "1", {"a.py": code})
    two = package(tmp_path / "2", {"a.py": code, "b.py": code}, filename="sample-1.0.tar.gz")

    found = list(Ruff().scan(package_of(one, two)))

    assert [(each.artifact[-3:], each.count) for each in found] == [("whl", 1), (".gz", 2)]


@pytest.mark.parametrize(
    "code", [b"# coding: utf-7\nimport+ACA-os\n", b"# coding: own\nx = 1\n", b"x = '\xe9'\n"]
)
def test_what_nobody_can_decode_is_not_clean(tmp_path: Path, code: bytes) -> None:
    found = scan(tmp_path, {"sample/a.py": code})

    assert places(found, "unparsable") == {"sample/a.py"}


def test_no_copy_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "own"))

    scan(tmp_path / "x", {"a.py": b"# coding: latin-1\nassert '\xe9'\n"})

    assert list((tmp_path / "own").iterdir()) == []


def test_a_confined_scan_reads_other_encodings_too(tmp_path: Path) -> None:
    code = b"# coding: latin-1\nname = '\xe9'\nassert name\n"
    target = package(tmp_path / "package", {"a.py": code})

    with ScannerPool([worker_spec("ruff")], Limits(), tmp_path) as pool:
        found = pool.scan("ruff", target)

    assert "S101" in str(found)


def test_where_there_is_no_filter_it_runs_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    assert "S101" in scan(tmp_path, {"a.py": SHOUT})


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exec sleep 60", "took more than 1 s"),
        ("while :; do echo garbage; done", "ruff's output can't be understood"),
        ("sleep 60 & echo garbage", "ruff ended with status 2: .*Cannot fork"),
    ],
)
def test_a_ruff_that_does_not_end_is_stopped_with_its_scan(
    tmp_path: Path, script: str, message: str
) -> None:
    target = package(tmp_path / "package", {"a.py": SHOUT})
    program = executable(tmp_path / "package" / "ruff", script)
    spec = replace(
        worker_spec("ruff"),
        factory="tests.fakes.scanners:another_ruff",
        settings=FakeSettings(str(program)),
    )

    with (
        ScannerPool([spec], Limits(scan_seconds=1), tmp_path) as pool,
        pytest.raises(ScannerError, match=message),
    ):
        pool.scan("ruff", target)
