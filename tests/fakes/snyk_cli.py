#!/usr/bin/env python3
"""The Snyk CLI as its help describes it: `snyk test` and `snyk monitor` on a lock file of Poetry,
`snyk sbom test`, `snyk sbom monitor` and `snyk --version`.

https://docs.snyk.io/developer-tools/snyk-cli/commands/test. What it makes of a lock file is held
to Snyk's own parser by tests/advisories/test_snyk_lock.py; its answers have the shape that the CLI
1.1307.4 gave when it was run against a server on the same machine. `install` puts it into a folder
as `snyk`; beside it lie what it knows, the faults that were ordered, and a record of its runs.
This file is that program too, so it imports nothing but the standard library.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
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
    "leaves-out",  # tests a lock file without pip, setuptools and wheel, however they are spelled
    "miscounts",  # one package less than it was given
)
LEFT_OUT = ("setuptools", "distribute", "pip", "wheel")
"""By the parser of lock files, where they are spelled like this."""
OPTIONS = {
    "test": {"--json", "--file", "--command", "--org"},
    "monitor": {"--file", "--command", "--org", "--project-name", "--target-reference"},
    "sbom test": {"--experimental", "--json", "--file", "--org"},
    "sbom monitor": {"--experimental", "--file", "--org", "--target-reference"},
}
"""Of each command, those that the gate may use."""


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
        """Arguments, environment, files and their text of each run, in order."""
        record = self.folder / "runs.jsonl"
        lines = record.read_text().splitlines() if record.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def tests(self) -> list[dict[str, Any]]:
        """The runs that were tests."""
        return [run for run in self.runs if command_of(run["arguments"]).endswith("test")]

    @property
    def monitored(self) -> list[dict[str, Any]]:
        """The runs that let something be watched."""
        return [run for run in self.runs if command_of(run["arguments"]).endswith("monitor")]

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
    record = {
        "arguments": arguments,
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "files": {path.name: path.read_text() for path in sorted(Path().iterdir())},
    }
    with (home / "runs.jsonl").open("a") as runs:
        runs.write(json.dumps(record) + "\n")
    if arguments == ["--version"]:
        print(VERSION)
        return CLEAN
    fault = next_fault(home / "faults")
    command = command_of(arguments)
    try:
        options = options_of(command, arguments)
        packages = read_sbom(options) if "sbom" in command else read_lock(options, fault)
    except ValueError as error:
        return fail(str(error))
    if os.environ.get("SNYK_TOKEN") != TOKEN:
        return fail("Authentication error (SNYK-0005): 401")
    if "monitor" in command:
        return fail("The service is not available (SNYK-9999)") if fault else CLEAN
    known = json.loads((home / "known.json").read_text())
    return answer(fault, packages, known)


def command_of(arguments: list[str]) -> str:
    """Give the words before the options."""
    return " ".join(each for each in arguments if not each.startswith("--"))


def options_of(command: str, arguments: list[str]) -> dict[str, str]:
    """Give the options with their values; ValueError for one that the command does not know."""
    given = [each for each in arguments if each.startswith("--")]
    options = {option.partition("=")[0]: option.partition("=")[2] for option in given}
    if command not in OPTIONS or not options.keys() <= OPTIONS[command]:
        raise ValueError(f"unknown command or option: {arguments}")
    return options


def read_sbom(options: dict[str, str]) -> list[tuple[str, str]]:
    """Give name and version of each package in the SBOM; ValueError when the CLI would not."""
    sbom: dict[str, Any] = json.loads(Path(options["--file"]).read_text())
    if (sbom.get("bomFormat"), sbom.get("specVersion")) != ("CycloneDX", "1.5"):
        raise ValueError("the SBOM's format is not supported")
    if not all(each["purl"].startswith("pkg:pypi/") for each in sbom["components"]):
        raise ValueError("a component has no package URL")
    return [(each["name"], each["version"]) for each in sbom["components"]]


def read_lock(options: dict[str, str], fault: str) -> list[tuple[str, str]]:
    """Give name and version of each package in the lock file as the CLI's parser does.

    ValueError when the CLI would not.
    """
    if options["--file"] != "poetry.lock":
        raise ValueError("Could not detect package manager for file")
    try:
        project = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["poetry"]
        locked = tomllib.loads(Path("poetry.lock").read_text())["package"]
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"Error processing poetry project. {error}") from error
    python = options.get("--command", "python")
    if not shutil.which(python):
        raise ValueError(f"Error processing poetry project. Could not find '{python}' on your PATH")
    found: dict[str, tuple[str, str]] = {}
    asked = list(project["dependencies"])
    while asked:
        name = asked.pop()
        spelled = name.lower() if fault == "leaves-out" else name
        if spelled in (*LEFT_OUT, "python"):
            continue
        for package in locked:
            if alike(package["name"]) == alike(name) and package["name"] not in found:
                found[package["name"]] = (package["name"], package["version"])
                asked += package.get("dependencies", {})
                break
        else:
            print(f"Could not find any lockfile metadata for package: {name}.", file=sys.stderr)
    return list(found.values())


def alike(name: str) -> str:
    """Spell a name as the parser does when it compares two."""
    return re.sub("_", "-", name.lower())


def answer(fault: str, packages: list[tuple[str, str]], known: dict[str, Any]) -> int:
    """Write the result, or what goes wrong, and give the exit status."""
    found = issues(packages, known["vulnerabilities"])
    ignored = issues(packages, known["ignored"])
    result = {
        "vulnerabilities": found,
        "ok": not found,
        "dependencyCount": len(packages) - (fault == "miscounts"),
        "org": "my-org",
        "isPrivate": True,
        "licensesPolicy": None,
        "packageManager": "poetry",
        "ignoreSettings": None,
        "summary": f"{len(found)} vulnerable dependency paths",
        "remediation": None,
        "filesystemPolicy": False,
        "filtered": {"ignore": ignored, "patch": []},
        "uniqueCount": len({each["id"] for each in found}),
        "targetFile": "pyproject.toml",
        "displayTargetFile": "pyproject.toml",
        "hasUnknownVersions": False,
        "path": str(Path.cwd()),
    }
    text = json.dumps(result if len(packages) == 1 else [result])
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


def issues(
    packages: list[tuple[str, str]], known: dict[str, list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Give each known issue of each package twice, as for two paths to it."""
    return [
        {**issue, "name": name, "packageName": name, "version": version}
        for name, version in packages
        for issue in known.get(f"pkg:pypi/{name}@{version}", []) * 2
    ]


def fail(message: str) -> int:
    """Fail as the CLI does with `--json`."""
    print(json.dumps({"ok": False, "error": message, "path": "."}))
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
