import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from package_gate.core.finding import Finding, Kind, Location, Severity
from package_gate.core.policy import Limits
from package_gate.sandbox.pool import ScannerPool
from package_gate.scanners import guarddog_rules
from package_gate.scanners.guarddog import GuardDog
from package_gate.scanners.registry import worker_spec
from tests.fakes.malware_corpus import (
    EXEC_BASE64,
    FIFTH,
    FIRST,
    FOURTH,
    HELD_OUT,
    IN_A_FUNCTION,
    PASS,
    SECOND,
    THIRD,
    TUNED_ON,
    as_archive,
)
from tests.scanners.packages import package, package_of

SDIST = "sample-1.0.tar.gz"


@pytest.fixture(scope="module")
def guarddog() -> GuardDog:
    return GuardDog(Limits())


def scan(
    guarddog: GuardDog,
    folder: Path,
    files: Mapping[str, str | bytes],
    filename: str = "sample-1.0-py3-none-any.whl",
) -> dict[str, Finding]:
    found = list(guarddog.scan(package(folder, files, filename=filename)))
    assert len({each.rule for each in found}) == len(found)
    return {each.rule: each for each in found}


def worst(found: Mapping[str, Finding]) -> Severity | None:
    return max((each.severity for each in found.values() if each.severity), default=None)


def unpacked(name: str) -> tuple[Mapping[str, str], str]:
    """Give a sample as the tree and the file name of the archive that it would be."""
    files = {**FIRST, **SECOND, **THIRD, **FOURTH, **FIFTH}[name]
    filename, _ = as_archive(files)
    return files, filename


@pytest.mark.parametrize("name", sorted(TUNED_ON))
def test_a_package_that_looks_like_malware_is_high(
    guarddog: GuardDog, tmp_path: Path, name: str
) -> None:
    assert worst(scan(guarddog, tmp_path, *unpacked(name))) is Severity.HIGH


@pytest.mark.parametrize("name", sorted({**THIRD, **FOURTH}))
def test_so_are_those_of_another_author_but_for_some_that_are_known(
    guarddog: GuardDog, tmp_path: Path, name: str
) -> None:
    found = worst(scan(guarddog, tmp_path, *unpacked(name)))

    assert (found is not Severity.HIGH) == (name in PASS)


@pytest.mark.parametrize(("names", "share"), [(HELD_OUT, 0.95), (FIFTH, 0.9)])
def test_so_are_most_of_those_that_no_rule_was_made_for(
    guarddog: GuardDog, tmp_path: Path, names: Mapping[str, object], share: float
) -> None:
    high = [
        worst(scan(guarddog, tmp_path / str(number), *unpacked(name))) is Severity.HIGH
        for number, name in enumerate(sorted(names))
    ]

    assert len(high) >= 37
    assert sum(high) >= share * len(high)


def test_a_finding_says_what_and_where_and_that_it_runs(guarddog: GuardDog, tmp_path: Path) -> None:
    found = scan(guarddog, tmp_path, {"sample/__init__.py": EXEC_BASE64})

    rule = found["threat-runtime-obfuscation-base64exec"]
    assert (rule.kind, rule.severity, rule.artifact) == (
        Kind.MALWARE,
        Severity.HIGH,
        "sample-1.0-py3-none-any.whl",
    )
    assert Location("sample/__init__.py", 2) in rule.locations
    assert rule.message == (
        "Detects base64 decoding followed by code execution: base64.b64decode(, exec(. "
        "This runs by itself, on installation, on import or when Python starts."
    )
    score = found["guarddog-score"]
    assert score.severity is Severity.MEDIUM
    assert score.message == "GuardDog's risk score is 7.3 of 10 (high risk)."


def test_the_same_in_a_function_that_nobody_calls_is_medium(
    guarddog: GuardDog, tmp_path: Path
) -> None:
    found = scan(guarddog, tmp_path, {"sample/__init__.py": IN_A_FUNCTION})

    assert worst(found) is Severity.MEDIUM
    assert "runs by itself" not in found["threat-runtime-obfuscation-base64exec"].message


