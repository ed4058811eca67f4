"""inventory.html runs its own script alone; table and CSV hold text, no markup, no formulas."""

import base64
import csv
import hashlib
import io
import json
import re

from rich.console import Console

from package_gate.core.catalogue import PackageRow, RequestRow
from package_gate.report.inventory import inventory_csv, inventory_rows, print_inventory
from package_gate.report.inventory_page import inventory_page

HOSTILE = '</script><script>alert(1)</script><!--"'
ROW = PackageRow(
    name="demo", state="approved", decided_at="2026-06-01T00:00:00Z", version="1.0",
    origin="pypi", licence="=HYPERLINK(1)", published_to="somewhere",
)  # fmt: skip
REQUESTS = [
    RequestRow(
        name="demo", state="approved", decided_at="", install_command="pip install demo",
        packages=("pypi/demo/1.0",),
    ),
    RequestRow(name="away", state="undecided", decided_at="2026-06-01T00:00:00Z", reason="[b]No"),
]  # fmt: skip


def test_the_document_stands_in_the_page_and_ends_no_element() -> None:
    document = json.dumps({"packages": {"k": {"name": HOSTILE}}}).encode()
    page = inventory_page(document).decode()
    [embedded] = re.findall(r'<script type="application/json" id="catalogue">(.*?)</script>', page)
    assert json.loads(embedded) == json.loads(document)
    assert page.count("<script") == 2
    assert "<!--" not in page


def test_its_policy_names_the_one_script_that_runs() -> None:
    page = inventory_page(b"{}").decode()
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; script-src 'sha256-{digest}';" in page
    for way in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "http"):
        assert way not in script


def test_csv_holds_no_formula() -> None:
    rows = inventory_rows({"pypi/demo/1.0": ROW}, REQUESTS)
    away, demo = csv.DictReader(io.StringIO(inventory_csv(rows)))
    assert demo["licence"] == "'=HYPERLINK(1)"
    assert (demo["requests"], demo["install_command"]) == ("demo", "pip install demo")
    assert (away["state"], away["version"]) == ("undecided", "")


def test_the_table_prints_text() -> None:
    console = Console(file=io.StringIO(), width=200, force_terminal=False, soft_wrap=True)
    print_inventory(inventory_rows({"pypi/demo/1.0": ROW}, REQUESTS), console)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "demo 1.0: approved, licence =HYPERLINK(1), decided 2026-06-01" in printed
    assert "1 approved, 0 refused, 0 waiting, 1 undecided, 0 withdrawn" in printed
