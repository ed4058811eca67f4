"""How far the plan reaches: how long stages on many machines take, and what they cost. Simulated.

Usage: ./shell/run-benchmark.sh scale

From measured times of each stage and AWS's limits, for 1,000 to 1,000,000 packages and 1 to 1,000
builds at once. Nothing is run. The batches are those that the plan makes; each goes to the build
that is free first, as a distributed Map hands them out. docs/scale.svg is the picture.
"""

import heapq
import random
from dataclasses import dataclass
from math import log10

from benchmarks.measure import PROJECT, print_table
from benchmarks.svg import GRID, dot, line, picture, text
from package_gate.staging.documents import MAX_PACKAGES

PICTURE = PROJECT / "docs" / "scale.svg"
PACKAGES = (1_000, 10_000, 100_000, 1_000_000)
BUILDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
COLOURS = ("#1d4ed8", "#047857", "#b45309", "#be123c")
HOUR = 3600
WIDTH, HEIGHT, LEFT, TOP, BROAD, TALL = 760, 420, 70, 56, 620, 300


@dataclass(frozen=True, slots=True)
class Times:
    """What a stage takes for a package, in seconds on 2 cores; docs/scale.md says how measured."""

    resolve: float = 0.06
    """Of a closure, with others at once; a package of a closure costs its share."""
    fetch: float = 0.12
    """Into S3, several at once."""
    scan: tuple[float, ...] = (0.2, 0.2, 0.3, 0.3, 0.4, 0.5, 0.6, 0.8, 1.2, 2.5, 6.0)
    """A sample: most are small, a few are numpy."""
    largest: float = 30.0
    """One package in a thousand is a torch."""
    conclude: float = 0.03
    """Decided, recorded in S3 by 16 threads, and told."""
    start: float = 60.0
    """Until a build has its machine, its network, its bundle and its wheels."""


@dataclass(frozen=True, slots=True)
class Limits:
    """AWS's, as its pages of quotas give them; those that can be raised are the defaults."""

    publish_per_second: float = 10
    """CodeArtifact: PublishPackageVersion, adjustable."""
    children: int = 10_000
    """Step Functions: child executions of a distributed Map at once."""
    put_per_second: float = 3_500
    """S3: writes to a prefix."""
    build_hours: float = 36
    """CodeBuild: the longest that any build may last."""


@dataclass(frozen=True, slots=True)
class Prices:
    """In us-east-1, US dollars; see docs/costs.md."""

    build_minute: float = 0.01
    """general1.medium, Linux; the small one costs half and has a quarter of its memory."""
    put: float = 0.005 / 1000
    get: float = 0.0004 / 1000
    transition: float = 0.025 / 1000


@dataclass(frozen=True, slots=True)
class Simulated:
    """A run of so many packages."""

    packages: int
    builds: int
    plan: float
    """Seconds, as all below."""
    scan: float
    conclude: float
    longest: str
    """The stage that takes the most time, or lasts longer than a build may."""
    busy: float
    """The share of their time that the builds of the scan have a package to look at."""
    dollars: float

    @property
    def seconds(self) -> float:
        """All stages, with the second plan."""
        return self.plan + self.scan + self.conclude


def simulate(
    packages: int,
    builds: int,
    times: Times = Times(),
    limits: Limits = Limits(),
    prices: Prices = Prices(),
) -> Simulated:
    """Let batches be scanned by so many builds at once."""
    chance = random.Random(packages)
    number = max(min(builds, packages), -(-packages // MAX_PACKAGES))
    large = [times.largest] * (packages // 1000)
    seconds = large + [chance.choice(times.scan) for _ in range(packages - len(large))]
    loads = [0.0] * number
    for each in sorted(seconds, reverse=True):  # as the plan does, by bytes
        heapq.heapreplace(loads, loads[0] + each)
    free = [0.0] * min(builds, limits.children, number)
    for load in loads:
        began = heapq.heappop(free)
        heapq.heappush(free, began + times.start + load)
    scan = max(free)
    plan = 2 * times.start + packages * max(times.resolve + times.fetch, 1 / limits.put_per_second)
    conclude = times.start + packages * max(times.conclude, 1 / limits.publish_per_second)
    minutes = (plan + conclude + sum(loads) + number * times.start) / 60
    requests = packages * (8 * prices.put + 6 * prices.get) + 5 * number * prices.transition
    stages = {"plan": plan - times.start, "scan": scan, "conclude": conclude}
    longest = max(stages, key=stages.__getitem__)
    if max(stages["plan"], stages["conclude"]) > limits.build_hours * HOUR:
        longest += ", too long for a build"
    return Simulated(
        packages,
        builds,
        plan,
        scan,
        conclude,
        longest,
        sum(loads) / (scan * len(free)),
        minutes * prices.build_minute + requests,
    )


def main() -> None:
    """Simulate, print and draw."""
    runs = [simulate(packages, builds) for packages in PACKAGES for builds in BUILDS]
    print_table(
        "A first import on many machines, simulated",
        (
            "packages",
            "builds",
            "plan",
            "scan",
            "conclude",
            "in all",
            "longest",
            "scans busy",
            "dollars",
        ),
        [
            (
                f"{each.packages:,}",
                f"{each.builds:,}",
                said(each.plan),
                said(each.scan),
                said(each.conclude),
                said(each.seconds),
                each.longest,
                f"{each.busy:.0%}",
                f"{each.dollars:,.2f}",
            )
            for each in runs
        ],
    )
    PICTURE.write_text(draw(runs))
    print(f"Picture: {PICTURE.relative_to(PROJECT)}")


def said(seconds: float) -> str:
    """Write a time for people."""
    if seconds < HOUR:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / HOUR:.1f} h"


def draw(runs: list[Simulated]) -> str:
    """Draw hours against builds, both logarithmic, a line for each number of packages."""
    parts = [text(LEFT, 26, "Hours of a first import by builds at once", size=15, weight="bold")]
    hours = (0.1, 1, 10, 100, 1_000)

    def x(builds: int) -> float:
        return LEFT + BUILDS.index(builds) / (len(BUILDS) - 1) * BROAD

    def y(value: float) -> float:
        low, high = log10(hours[0]), log10(hours[-1])
        return TOP + TALL - (log10(max(value, hours[0])) - low) / (high - low) * TALL

    for mark in hours:
        parts += [
            f'<path d="M{LEFT} {y(mark):.1f}H{LEFT + BROAD}" stroke="{GRID}"/>',
            text(LEFT - 8, y(mark) + 4, f"{mark:g}", anchor="end"),
        ]
    parts += [text(x(each), TOP + TALL + 20, f"{each:,}", anchor="middle") for each in BUILDS]
    parts.append(text(LEFT + BROAD / 2, TOP + TALL + 42, "builds at once", anchor="middle"))
    for packages, colour in zip(PACKAGES, COLOURS, strict=True):
        mine = [each for each in runs if each.packages == packages]
        points = [(x(each.builds), y(each.seconds / HOUR)) for each in mine]
        parts.append(line(points, colour))
        parts += [dot(*point, colour, 3) for point in points]
        parts.append(
            text(points[0][0] + 8, points[0][1] - 8, f"{packages:,} packages", colour=colour)
        )
    return picture(WIDTH, HEIGHT, "Hours of a first import against builds at once", parts)


if __name__ == "__main__":
    main()
