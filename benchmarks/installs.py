"""Real closures, installed for real: each approval's command, with each Python and pip.

Usage: ./shell/run-benchmark.sh installs [REQUEST-FILE [new|old|both [FOLDER]]]

The gate decides the requests, with sample advisories unless PACKAGE_GATE_ADVISORIES names others,
and publishes to a folder; what a refusal says to request instead is decided after that. Then each
command of an approval is run in a new environment that has no other index, with the pip that the
interpreter comes with (old: 23.2 with Python 3.11.7 and 3.12.1) and with the tests' own (new), and
the top-level module is imported. A Python that this machine does not have is named and left out.
A FOLDER stays, and the next run with it goes on with what was decided there.
Ends with status 1 when an approval can't be installed and no note says so, or when what was to be
requested instead is not approved. Sdists are built: this runs code of what it installs.
"""

import os
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Any

import msgspec

from benchmarks.measure import MIB, PROJECT, print_table
from package_gate.commands.advisory_sources import SAMPLE_ADVISORIES
from package_gate.commands.main import MISCONFIGURED
from package_gate.core.policy import Targets
from tests.notebooks import NEW_PIP, OLD_PIP, Notebook, interpreter, notebook, old_pip

REQUESTS = """\
docopt,pypi:docopt==0.6.2
antlr4,pypi:antlr4-python3-runtime==4.9.3
pycocotools,pypi:pycocotools
omegaconf,pypi:omegaconf==2.0.6
requests,"pypi:requests[security,socks]==2.32.3"
dataclasses,pypi:dataclasses
geojson,pypi:geojson==3.0.0
"""
"""Each could not be installed once, or not with what was asked for."""
_IMPORT = """
import importlib, importlib.metadata, re, sys
def plain(name):
    return re.sub(r"[-_.]+", "_", name).lower()
wanted = plain(sys.argv[1])
found = [
    module
    for module, names in importlib.metadata.packages_distributions().items()
    if wanted in map(plain, names) and module.isidentifier() and not module.startswith("_")
]
found.sort(key=lambda module: (plain(module) != wanted, module))
if not found:  # what only brings others has none
    print("no module of its own")
    raise SystemExit
importlib.import_module(found[0])
print(found[0])
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """How one command ended."""

    request: str
    python: str
    pip: str
    seconds: float
    problem: str
    """"" when it was installed and imported."""
    module: str = ""
    told: bool = False
    """Whether a note of the request says that this pip takes it for broken."""


def main(requests: str, pips: Sequence[str], kept: Path | None) -> int:
    """Decide, install, print."""
    with tempfile.TemporaryDirectory() if kept is None else nullcontext(kept) as name:
        folder = Path(name)
        decided = _decide(requests, folder / "first")
        lines = "\n".join(each["instead"] for each in decided if each["instead"])
        instead = _decide(lines, folder / "instead") if lines else []
        results = [
            *_install_all(decided, pips, folder / "first"),
            *_install_all(instead, pips, folder / "instead"),
        ]
    print_table(
        "Commands that were run",
        ("request", "Python", "pip", "seconds", "imported, or why not"),
        [(r.request, r.python, r.pip, f"{r.seconds:.1f}", r.module or r.problem) for r in results],
    )
    for request in (*decided, *instead):
        if request["verdict"] != "approved":
            print(f"{request['verdict']}: {request['source']}: {request['reasons'][0][:300]}")
            print(f"    instead: {request['instead'] or '-'}")
        for note in request["notes"]:
            print(f"{request['source']}: {note[:300]}")
    failed = [each for each in instead if each["verdict"] != "approved"]
    return 1 if failed or any(r.problem and not r.told for r in results) else 0


def _decide(requests: str, folder: Path) -> list[dict[str, Any]]:
    """Run the gate in a folder of its own, print what it took, and give what it says."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "requests.csv").write_text(requests)
    environment = {
        "PACKAGE_GATE_ADVISORIES": str(SAMPLE_ADVISORIES),
        "PACKAGE_GATE_POLICY": str(PROJECT / "scan-policy.toml"),
        **os.environ,
        "PYTHONPATH": str(PROJECT),
    }
    gate: list[str | Path] = [
        *(sys.executable, "-m", "package_gate", "--output", folder / "out"),
        *("--requests", folder / "requests.csv"),
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    ran = subprocess.run(gate, env=environment, cwd=folder, text=True, stdout=PIPE, stderr=STDOUT)
    seconds = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode == MISCONFIGURED:
        raise SystemExit(ran.stdout)
    report = msgspec.json.decode((folder / "out" / "verdicts.json").read_bytes())
    decided: list[dict[str, Any]] = report["requests"]
    packages = {
        (p["name"], p["version"]): sum(a["size"] for a in p["artifacts"])
        for request in decided
        for p in request["packages"]
    }
    processor = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{len(decided)} requests, {len(packages)} packages, "
        f"{sum(packages.values()) / MIB:.0f} MiB, decided in {seconds:.0f} s with "
        f"{processor:.0f} s of processor time",
        flush=True,
    )
    return decided


def _install_all(
    decided: Sequence[dict[str, Any]], wanted: Sequence[str], folder: Path
) -> Iterator[Installed]:
    approved = [each for each in decided if each["verdict"] == "approved"]
    for version in Targets().python_versions:
        python = interpreter(version)
        if python is None:
            print(f"Python {version} is not on this machine: nothing is installed for it.")
            continue
        pips = [pip for pip in wanted if pip == NEW_PIP or old_pip(python)]
        for request in approved:
            targets = request["targets"]
            if not targets or any(each.startswith(f"Python {version} ") for each in targets):
                for pip in pips:
                    yield _install(request, version, python, pip, folder)


def _install(
    request: dict[str, Any], version: str, python: Path, pip: str, folder: Path
) -> Installed:
    place = folder / f"{version}-{pip}-{request['line']}"
    working = notebook(place, python, pip)
    try:
        return _ran(request, version, pip, working)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _ran(request: dict[str, Any], version: str, pip: str, working: Notebook) -> Installed:
    begin = time.perf_counter()
    ran = working.run(request["install_command"])
    seconds = time.perf_counter() - begin
    said = (request["source"].removeprefix("pypi:"), version, pip, seconds)
    told = pip == NEW_PIP and any("pip 24.1" in note for note in request["notes"])
    if ran.returncode:
        errors = [line for line in ran.stderr.splitlines() if line.lower().startswith("error")]
        problem = (errors or ran.stderr.splitlines() or ["?"])[0][:200]
        return Installed(*said, problem=problem, told=told)
    name = shlex.quote(request["packages"][0]["name"])
    imported = working.run(f"python -I -c {shlex.quote(_IMPORT)} {name}")
    if imported.returncode:
        return Installed(*said, problem=(imported.stderr.splitlines() or ["?"])[-1][:200])
    return Installed(*said, problem="", module=imported.stdout.strip())


if __name__ == "__main__":
    file, pips, kept, *_ = [*sys.argv[1:], "", "", ""]
    sys.exit(
        main(
            Path(file).read_text() if file else REQUESTS,
            (pips,) if pips in (NEW_PIP, OLD_PIP) else (NEW_PIP, OLD_PIP),
            Path(kept).absolute() if kept else None,
        )
    )
