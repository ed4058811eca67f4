#!/usr/bin/env python3
"""The Snyk CLI as its help describes it: `snyk --version`, `snyk sbom test`, `snyk sbom monitor`.

https://docs.snyk.io/developer-tools/snyk-cli/commands/sbom-test. `install` puts it into a folder
as `snyk`; beside it lie what it knows, the faults that were ordered, and a record of its runs.
This file is that program too, so it imports nothing but the standard library.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VERSION = "1.1304.0"
TOKEN = "snyk-token-canary-7e1f0c4ab9d24c3f"
"""Marked, so that a test can look for it where no credential may be."""
CLEAN, FOUND, FAILED, NOTHING_TESTED = 0, 1, 2, 3
FAULTS = (
    "hang",  # with a helper in the same process group that never ends
    "helper",  # a result, but a helper keeps the pipes open
    "garbage",  # no JSON, status 0
    "cut",  # the first half of the JSON
    "empty",  # an empty list of results
    "flood",  # endless output
    "crash",  # ended by a signal
    "failure",  # status 2, which may pass
    "nothing-tested",  # status 3
    "denies",  # status 0, whatever was found
    "claims",  # status 1, whatever was found
    "tells-token",  # status 2 with the token in its words
)


@dataclass
class SnykCLI:
    """What a test sees of it."""

    folder: Path
    """With the program `snyk`."""
    vulnerabilities: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Package URL → what `vulnerability` made."""
    ignored: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The same for what an ignore rule of the organisation hides."""

    @property
    def path(self) -> str:
        """For `PATH`: with the Python that runs it."""
        return os.pathsep.join([str(self.folder), str(Path(sys.executable).parent), os.defpath])

    @property
    def runs(self) -> list[dict[str, Any]]:
        """Arguments, environment, files and SBOM of each run, in order."""
        record = self.folder / "runs.jsonl"
        lines = record.read_text().splitlines() if record.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def tests(self) -> list[dict[str, Any]]:
        """The runs that were tests."""
        return [run for run in self.runs if run["arguments"][:2] == ["sbom", "test"]]

    @property
    def monitored(self) -> list[dict[str, Any]]:
        """The runs that let something be watched."""
        return [run for run in self.runs if run["arguments"][:2] == ["sbom", "monitor"]]

    def know(self) -> None:
        """Let the program know what the fields say."""
        known = {"vulnerabilities": self.vulnerabilities, "ignored": self.ignored}
        (self.folder / "known.json").write_text(json.dumps(known))

    def order(self, fault: str, times: int = 1) -> None:
        """Let something go wrong with the next tests."""
        assert fault in FAULTS
        faults = self.folder / "faults"
        for _ in range(times):
            (faults / f"{len(list(faults.iterdir())):03}-{fault}").touch()


def install(folder: Path) -> SnykCLI:
    """Put the program into an existing folder."""
    (folder / "faults").mkdir()
    (folder / "snyk").symlink_to(Path(__file__).resolve())
    cli = SnykCLI(folder)
    cli.know()
    return cli


def vulnerability(
    issue: str, severity: str = "high", fixed: tuple[str, ...] = (), **members: Any
) -> dict[str, Any]:
    """Make an issue in the shape of `snyk test --json`, without the package's name and version."""
    return {
        "id": issue,
        "title": "Arbitrary Code Execution",
        "description": "## Overview\nIt runs code.\n",
        "severity": severity,
        "severityWithCritical": severity,
        "CVSSv3": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "cvssScore": 9.8,
        "identifiers": {"CVE": ["CVE-2020-14343"], "CWE": ["CWE-20"], "GHSA": ["GHSA-8q59"]},
        "fixedIn": list(fixed),
        "references": [{"title": "Commit", "url": "https://code.example/commit/1"}],
        "semver": {"vulnerable": ["[,5.4)"]},
        "malicious": False,
        "language": "python",
        "packageManager": "pip",
        "isUpgradable": bool(fixed),
        "isPatchable": False,
        "upgradePath": [],
        "creationTime": "2021-01-01T00:00:00Z",
        **members,
    }


