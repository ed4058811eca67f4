"""`docs/costs.md` prices what the template uses, and its sums are right."""

import pytest

from tests.templates.deployer_needs import PROJECT
from tests.templates.deployment import STAGED, deployed
from tests.templates.stage_calls import closed_network

MINUTE = {"general1.small": 0.005, "general1.medium": 0.01, "general1.large": 0.02}
"""US dollars in us-east-1, on Linux."""
RUNS_A_DAY, MINUTES_A_RUN = (100, 10), 2


def rows() -> dict[str, tuple[str, str, str]]:
    """Give price, the guidance's case and a team's by what is priced."""
    lines = (PROJECT / "docs/costs.md").read_text().splitlines()
    cells = [[each.strip() for each in line.strip("|").split("|")] for line in lines]
    return {name: (price, one, two) for name, price, one, two in (c for c in cells if len(c) == 4)}


def test_builds_are_priced_for_the_machine_of_the_template() -> None:
    project = deployed("codeartifact").pipeline.resources["CodeBuildProject"].properties
    compute = project["Environment"]["ComputeType"]
    machine = compute.removeprefix("BUILD_").lower().replace("_", ".")
    price, *cases = rows()[f"CodeBuild, {machine}"]
    assert price == f"{MINUTE[machine]} a minute"
    minutes = [runs * 30 * MINUTES_A_RUN for runs in RUNS_A_DAY]
    assert cases == [f"{each * MINUTE[machine]:.2f}" for each in minutes]


def test_isolated_stages_are_priced_by_their_builds_and_endpoints() -> None:
    deployment = deployed("codeartifact", **STAGED, SignVerdicts="on")
    (_, stage) = deployment.pipeline.resources["CodePipeline"].properties["Stages"]
    assert len(stage["Actions"]) == 5  # seven minutes in all
    project = deployment.pipeline.resources["ScanProject"].properties
    machine = project["Environment"]["ComputeType"].removeprefix("BUILD_").lower()
    minute = MINUTE[machine.replace("_", ".")]
    _, *cases = rows()["CodeBuild, five minutes a run more"]
    assert cases == [f"{runs * 30 * 5 * minute:.2f}" for runs in RUNS_A_DAY]
    interfaces = [
        each
        for each in closed_network(deployment).of_type("AWS::EC2::VPCEndpoint").values()
        if each.properties["VpcEndpointType"] == "Interface"
    ]
    names = (
        "endpoints: logs, CodeBuild, SNS, CodeArtifact (two)",
        "endpoint of KMS, with signed verdicts",
    )
    assert sum(float(rows()[name][1]) for name in names) == pytest.approx(14.60 * len(interfaces))


@pytest.mark.parametrize("case", [1, 2], ids=["the guidance's", "a team"])
def test_the_gate_costs_what_its_parts_cost(case: int) -> None:
    table = list(rows().items())
    total = [name for name, _ in table].index("**the gate**")
    parts = [float(row[case]) for _, row in table[2:total]]  # after the head and its line
    assert len(parts) > 5
    assert table[total][1][case] == f"**{sum(parts):.2f}**"
