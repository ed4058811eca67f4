"""`docs/costs.md` prices what the template uses, and its sums are right."""

import pytest

from tests.templates.deployer_needs import PROJECT
from tests.templates.deployment import deployed

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


@pytest.mark.parametrize("case", [1, 2], ids=["the guidance's", "a team"])
def test_the_gate_costs_what_its_parts_cost(case: int) -> None:
    table = list(rows().items())
    total = [name for name, _ in table].index("**the gate**")
    parts = [float(row[case]) for _, row in table[2:total]]  # after the head and its line
    assert len(parts) > 5
    assert table[total][1][case] == f"**{sum(parts):.2f}**"
