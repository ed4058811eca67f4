"""What Snyk's own parser makes of the lock files that it is given.

The parser comes from npm, in the version that the CLI of `shell/fetch-snyk.sh` has.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.snyk_lock import LEFT_OUT, LOCK, in_locks, poetry_project
from tests.fakes import snyk_cli

PARSER = Path(__file__).with_name("snyk_parser")
READ = """
const fs = require("fs");
const parser = require("snyk-poetry-lockfile-parser");
const files = ["pyproject.toml", "poetry.lock"].map((file) => fs.readFileSync(file, "utf8"));
console.log(JSON.stringify(parser.buildDepGraph(...files).getDepPkgs()));
"""
PACKAGES = [
    *(NamedPackage(name, "65.0") for name in sorted(LEFT_OUT)),
    NamedPackage("3to2", "1.1.1"),
    NamedPackage("constructor", "0"),
    NamedPackage("ruamel-yaml", "0.18.6"),
    NamedPackage("epoch", "1!2.0.post1"),
    NamedPackage("odd", '1.0"\\#'),
    *(NamedPackage(f"p{number}", "1.0") for number in range(200)),
]


@pytest.fixture(scope="module")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the parser, as its lock file pins it."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("there is no npm and Node.js, for which Snyk's parser is written")
    folder = tmp_path_factory.mktemp("parser")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PARSER / name, folder)
    subprocess.run(
        [npm, "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


def parsed(parser: Path, files: dict[str, bytes]) -> set[tuple[str, str]]:
    """Give name and version of each package in the project, as the parser says."""
    for name, content in files.items():
        (parser / name).write_bytes(content)
    ran = subprocess.run(["node", "-e", READ], cwd=parser, check=True, capture_output=True)
    return {(each["name"], each["version"]) for each in json.loads(ran.stdout)}


def named(packages: list[NamedPackage]) -> set[tuple[str, str]]:
    return {(package.name, package.version) for package in packages}


def test_the_parser_finds_each_package(parser: Path) -> None:
    assert parsed(parser, poetry_project(PACKAGES)) == named(PACKAGES)


def test_the_fake_reads_lock_files_as_the_parser_does(
    parser: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = poetry_project(PACKAGES)
    plain = {**written, "pyproject.toml": written["pyproject.toml"].lower()}
    monkeypatch.chdir(parser)

    for files in (written, plain):
        found = parsed(parser, files)
        assert set(snyk_cli.read_lock({"--file": LOCK, "--command": "node"}, "")) == found

    left = {package.name for package in PACKAGES} - {name for name, _ in found}
    assert left == LEFT_OUT, "these need their capital letter"


def test_a_lock_file_has_each_name_once_and_each_release_is_in_one() -> None:
    asked = [
        NamedPackage("torch", "2.0+cpu"),
        NamedPackage("six", "1.16.0"),
        NamedPackage("torch", "2.0"),
        NamedPackage("six", "1.17.0"),
    ]

    assert [[str(package) for package in lock] for lock in in_locks(asked)] == [
        ["torch 2.0", "six 1.16.0"],
        ["six 1.17.0"],
    ]