@pytest.mark.parametrize(
    ("files", "filename", "severity"),
    [
        ({"sample.py": EXEC_BASE64}, "sample-1.0-py3-none-any.whl", Severity.HIGH),
        ({"sample.py": EXEC_BASE64}, SDIST, Severity.MEDIUM),
        ({"sample.pth": EXEC_BASE64}, "sample-1.0-py3-none-any.whl", Severity.HIGH),
        ({"sample-1.0/setup.py": IN_A_FUNCTION}, SDIST, Severity.HIGH),
        ({"sample/__init__.py": IN_A_FUNCTION + "\n\nload()\n"}, SDIST, Severity.HIGH),
        ({"sample/__init__.py": "", "sample/a.py": EXEC_BASE64}, SDIST, Severity.HIGH),
        ({"sample/__init__.py": "", "sample/a.py": IN_A_FUNCTION}, SDIST, Severity.MEDIUM),
        ({"docs/conf.py": EXEC_BASE64}, SDIST, Severity.MEDIUM),
        (
            {
                "sample/__init__.py": "",
                "sample/a.py": FIRST["first: init-runs-marshalled-code"]["sample/__init__.py"],
            },
            SDIST,
            Severity.HIGH,
        ),
        ({"tools/a.js": "eval(atob('" + "QUJD" * 60 + "'))\n"}, SDIST, None),
    ],
)
def test_what_runs_by_itself_is_what_counts(
    guarddog: GuardDog,
    tmp_path: Path,
    files: Mapping[str, str],
    filename: str,
    severity: Severity | None,
) -> None:
    found = worst(scan(guarddog, tmp_path, files, filename))

    if severity is None:
        assert found is None or found < Severity.HIGH
    else:
        assert found is severity


HONEST = {
    "a-build-that-looks-for-a-compiler": {
        "setup.py": "import os, subprocess\nfrom urllib.request import urlretrieve\n"
        "from setuptools import setup\n\nlibs = subprocess.check_output(['pkg-config', '--libs'])\n"
        "setup(name='sample')\n"
    },
    "a-clipboard": {
        "sample/__init__.py": "import subprocess\n\n\ndef paste():\n"
        "    return subprocess.check_output(['powershell.exe', '-command', 'Get-Clipboard'])\n"
    },
    "a-loader-of-named-objects": {
        "sample/__init__.py": "import base64\nimport importlib\n\n\ndef load(name, attribute):\n"
        "    module = importlib.import_module(name)\n    return getattr(module, attribute)\n\n\n"
        "def decode(text):\n    return base64.b64decode(text)\n\n\n"
        "version = getattr(base64, 'version', '')\n"
    },
    "a-module-that-names-start-up-files": {
        "sample/__init__.py": "",
        "sample/completion.py": "from pathlib import Path\n\n"
        "RC = {'bash': Path.home() / '.bashrc', 'zsh': Path.home() / '.zshrc'}\n\n\n"
        "def install(shell, line):\n    with RC[shell].open('a') as file:\n"
        "        file.write(line)\n",
    },
}


@pytest.mark.parametrize("name", sorted(HONEST))
def test_what_popular_packages_do_is_not_high(
    guarddog: GuardDog, tmp_path: Path, name: str
) -> None:
    found = scan(guarddog, tmp_path, HONEST[name], SDIST)

    assert found["guarddog-score"].severity is Severity.MEDIUM, "this is no test case any more"
    assert worst(found) is Severity.MEDIUM


def test_decoys_do_not_use_a_rules_count_up(guarddog: GuardDog, tmp_path: Path) -> None:
    decoys = {f"aaa{number}.py": f"# {number}\n{IN_A_FUNCTION}" for number in range(10)}

    found = scan(guarddog, tmp_path, {**decoys, "sample/__init__.py": EXEC_BASE64})

    rule = found["threat-runtime-obfuscation-base64exec"]
    assert rule.severity is Severity.HIGH
    assert rule.locations[0].path == "sample/__init__.py"


@pytest.mark.parametrize(
    "opening", ['quotes = \'"""\'\n', "# a comment\r", "first = 1  # '''\n", "'''\n'''; \"'''\"\n"]
)
def test_quotes_and_line_ends_hide_nothing(
    guarddog: GuardDog, tmp_path: Path, opening: str
) -> None:
    found = scan(guarddog, tmp_path, {"sample/__init__.py": opening + EXEC_BASE64})

    assert worst(found) is Severity.HIGH


