"""The source `inspector` against the fake, which checks every SBOM against CycloneDX's schema."""

import itertools
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.retries.standard import ExponentialBackoff

from package_gate.advisories import sbom
from package_gate.advisories.inspector import MALICIOUS, Inspector
from package_gate.advisories.interface import NOT_LOOKED_UP, AdvisorySource, NamedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, Kind, ScannerInfo, Severity
from tests.fakes.aws import SECRET_ACCESS_KEY
from tests.fakes.aws_client import client_of, running
from tests.fakes.aws_service import Fault
from tests.fakes.inspector_scan import PROPERTY, InspectorScan, Vulnerability

PYYAML = "pkg:pypi/pyyaml@5.3.1"
FLAW = Vulnerability("CVE-2020-14343", "critical", score=9.8, fixed_version="5.4")
Change = Callable[[dict[str, Any]], object]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry at once."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[InspectorScan]:
    with running(InspectorScan, tmp_path) as service:
        yield service


@pytest.fixture
def source(service: InspectorScan) -> Iterator[Inspector]:
    with client_of(service) as client:
        yield Inspector(client)


def known(source: AdvisorySource, package: NamedPackage) -> tuple[Finding, ...]:
    [found] = source.query([package])
    return found


def change_answer(service: InspectorScan, change: Change) -> None:
    """Let the service answer something else than it would."""
    answer = service.scan_sbom

    def changed(given: dict[str, Any]) -> dict[str, Any]:
        result = answer(given)
        change(result["sbom"])
        return result

    service.scan_sbom = changed  # type: ignore[method-assign]


def test_a_critical_vulnerability_of_the_package_is_a_finding(
    service: InspectorScan,
    source: Inspector,
) -> None:
    service.vulnerabilities[PYYAML] = [FLAW]

    assert known(source, NamedPackage("pyyaml", "5.3.1")) == (
        Finding(
            scanner="inspector",
            rule="CVE-2020-14343",
            kind=Kind.VULNERABILITY,
            severity=Severity.CRITICAL,
            message="Something is wrong with it.",
            recommendation="Upgrade to 5.4 or newer.",
            references=(
                "https://nvd.example/CVE-2020-14343",
                "https://advisories.example/CVE-2020-14343",
            ),
            fixed_in=("5.4",),
        ),
    )


def test_a_package_without_vulnerabilities_has_no_findings(source: Inspector) -> None:
    assert known(source, NamedPackage("six", "1.17.0")) == ()


@pytest.mark.parametrize(
    ("nvd", "vendor", "counts"),
    [
        ("low", "high", Severity.HIGH),
        ("critical", "medium", Severity.CRITICAL),
        ("unknown", "low", Severity.LOW),
        ("none", "", Severity.INFO),
        ("unknown", "", None),
    ],
)
def test_the_highest_rating_counts_and_a_probability_is_none(
    service: InspectorScan,
    source: Inspector,
    nvd: str,
    vendor: str,
    counts: Severity | None,
) -> None:
    name = "GITHUB" if vendor else ""
    service.vulnerabilities[PYYAML] = [Vulnerability("CVE-1", nvd, name, vendor)]

    assert [each.severity for each in known(source, NamedPackage("pyyaml", "5.3.1"))] == [counts]


def test_an_unknown_severity_is_an_error(service: InspectorScan, source: Inspector) -> None:
    service.vulnerabilities[PYYAML] = [FLAW]
    change_answer(
        service, lambda report: report["vulnerabilities"][0]["ratings"][0].update(severity="x")
    )

    with pytest.raises(ScannerError, match="severity 'x'"):
        known(source, NamedPackage("pyyaml", "5.3.1"))


def test_other_ids_of_a_vulnerability_are_its_aliases(
    service: InspectorScan,
    source: Inspector,
) -> None:
    service.vulnerabilities[PYYAML] = [FLAW]
    others = [{"id": each, "source": {"name": "X"}} for each in ("GHSA-8q59", "ALAS-1", "SNYK-1")]
    change_answer(service, lambda report: report["vulnerabilities"][0].update(references=others))

    assert known(source, NamedPackage("pyyaml", "5.3.1"))[0].aliases == ("GHSA-8q59", "SNYK-1")


def malicious_id(report: dict[str, Any]) -> None:
    report["vulnerabilities"][0]["id"] = "MAL-2024-1"


