"""PyPI packages on branches of the private repository: one for each package and each request."""

from collections.abc import Sequence
from functools import partial

from package_gate.core.decision import PackageSummary
from package_gate.core.errors import PublishError
from package_gate.core.request import PyPISource, Request
from package_gate.publishers.git import Repository, Tip
from package_gate.publishers.git_names import (
    PYPI_REQUESTS,
    checked_file,
    pypi_package_branch,
    pypi_request_branch,
    requirement_of,
)
from package_gate.publishers.github_branches import Branches
from package_gate.publishers.github_files import (
    PACKAGES_FOLDER,
    REQUIREMENTS_FILE,
    is_ours,
    message,
    offer_message,
    offered_requirement,
    pypi_command,
    requirements_text,
)
from package_gate.publishers.github_trees import (
    SMALL_FILE,
    attested_tree,
    files_tree,
    published_files,
    statements,
    store_file,
)
from package_gate.publishers.interface import ApprovedPackage, PublishedPackage


class GitHubPyPI:
    """Approved PyPI packages on branches; implements `OriginPublisher`."""

    def __init__(self, branches: Branches) -> None:
        """Publish to these branches."""
        self._branches = branches

    def publish(self, package: ApprovedPackage) -> str:
        """Push the package's files to its branch and return the branch's page.

        Raises:
            PublishError: it failed, a file is over GitHub's limit, another digest stands under
                the same name, or the branch is somebody else's.
        """
        branch = pypi_package_branch(package.name, package.version)
        digests = {checked_file(f.artifact.filename): f.artifact.sha256 for f in package.files}
        with self._branches.repository() as git:
            stored = {f.artifact.filename: store_file(git, f) for f in package.files}

            def tree(tip: Tip | None) -> str:
                known, blobs = published_files(git, branch, tip)
                for name in stored.keys() & known.keys():
                    if digests[name] != known[name] or stored[name] != blobs[name]:
                        raise PublishError(
                            f"{name} was approved with SHA-256 {digests[name]}, but branch "
                            f"{branch} already holds other bytes (said to be {known[name]}). "
                            "Find out why; delete the branch to publish the approved ones."
                        )
                signed = statements(git, tip)
                return files_tree(git, {**known, **digests}, {**blobs, **stored}, signed)

            text = message(f"{package.name} {package.version}: approved", "published")
            when = package.decided_at
            self._branches.append(git, branch, tree, text, when, largest_file=SMALL_FILE)
        return self._branches.page(branch)

    def attest(self, package: PublishedPackage, statement: bytes) -> None:
        """See `OriginPublisher.attest`: on the package's branch, and on those of requests.

        Raises:
            PublishError: it failed.
        """
        own = pypi_package_branch(package.name, package.version)
        names = [artifact.filename for artifact in package.artifacts]
        with self._branches.repository() as git:
            tips = self._branches.tips(
                git,
                lambda head: head == own or head.startswith(f"{PYPI_REQUESTS}/"),
                SMALL_FILE,
            )
            signed = git.write(statement)
            for branch, tip in tips.items():
                if branch == own or (is_ours(tip.message) and _holds(git, tip, package)):
                    tree = partial(_attested, git, branch, names, signed)
                    # With the message of the tip, which says what the branch holds.
                    self._branches.append(
                        *(git, branch, tree, tip.message, package.decided_at),
                        largest_file=SMALL_FILE,
                    )

    def offer(self, request: Request, packages: Sequence[PublishedPackage]) -> str:
        """Write a request's branch from files already there, and return the install command.

        Raises:
            PublishError: it failed, or a package is not in the repository (any more).
        """
        requirement = requirement_of(request)
        source = request.source
        constraints = source.constraints if isinstance(source, PyPISource) else ()
        asked = str(requirement)
        offered = " with ".join((asked, *constraints))
        with self._branches.repository() as git:
            branch = self._branches.spelled(git, pypi_request_branch(requirement, constraints))
            command = pypi_command(asked, packages, self._branches.address, branch)
            digests, blobs, extra = self._closure(git, packages)
            if (requirements := requirements_text(packages, command)) is not None:
                extra[REQUIREMENTS_FILE] = git.write(requirements)
            tree = files_tree(git, digests, blobs, extra)

            def wanted(tip: Tip | None) -> str:
                other = offered_requirement(tip.message) if tip else ""
                if other not in ("", offered):
                    raise PublishError(
                        f"Branch {branch} is that of {other}, not of {offered}. Find out why; "
                        "delete the branch to publish this one."
                    )
                return tree

            when = max(package.decided_at for package in packages)
            self._branches.append(git, branch, wanted, offer_message(offered), when)
        return command

    def repair(self, package: PackageSummary) -> None:
        """See `OriginPublisher.repair`: a push moves a branch as a whole, or not at all."""

    def restore(self, package: PublishedPackage) -> str:
        """See `OriginPublisher.restore`: what was withdrawn is gone."""
        return ""

    def withdraw(self, package: PublishedPackage) -> bool:
        """Leave nothing to install on the branches that hold the package.

        These are its own, and that of every request whose closure it is in.

        Raises:
            PublishError: it failed.
        """
        with self._branches.repository() as git:
            tips = self._branches.tips(git, lambda head: head.startswith(f"{PYPI_REQUESTS}/"))
            # The requests' branches first: those are what people install from.
            holding = [branch for branch, tip in tips.items() if _holds(git, tip, package)]
            holding.append(pypi_package_branch(package.name, package.version))
            return self._branches.empty(
                git, package, holding, lambda tip: _holds(git, tip, package)
            )

    def _closure(
        self, git: Repository, packages: Sequence[PublishedPackage]
    ) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        """The digests and object ids of a closure's files, by file name, and the object ids of what
        is signed about them, by path."""
        branches = [pypi_package_branch(package.name, package.version) for package in packages]
        tips = self._branches.tips(git, lambda head: head in branches, SMALL_FILE)
        digests, blobs = {}, {}
        signed: dict[str, str] = {}
        for package, branch in zip(packages, branches, strict=True):
            known, stored = published_files(git, branch, tips.get(branch))
            signed |= statements(git, tips.get(branch))
            for artifact in package.artifacts:
                name = checked_file(artifact.filename)
                if known.get(name) != artifact.sha256:
                    raise PublishError(
                        f"{name} with SHA-256 {artifact.sha256} is not on branch {branch}. "
                        "Scan the request again to publish it."
                    )
                digests[name], blobs[name] = artifact.sha256, stored[name]
        return digests, blobs, signed


def _holds(git: Repository, tip: Tip, package: PublishedPackage) -> bool:
    """Whether a file of the package could still be installed from a branch's tip."""
    names = {artifact.filename for artifact in package.artifacts}
    return PACKAGES_FOLDER in git.entries(tip) and bool(
        names & git.entries(tip, PACKAGES_FOLDER).keys()
    )


def _attested(
    git: Repository, branch: str, names: Sequence[str], statement: str, tip: Tip | None
) -> str | None:
    return attested_tree(git, branch, tip, names, statement)