def test_a_file_that_several_wheels_have_is_scanned_once_and_reported_for_each(
    guarddog: GuardDog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned = []
    scan_file = guarddog._rules._scan_file

    def note(source: Any, *rest: Any) -> Any:
        scanned.append(source.path)
        return scan_file(source, *rest)

    monkeypatch.setattr(guarddog._rules, "_scan_file", note)
    names = [f"sample-1.0-{tag}.whl" for tag in ("cp311", "cp312", "cp313")]
    wheels = [
        package(
            tmp_path / filename,
            {"sample/__init__.py": EXEC_BASE64, "sample/own.py": f"tag = {filename!r}\n"},
            filename=filename,
        )
        for filename in names
    ]

    found = list(guarddog.scan(package_of(*wheels)))

    assert sorted(scanned) == ["sample/__init__.py", *3 * ["sample/own.py"]]
    alone = [list(guarddog.scan(wheel)) for wheel in wheels]
    assert found == [finding for findings in alone for finding in findings]
    assert {finding.artifact for finding in found} == set(names)


def test_a_comment_or_a_docstring_is_no_threat(guarddog: GuardDog, tmp_path: Path) -> None:
    comment = f'"""Never do this:\n\n{EXEC_BASE64}"""\n' + f"# {EXEC_BASE64.splitlines()[1]}\n"

    assert scan(guarddog, tmp_path, {"sample/__init__.py": comment}) == {}


def test_an_honest_package_has_no_findings(guarddog: GuardDog, tmp_path: Path) -> None:
    source = (
        "from pathlib import Path\n\n\ndef read(name: str) -> str:\n    return open(name).read()\n"
    )

    assert scan(guarddog, tmp_path, {"sample/__init__.py": source, "data.txt": EXEC_BASE64}) == {}


def test_a_source_file_that_is_too_large_to_scan_is_a_high_finding(
    guarddog: GuardDog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarddog_rules, "MAX_FILE_BYTES", 1000)
    files = {"sample/__init__.py": "#" * 1001, "big.bin": "x" * 1001}

    found = scan(guarddog, tmp_path, files)

    assert found["file-too-large"].severity is Severity.HIGH
    assert [each.path for each in found["file-too-large"].locations] == ["sample/__init__.py"]


def test_names_that_are_no_text_or_hold_escapes_are_printable(
    guarddog: GuardDog, tmp_path: Path
) -> None:
    target = package(tmp_path)
    folder = Path(target.artifacts[0].tree, "\x1b[2J")
    folder.mkdir()
    (folder / b"a\xff".decode("utf-8", "surrogateescape")).with_suffix(".py").write_text(
        EXEC_BASE64
    )

    (place,) = next(
        each.locations for each in guarddog.scan(target) if each.rule.startswith("threat-")
    )

    assert place.path == "\\x1b[2J/a\\udcff.py"


def test_folders_named_like_files_and_links_to_nowhere_are_passed_over(
    guarddog: GuardDog, tmp_path: Path
) -> None:
    target = package(tmp_path, {"folder.py/a.txt": "x"})
    Path(target.artifacts[0].tree, "b.py").symlink_to("nowhere")

    assert list(guarddog.scan(target)) == []


def test_in_its_worker_nothing_planted_changes_the_result(
    guarddog: GuardDog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = {
        "guarddog.py": "raise SystemExit",
        "yara.py": "raise SystemExit",
        "sitecustomize.py": "raise SystemExit",
        ".guarddog.yaml": "exclude: ['*']",
    }
    files = {"sample/__init__.py": EXEC_BASE64, **planted}
    plain = list(guarddog.scan(package(tmp_path / "plain", files)))
    for name, content in planted.items():
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUARDDOG_YARA_EXT_EXCLUDE", "py")
    monkeypatch.setenv("GUARDDOG_PARALLELISM", "no number")

    with ScannerPool([worker_spec("guarddog")], Limits(), tmp_path) as pool:
        assert pool.scan("guarddog", package(tmp_path / "again", files)) == plain
        assert pool.info("guarddog").version == importlib.metadata.version("guarddog")