def malicious_vulnerability(report: dict[str, Any]) -> None:
    flag = {"name": f"{PROPERTY}:is_malicious", "value": "true"}
    report["vulnerabilities"][0]["properties"].append(flag)


def malicious_component(report: dict[str, Any]) -> None:
    flag = {"name": f"{PROPERTY}:is_malicious", "value": "true"}
    report["components"][0]["properties"] = [flag]


@pytest.mark.parametrize("change", [malicious_id, malicious_vulnerability, malicious_component])
def test_what_is_called_malicious_is_critical_malware(
    service: InspectorScan,
    source: Inspector,
    change: Change,
) -> None:
    service.vulnerabilities[PYYAML] = [Vulnerability("CVE-1", "low")]
    change_answer(service, change)

    [finding] = known(source, NamedPackage("pyyaml", "5.3.1"))

    assert (finding.kind, finding.severity) == (Kind.MALWARE, Severity.CRITICAL)


def test_a_malicious_component_without_an_advisory_is_a_finding(
    service: InspectorScan,
    source: Inspector,
) -> None:
    change_answer(service, malicious_component)

    [finding] = known(source, NamedPackage("evil", "1.0"))

    assert (finding.rule, finding.kind) == (MALICIOUS, Kind.MALWARE)


def test_each_package_has_its_own_answer_in_the_order_of_the_question(
    service: InspectorScan,
    source: Inspector,
) -> None:
    both = Vulnerability("CVE-2", "low")
    service.vulnerabilities = {PYYAML: [FLAW, both], "pkg:pypi/sample@1.0": [both]}
    asked = [("sample", "1.0"), ("six", "1.17.0"), ("pyyaml", "5.3.1")]

    found = source.query([NamedPackage(*each) for each in asked])

    assert [[each.rule for each in findings] for findings in found] == [
        ["CVE-2"],
        [],
        ["CVE-2", "CVE-2020-14343"],  # in the order of the answer
    ]
    assert service.count("ScanSbom") == 1


def test_nothing_is_asked_about_no_package(service: InspectorScan, source: Inspector) -> None:
    assert source.query([]) == []
    assert service.count("ScanSbom") == 0


def test_a_local_version_is_looked_up_by_its_public_part(
    service: InspectorScan,
    source: Inspector,
) -> None:
    service.vulnerabilities["pkg:pypi/torch@2.0"] = [FLAW]

    assert len(known(source, NamedPackage("torch", "2.0+cpu"))) == 1


def test_hostile_versions_are_part_of_a_valid_sbom(
    service: InspectorScan,
    source: Inspector,
) -> None:
    versions = ["1@2?x=1#y", "../../etc", "%2e%00", '"}{']

    found = source.query([NamedPackage("a", version) for version in versions])

    assert found == [()] * 4
    [call] = service.calls
    assert len(call.parameters["sbom"]["components"]) == 4


def test_more_components_than_a_call_takes_are_split_and_none_is_lost(
    service: InspectorScan,
    source: Inspector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sbom, "MOST_COMPONENTS", 100)
    service.vulnerabilities = {
        f"pkg:pypi/p{number}@1.0": [Vulnerability(f"CVE-{number}", "high")]
        for number in (0, 99, 100, 250)
    }

    found = source.query([NamedPackage(f"p{number}", "1.0") for number in range(251)])

    assert {place: [each.rule for each in said] for place, said in enumerate(found) if said} == {
        number: [f"CVE-{number}"] for number in (0, 99, 100, 250)
    }
    sizes = [len(call.parameters["sbom"]["components"]) for call in service.calls]
    assert sizes == [100, 100, 51]


def test_5001_components_are_more_than_one_call() -> None:
    packages = [NamedPackage(f"p{number}", "1.0") for number in range(5001)]

    batches = list(sbom.in_batches(packages))

    assert max(map(len, batches)) <= 2000
    assert [each.name for each in itertools.chain(*(batch.values() for batch in batches))] == [
        each.name for each in packages
    ]


