"""The page about security names real tests, and its promises are short enough to be read."""

import re
from pathlib import Path

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
