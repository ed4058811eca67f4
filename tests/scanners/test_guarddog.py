import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.limits import Limits
from package_gate.sandbox.pool import ScannerPool
from package_gate.scanners import guarddog_rules
from package_gate.scanners.guarddog import GuardDog
from package_gate.scanners.registry import worker_spec
from tests.fakes.malware_corpus import EXEC_BASE64, IN_A_FUNCTION
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
    return {each.rule: each for each in sorted(found, key=lambda each: each.severity or 0)}


def worst(found: Mapping[str, Finding]) -> Severity | None:
    return max((each.severity for each in found.values() if each.severity), default=None)


def test_a_finding_says_what_and_where_and_that_it_runs(guarddog: GuardDog, tmp_path: Path) -> None:
    found = scan(guarddog, tmp_path, {"sample/__init__.py": EXEC_BASE64})

    rule = found["threat-runtime-obfuscation-base64exec"]
    assert (rule.kind, rule.severity, rule.artifact) == (
        Kind.MALWARE,
        Severity.HIGH,
        "sample-1.0-py3-none-any.whl",
    )
    places = {(place.path, place.line, place.code) for place in rule.locations}
    assert ("sample/__init__.py", 2, "exec(") in places
    assert all(len(place.fingerprint) == 64 for place in rule.locations)
    assert rule.message == (
        "Suspicious: Detects base64 decoding followed by code execution: base64.b64decode(, exec(. "
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
        assert pool.info("guarddog").version.startswith(importlib.metadata.version("guarddog"))