def test_a_package_that_was_not_looked_up_is_named_and_the_others_have_their_answers(
    service: InspectorScan,
    source: Inspector,
) -> None:
    service.vulnerabilities[PYYAML] = [FLAW]
    skipped = {"name": f"{PROPERTY}:warning", "value": "Component skipped: unresolved version."}

    def skip_six(report: dict[str, Any]) -> None:
        for component in report["components"]:
            if component["name"] == "six":
                component["properties"] = [skipped]

    change_answer(service, skip_six)

    [[unknown], [flaw]] = source.query(
        [NamedPackage("six", "1.17.0"), NamedPackage("pyyaml", "5.3.1")]
    )

    assert (unknown.rule, unknown.severity) == (NOT_LOOKED_UP, Severity.INFO)
    assert unknown.message == "Amazon Inspector did not look it up (unresolved version)."
    assert flaw.rule == "CVE-2020-14343"


def test_a_package_without_any_advisory_is_clean(
    service: InspectorScan,
    source: Inspector,
) -> None:
    nothing = {"name": f"{PROPERTY}:info", "value": "Component skipped: no rules found."}
    change_answer(service, lambda report: report["components"][0].update(properties=[nothing]))

    assert known(source, NamedPackage("six", "1.17.0")) == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda report: report.clear(),
        lambda report: report["metadata"]["properties"].clear(),
        lambda report: report["components"].clear(),
        lambda report: report["components"][0].update({"bom-ref": "other"}),
        lambda report: report.update(vulnerabilities="none"),
        lambda report: report["vulnerabilities"][0].update(affects=[]),
        lambda report: report["vulnerabilities"][0].update(affects=[{"ref": "comp-9"}]),
        lambda report: report["vulnerabilities"][0].pop("id"),
    ],
)
def test_an_answer_that_is_not_whole_is_an_error(
    service: InspectorScan,
    source: Inspector,
    change: Change,
) -> None:
    service.vulnerabilities[PYYAML] = [FLAW]
    change_answer(service, change)

    with pytest.raises(ScannerError, match="not what its documentation promises"):
        known(source, NamedPackage("pyyaml", "5.3.1"))


@pytest.mark.parametrize("fault", ["throttle", "internal-error", "reset"])
def test_a_passing_failure_is_tried_again(
    service: InspectorScan,
    source: Inspector,
    fault: Any,
) -> None:
    service.vulnerabilities[PYYAML] = [FLAW]
    service.order("ScanSbom", Fault(fault, times=3))

    assert len(known(source, NamedPackage("pyyaml", "5.3.1"))) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("internal-error", "InternalServerException.*next run tries again"),
        ("throttle", "ThrottlingException.*next run tries again"),
        ("access-denied", "AccessDeniedException.*Allow it in the build's role"),
        ("reset", "Check the network"),
    ],
)
def test_a_failure_that_stays_is_an_error(
    service: InspectorScan,
    source: Inspector,
    fault: Any,
    words: str,
) -> None:
    service.order("ScanSbom", Fault(fault, times=None))

    with pytest.raises(ScannerError, match=f"Amazon Inspector ScanSbom failed.*{words}"):
        known(source, NamedPackage("six", "1.17.0"))


def test_a_service_that_does_not_answer_is_an_error(service: InspectorScan) -> None:
    service.order("ScanSbom", Fault("slow", times=None, seconds=30))
    impatient = Config(read_timeout=0.2, retries={"total_max_attempts": 1})

    with (
        client_of(service, impatient) as client,
        pytest.raises(ScannerError, match="Amazon Inspector ScanSbom failed"),
    ):
        known(Inspector(client), NamedPackage("six", "1.17.0"))


def test_several_packages_at_once_get_their_own_findings(
    service: InspectorScan,
    source: Inspector,
) -> None:
    for number in range(8):
        flaw = Vulnerability(f"CVE-{number}", "high")
        service.vulnerabilities[f"pkg:pypi/p{number}@1.0"] = [flaw]

    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda number: known(source, NamedPackage(f"p{number}", "1.0")), range(8))

    assert [[each.rule for each in findings] for findings in found] == [
        [f"CVE-{number}"] for number in range(8)
    ]


def test_the_record_tells_the_api_version_and_the_day(service: InspectorScan) -> None:
    late = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)
    with client_of(service) as client:
        info = Inspector(client, lambda: late).info

    assert info == ScannerInfo("inspector", "2023-08-08", "2026-11-22", "Amazon Inspector")


def test_no_credential_is_in_the_log(
    service: InspectorScan,
    source: Inspector,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    service.order("ScanSbom", Fault("access-denied"))

    with pytest.raises(ScannerError) as error:
        known(source, NamedPackage("six", "1.17.0"))

    assert caplog.text
    assert SECRET_ACCESS_KEY not in caplog.text + str(error.value)
