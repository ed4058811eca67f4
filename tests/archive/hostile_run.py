"""Hostile archives, all in one run of the gate: what is wrong with what it says of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.archive.hostile_variants import Variant
from tests.fakes.https_server import https_server, respond
from tests.fakes.package_index import PackageIndex, wheel
from tests.local_run import LocalRun

HONEST = ("honest", "honest-pypi")
"""The names of the honest archive that stands among them, by address and as a PyPI request."""
_CORE = b"Metadata-Version: 2.1\nName: honest\nVersion: 1.0\n"

Start = Callable[[LocalRun, str], tuple[int, str]]
"""Runs the gate on the lines of a request file; gives exit status and output."""


@dataclass(frozen=True)
class HostileRun:
    """A run of the gate."""

    verdicts: dict[str, str]
    """By name of the request."""
    faults: list[str]
    """What is wrong; nothing, one hopes."""


def run_hostile(variants: Sequence[Variant], folder: Path, start: Start) -> HostileRun:
    """Let one run of the gate judge these archives, with the default policy and scanners."""
    with https_server(folder) as server:
        lines = []
        index = PackageIndex(server)
        honest, content = wheel(
            HONEST[0], "1.0", b"Metadata-Version: 2.1\nName: honest\nVersion: 1.0\n"
        )
        all_of_them = [*variants[: len(variants) // 2], Variant(HONEST[0], honest, content)]
        all_of_them.append(Variant(HONEST[1], honest, content, project=HONEST[0]))
        all_of_them += variants[len(variants) // 2 :]
        for variant in all_of_them:
            if variant.project:
                index.add_file(variant.project, variant.filename, variant.data)
                lines.append(f"{variant.name},pypi:{variant.project}\n")
                continue
            path = f"/{variant.name}/{variant.filename}"
            server.routes[path] = respond(variant.data)
            lines.append(f"{variant.name},{server.url}{path}\n")
        local = LocalRun(folder / "run", index)
        local.folder.mkdir()
        status, output = start(local, "".join(lines))
    requests = {request["name"]: request for request in local.report()["requests"]}
    faults = list(_faults(variants, requests, output))
    verdicts = {name: request["verdict"] for name, request in requests.items()}
    # Somebody is to look after requests that are undecided, and so after a run that has some.
    if status != ("undecided" in verdicts.values()):
        faults.append(f"the run ended with status {status}: {output[-2000:]}")
    emails = len(list((local.output / "outbox").glob("*.eml")))
    if emails != len(verdicts):
        faults.append(f"{emails} emails for {len(verdicts)} requests")
    return HostileRun(verdicts, faults)


def _faults(variants: Sequence[Variant], requests: Mapping[str, Any], output: str) -> Iterator[str]:
    names = {*HONEST, *(variant.name for variant in variants)}
    for name in names ^ requests.keys():
        yield f"{name}: lost, or not asked for"
    for name in HONEST:
        if requests.get(name, {}).get("verdict") != "approved":
            yield f"{name}: not approved: {requests.get(name)}"
    for variant in variants:
        request = requests.get(variant.name)
        if request is None:
            continue
        if request["verdict"] not in {"refused", "undecided"}:
            yield f"{variant.name}: {request['verdict']}"
        if not request["reasons"] or not all(map(str.strip, request["reasons"])):
            yield f"{variant.name}: no reason"
        rules = {each["rule"] for package in request["packages"] for each in package["findings"]}
        if request["verdict"] == "refused" and not rules:
            yield f"{variant.name}: refused without a finding"
        # What is no archive at all is not even unpacked: a reason says so.
        if variant.rule not in {"", *rules} and request["verdict"] != "undecided":
            yield f"{variant.name}: {variant.rule} is not in {sorted(rules)}, {request['reasons']}"
        if f"{variant.name} " not in output and f"{variant.name}:" not in output:
            yield f"{variant.name}: not named on the terminal"
