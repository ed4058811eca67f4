"""What each target holds after a kill: published files, records, emails; and what is wrong."""

import email
import email.policy
import json
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

from tests.aws_run import ScriptRun
from tests.publishers.github_world import World

VERSION = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}")

Files = list[tuple[str, str]]
"""Where a published file is (an archive's version as `VERSION`), and its SHA-256."""


@dataclass(frozen=True)
class Digests:
    """The SHA-256 of the files that are to be published, and of those that must not be."""

    app: str
    dep: str
    tool: str
    never: dict[str, bytes]
    """The bytes of the refused and of the undecided file by name."""


class Mail(NamedTuple):
    """An email that was sent."""

    package: str
    verdict: str
    subject: str
    """Of a refusal it names what was withdrawn: told again, that is news."""


class Store(Protocol):
    """One target's repository, record store and emails."""

    def expected(self) -> Files:
        """What is published in the end, sorted."""
        ...

    def expected_tool(self) -> tuple[str, str]:
        """The archive that notebooks get."""
        ...

    @property
    def digests(self) -> Digests:
        """Of the files."""
        ...

    def published(self) -> Files:
        """What notebooks can install now, sorted."""
        ...

    def documents(self) -> dict[str, bytes]:
        """Every record by its key."""
        ...

    def emails(self) -> list[Mail]:
        """What was sent, in order."""
        ...

    def turn_taken(self) -> bool:
        """Whether a run holds a lease that must run out."""
        ...

    def faults(self, *, done: bool) -> list[str]:
        """What is wrong that only this target has.

        Args:
            done: whether a run has ended since the kill.
        """
        ...


@dataclass(frozen=True)
class LocalStore:
    """The output folder of a local run."""

    output: Path
    digests: Digests

    def expected(self) -> Files:
        return sorted([
            ("generic/tool/Latest/tool.zip", self.digests.tool),
            ("generic/tool/VERSION/tool.zip", self.digests.tool),
            ("simple/app/app-1.0-py3-none-any.whl", self.digests.app),
            ("simple/dep/dep-1.5-py3-none-any.whl", self.digests.dep),
        ])  # fmt: skip

    def published(self) -> Files:
        found = [*self.output.glob("simple/*/*"), *self.output.glob("generic/*/*/*")]
        return sorted(
            (
                VERSION.sub("VERSION", str(path.relative_to(self.output))),
                sha256(path.read_bytes()).hexdigest(),
            )
            for path in found
            if not path.name.startswith((".", "index.")) and path.suffixes[-2:] != [".vsa", ".json"]
        )

    def expected_tool(self) -> tuple[str, str]:
        return "generic/tool/Latest/tool.zip", self.digests.tool

    def documents(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.output)).removeprefix("decisions/"): path.read_bytes()
            for folder in ("decisions", "evidence")
            for path in (self.output / folder).rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }

    def emails(self) -> list[Mail]:
        sent = [
            email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            for path in sorted(
                self.output.glob("outbox/[!.]*"), key=lambda path: path.stat().st_mtime_ns
            )
        ]
        wanted = ("X-Package-Gate-Package", "X-Package-Gate-Verdict", "Subject")
        return [Mail(*(str(mail[name]) for name in wanted)) for mail in sent]

    def turn_taken(self) -> bool:
        return False

    def faults(self, *, done: bool) -> list[str]:
        """The index's pages must agree with what lies beside them."""
        faults = []
        listing = self.output / "simple" / "index.html"
        folders = {folder.name for folder in self.output.glob("simple/*/")}
        text = listing.read_text() if listing.exists() else ""
        names = set(re.findall(r'href="([^"]+)/"', text))
        if not names <= folders or (done and names != folders):
            faults.append(f"simple/index.html lists {names}, there is {folders}")
        for folder in self.output.glob("simple/*/"):
            files = {p.name: sha256(p.read_bytes()).hexdigest() for p in folder.glob("[!.]*.whl")}
            json_page, html_page = folder / "index.v1_json", folder / "index.html"
            listed = {}
            if json_page.exists():
                page = json.loads(json_page.read_bytes())
                listed = {each["filename"]: each["hashes"]["sha256"] for each in page["files"]}
            linked = {}
            if html_page.exists():
                linked = dict(re.findall(r'href="([^#"]+)#sha256=(\w+)"', html_page.read_text()))
            for name, page_files in (("index.v1_json", listed), ("index.html", linked)):
                if not page_files.items() <= files.items() or (done and page_files != files):
                    faults.append(f"{folder.name}/{name} lists {page_files}, there is {files}")
        return faults


