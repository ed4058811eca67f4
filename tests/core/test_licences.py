"""Licences: what is declared, and what a policy makes of it."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from package_gate.core.artifact import Origin, ResolvedPackage
from package_gate.core.decision import Verdict
from package_gate.core.finding import ScannerInfo, Severity
from package_gate.core.inventory import Inventory, Licence
from package_gate.core.judge import judge
from package_gate.core.licence_expressions import MAX_DEPTH, canonical
from package_gate.core.licences import declared_licence, licence_findings
from package_gate.core.policy import Licences, Policy, load_policy
from tests.core.test_policy import TODAY

STATEMENTS: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent.parent / "data" / "licence-statements.toml").read_text()
)["statements"]
POLICY = Licences(
    allow=(
        "MIT",
        "Apache-2.0",
        "BSD-*",
        "ISC",
        "PSF-2.0",
        "GPL-2.0-only WITH Classpath-exception-2.0",
    ),
    deny=("AGPL-*", "GPL-*", "LicenseRef-Proprietary"),
)


def licence(statement: dict[str, Any]) -> Licence:
    return Licence(
        statement.get("expression", ""),
        statement.get("text", ""),
        tuple(statement.get("classifiers", ())),
    )


def declaring(expression: str = "", text: str = "") -> list[Inventory]:
    return [Inventory("app-1.0.whl", licence=Licence(expression, text))]


@pytest.mark.parametrize("statement", STATEMENTS, ids=str)
def test_what_is_declared_and_what_the_policy_makes_of_it(statement: dict[str, Any]) -> None:
    assert declared_licence(licence(statement)) == statement["is"]
    findings = licence_findings([Inventory("a.whl", licence=licence(statement))], POLICY)
    expected = [f"license-{statement['finding']}"] if statement["finding"] else []
    assert [each.rule for each in findings] == expected


@pytest.mark.parametrize("statement", STATEMENTS, ids=str)
def test_an_expression_is_its_own_reading(statement: dict[str, Any]) -> None:
    assert canonical(statement["is"]) == statement["is"]


def test_without_a_list_there_is_nothing_to_report() -> None:
    assert licence_findings(declaring("AGPL-3.0-only"), Licences()) == []
    assert licence_findings(declaring(), Licences()) == []


def test_a_finding_says_the_licence_and_what_stands_in_the_way() -> None:
    (finding,) = licence_findings(declaring("MIT AND (GPL-3.0-only OR AGPL-3.0-only)"), POLICY)
    assert finding.message == (
        "Its licence: it is MIT AND (GPL-3.0-only OR AGPL-3.0-only), and GPL-3.0-only and "
        "AGPL-3.0-only is denied."
    )
    assert finding.severity is Severity.HIGH
    (finding,) = licence_findings(declaring(text="See LICENSE"), POLICY)
    assert finding.message == 'Its licence: what it declares is not known: "See LICENSE".'
    assert finding.severity is Severity.INFO


def test_each_different_licence_of_the_files_is_told_once() -> None:
    inventories = [*declaring("GPL-3.0-only"), *declaring("GPL-3.0-only"), *declaring("MPL-2.0")]
    assert [each.rule for each in licence_findings(inventories, POLICY)] == [
        "license-denied",
        "license-not-allowed",
    ]


def test_an_unknown_licence_is_as_grave_as_the_policy_says() -> None:
    strict = msgspec.structs.replace(POLICY, unknown="high")
    assert [each.severity for each in licence_findings(declaring(), strict)] == [Severity.HIGH]
    silent = msgspec.structs.replace(POLICY, unknown="never")
    assert licence_findings(declaring(), silent) == []


@pytest.mark.parametrize(
    ("refuse", "verdict"), [("never", Verdict.APPROVED), ("medium", Verdict.REFUSED)]
)
def test_licences_are_only_reported_until_the_policy_refuses_them(
    tmp_path: Path, refuse: str, verdict: Verdict
) -> None:
    (tmp_path / "policy.toml").write_text(
        f'[refuse]\nlicense = "{refuse}"\n[licenses]\nallow = ["MIT"]\n'
    )
    assert verdict_on("MPL-2.0", load_policy(tmp_path / "policy.toml")) is verdict
    assert verdict_on("MIT", load_policy(tmp_path / "policy.toml")) is Verdict.APPROVED


def test_a_waiver_lets_a_licence_through(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(
        '[refuse]\nlicense = "medium"\n[licenses]\ndeny = ["GPL-*"]\n[[waivers]]\n'
        'package = "app"\nfinding = "license-denied"\nexpires = 2030-01-01\n'
        'approved_by = "Jo"\nreason = "Used by itself."\n'
    )
    assert verdict_on("GPL-3.0-only", load_policy(tmp_path / "policy.toml")) is Verdict.APPROVED


def verdict_on(expression: str, policy: Policy) -> Verdict:
    package = ResolvedPackage("app", "1.0", Origin.PYPI, ())
    findings = licence_findings(declaring(expression), policy.licenses)
    return judge(package, findings, [ScannerInfo("archive", "1")], [], policy, TODAY).verdict


@pytest.mark.parametrize("entry", ["Foo", "MIT OR ISC", "*", "GPL*-3", "", "MIT*ISC*", "MIT WITH"])
@pytest.mark.parametrize("key", ["allow", "deny"])
def test_an_entry_that_no_licence_has_is_a_mistake(key: str, entry: str) -> None:
    with pytest.raises(ValueError, match="the licence"):
        msgspec.structs.replace(POLICY, **{key: (entry,)})


def test_hostile_expressions_end_soon() -> None:
    for deep in ("(" * 400 + "MIT" + ")" * 400, "MIT AND " * 250, "MIT " * 10**6):
        assert canonical(deep) == ""
        assert declared_licence(Licence(deep[:2000], deep[:500])) == ""
    assert canonical("(" * (MAX_DEPTH + 1) + "MIT" + ")" * (MAX_DEPTH + 1)) == ""
    nested = "(" * MAX_DEPTH + "MIT" + ")" * MAX_DEPTH
    assert canonical(nested) == nested