def main(program: Path, arguments: list[str]) -> int:
    """Run as the CLI."""
    home = program.parent
    sboms = [json.loads(path.read_text()) for path in Path().glob("sbom.json")]
    record = {
        "sbom": sboms[0] if sboms else None,
        "arguments": arguments,
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "files": sorted(path.name for path in Path().iterdir()),
    }
    with (home / "runs.jsonl").open("a") as runs:
        runs.write(json.dumps(record) + "\n")
    if arguments == ["--version"]:
        print(VERSION)
        return CLEAN
    fault = next_fault(home / "faults")
    try:
        sbom = read_sbom(arguments)
    except ValueError as error:
        return fail(str(error))
    if os.environ.get("SNYK_TOKEN") != TOKEN:
        return fail("Authentication error (SNYK-0005): 401")
    if arguments[1] == "monitor":
        return fail("The service is not available (SNYK-9999)") if fault else CLEAN
    known = json.loads((home / "known.json").read_text())
    return answer(fault, sbom, known)


def read_sbom(arguments: list[str]) -> dict[str, Any]:
    """Check the arguments and the file; ValueError when the CLI would not take them."""
    options = {option.partition("=")[0]: option.partition("=")[2] for option in arguments[2:]}
    known = {
        "sbom test": {"--experimental", "--json", "--file", "--org"},
        "sbom monitor": {"--experimental", "--file", "--org", "--target-reference"},
    }
    if not options.keys() <= known.get(" ".join(arguments[:2]), set()):
        raise ValueError(f"unknown command or option: {arguments}")
    sbom: dict[str, Any] = json.loads(Path(options["--file"]).read_text())
    if (sbom.get("bomFormat"), sbom.get("specVersion")) != ("CycloneDX", "1.5"):
        raise ValueError("the SBOM's format is not supported")
    if not all(each["purl"].startswith("pkg:pypi/") for each in sbom["components"]):
        raise ValueError("a component has no package URL")
    return sbom


def answer(fault: str, sbom: dict[str, Any], known: dict[str, Any]) -> int:
    """Write the result, or what goes wrong, and give the exit status."""
    found = issues(sbom, known["vulnerabilities"])
    ignored = issues(sbom, known["ignored"])
    result = {
        "ok": not found,
        "vulnerabilities": found,
        "dependencyCount": len(sbom["components"]),
        "uniqueCount": len({each["id"] for each in found}),
        "filtered": {"ignore": ignored, "patch": []},
        "summary": f"{len(found)} vulnerable dependency paths",
        "path": "sbom.json",
    }
    text = json.dumps(result if len(sbom["components"]) == 1 else [result])
    if fault in ("hang", "helper"):
        subprocess.Popen(["sleep", "600"])
    if fault == "hang":
        time.sleep(600)
    if fault == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    while fault == "flood":
        print("x" * 65536)
    if fault == "failure":
        return fail("The service is not available (SNYK-9999)")
    if fault == "tells-token":
        return fail(f"could not log in with {os.environ['SNYK_TOKEN']}")
    if fault == "nothing-tested":
        print(json.dumps({"ok": False, "error": "no supported files found", "path": "."}))
        return NOTHING_TESTED
    outputs = {"garbage": "<html>", "cut": text[: len(text) // 2], "empty": "[]"}
    print(outputs.get(fault, text))
    return {"denies": CLEAN, "claims": FOUND}.get(fault, FOUND if found else CLEAN)


def issues(sbom: dict[str, Any], known: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Give each known issue of each component twice, as for two paths to it."""
    return [
        {**issue, "name": each["name"], "packageName": each["name"], "version": each["version"]}
        for each in sbom["components"]
        for issue in known.get(each["purl"], []) * 2
    ]


def fail(message: str) -> int:
    """Fail as the CLI does with `--json`."""
    print(json.dumps({"ok": False, "error": message, "path": "sbom.json"}))
    print(message, file=sys.stderr)
    return FAILED


def next_fault(faults: Path) -> str:
    """Take the oldest ordered fault; several runs at once take different ones."""
    for fault in sorted(faults.iterdir()):
        try:
            fault.unlink()
        except FileNotFoundError:
            continue
        return fault.name.partition("-")[2]
    return ""


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[0]), sys.argv[1:]))