@dataclass(frozen=True)
class _AWSStore:
    """Records in S3, emails through SNS."""

    run: ScriptRun
    digests: Digests

    def documents(self) -> dict[str, bytes]:
        found = {}
        for key, content in self.run.records().items():
            inner = re.search(
                r"/((packages/(archive|pypi)/|requests/|history/|evidence/|owed/|policies/"
                r"|inventory\.).*)",
                key,
            )
            if inner:
                found[inner[1]] = content
            elif not key.endswith(("/lease", "/index/requests.gz")):
                found[key] = content
        return found

    def emails(self) -> list[Mail]:
        sent = self.run.emails()
        return [
            Mail(mail.attributes["package"], mail.attributes["verdict"], mail.subject)
            for mail in sent
        ]

    def turn_taken(self) -> bool:
        return any(
            b'"holder":""' not in content
            for key, content in self.run.records().items()
            if key.endswith("/lease")
        )


@dataclass(frozen=True)
class CodeArtifactStore(_AWSStore):
    """A CodeArtifact repository besides."""

    def expected_tool(self) -> tuple[str, str]:
        return "generic/tool/Latest/tool.zip", self.digests.tool

    def expected(self) -> Files:
        return sorted([
            ("generic/tool/Latest/tool.zip", self.digests.tool),
            ("generic/tool/VERSION/tool.zip", self.digests.tool),
            ("pypi/app/1.0/app-1.0-py3-none-any.whl", self.digests.app),
            ("pypi/dep/1.5/dep-1.5-py3-none-any.whl", self.digests.dep),
        ])  # fmt: skip

    def published(self) -> Files:
        service = self.run.aws.codeartifact
        with service.lock:
            return sorted(
                (
                    f"{key.format}/{key.package}/{VERSION.sub('VERSION', number)}/{name}",
                    sha256(asset.path.read_bytes()).hexdigest(),
                )
                for key, versions in service.packages.items()
                for number, version in versions.items()
                if version.status == "Published"
                for name, asset in version.assets.items()
            )

    def faults(self, *, done: bool) -> list[str]:
        service = self.run.aws.codeartifact
        states = [
            f"{key.package} {version.version} is {version.status}"
            for key, versions in service.packages.items()
            for version in versions.values()
            if version.status != "Published"
        ]
        begun = {call.parameters.get("package") for call in service.calls}
        begun |= {call.parameters.get("name") for call in service.calls}
        never = [f"{name} was brought" for name in ("holey", "fresh") if name in begun]
        return never + (states if done else [])


@dataclass(frozen=True)
class GitHubStore(_AWSStore):
    """A git repository besides."""

    world: World

    def expected_tool(self) -> tuple[str, str]:
        return "tool:.packages/tool.zip", self.digests.tool

    def expected(self) -> Files:
        app = ("packages/app-1.0-py3-none-any.whl", self.digests.app)
        dep = ("packages/dep-1.5-py3-none-any.whl", self.digests.dep)
        tool = (".packages/tool.zip", self.digests.tool)
        branches = {
            "pypi-packages/app/1.0": [app],
            "pypi-packages/dep/1.5": [dep],
            "pypi/app": [app, dep],
            "tool": [tool],
        }
        return sorted(
            (f"{branch}:{path}", digest)
            for branch, files in branches.items()
            for path, digest in files
        )

    def published(self) -> Files:
        return sorted(
            (f"{branch}:{path}", sha256(self.world.content(branch, path)).hexdigest())
            for branch in self._branches()
            for path in self.world.files(branch)
            if re.match(r"\.?packages/", path)
        )

    def faults(self, *, done: bool) -> list[str]:
        """One commit a publication, the rest of each branch as it must be, nothing refused."""
        faults = []
        for branch in self._branches():
            if (commits := self.world.commits(branch)) != 1:
                faults.append(f"{branch} has {commits} commits")
            others = {p for p in self.world.files(branch) if not re.match(r"\.?packages/", p)}
            wanted = {"SHA256SUMS"} | ({"requirements.txt"} if branch == "pypi/app" else set())
            if others != ({"tool.py"} if branch == "tool" else wanted):
                faults.append(f"{branch} holds {sorted(others)}")
        for name, content in self.digests.never.items():
            blob = self.world.git("hash-object", "--stdin", stdin=content).strip()
            listing = self.world.git("cat-file", "--batch-all-objects", "--batch-check")
            if blob in listing:
                faults.append(f"{name} is in the repository")
        return faults

    def _branches(self) -> list[str]:
        return self.world.git("for-each-ref", "--format=%(refname:lstrip=2)").split()
