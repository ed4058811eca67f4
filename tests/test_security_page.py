"""The page about security names real tests, and its promises are short enough to be read."""

import re
from pathlib import Path

from package_gate.sandbox.spec import Needs
from package_gate.scanners.registry import SCANNERS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`(tests/[a-z_/]+\.py)`", PAGE))


def test_every_test_that_the_page_names_exists_and_tests_something() -> None:
    assert len(NAMED) >= 25
    for name in NAMED:
        assert re.search(r"^def test_", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE), (
            name
        )


def test_every_promise_names_a_test() -> None:
    table = PAGE.split("## Promises")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]

    assert len(rows) >= 12
    assert all("`tests/" in row for row in rows)


def test_every_attack_is_named_on_the_page() -> None:
    attacks = {f"tests/attack/{path.name}" for path in (ROOT / "tests/attack").glob("test_*.py")}

    assert attacks <= NAMED


def test_the_page_says_what_each_scanner_may_do() -> None:
    says = PAGE.split("\nBy scanner: ")[1].split("\n\n")[0]
    reads, unpacks, programs = (
        set(re.findall(r"`(\w+)`", part)) for part in re.split(r" only read\. |\. (?=`ruff`)", says)
    )
    needs = {name: entry.worker.needs for name, entry in SCANNERS.items() if entry.worker}

    assert reads == {name for name, each in needs.items() if each == Needs()}
    assert unpacks == {name for name, each in needs.items() if each == Needs(unpacks=True)}
    assert programs == {name for name, each in needs.items() if each == Needs(programs=True)}
    assert reads | unpacks | programs == needs.keys()
