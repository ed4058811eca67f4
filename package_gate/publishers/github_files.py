"""The files that the gate itself writes on a branch, and the commands that install from it."""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence

from package_gate.core.artifact import Artifact
from package_gate.core.errors import PublishError
from package_gate.publishers.git_names import ARCHIVE_FOLDER, PYPI_REQUESTS
from package_gate.publishers.interface import PublishedPackage

WITHDRAWN_FILE = "WITHDRAWN.md"
SUMS_FILE = "SHA256SUMS"
REQUIREMENTS_FILE = "requirements.txt"
PACKAGES_FOLDER = "packages"
ATTESTATIONS_FOLDER = "attestations"
"""On a branch with PyPI files: what is signed about each of them."""

_SUM = re.compile(rf"([0-9a-f]{{64}})  {PACKAGES_FOLDER}/(\S+)")
_MARK = "Package-Gate:"
_DIGEST = "Archive-SHA256:"
_REQUIREMENT = "Requirement:"
_LISTED = 20


def sums_text(digests: Mapping[str, str]) -> bytes:
    """File name → SHA-256, as `sha256sum --check` reads it (coreutils)."""
    lines = (f"{digests[name]}  {PACKAGES_FOLDER}/{name}\n" for name in sorted(digests))
    return "".join(lines).encode()


def read_sums(content: bytes, branch: str) -> dict[str, str]:
    """Read back what `sums_text` wrote.

    Raises:
        PublishError: it is something else.
    """
    digests = {}
    for line in content.decode("utf-8", "replace").splitlines():
        found = _SUM.fullmatch(line)
        if not found:
            raise PublishError(
                f"{SUMS_FILE} of branch {branch} is not what the gate wrote; delete the branch."
            )
        digests[found[2]] = found[1]
    return digests


def requirements_text(packages: Sequence[PublishedPackage], command: str) -> bytes | None:
    """Every package that is installed, pinned with the digests of its files (pip's hash-checking
    mode). What only a build needs is not installed: pip finds it beside the others.

    None when not all notebooks need the same packages, or not in the same version: pip would
    install all of them everywhere.
    """
    installed = _installed(packages)
    if _differ(installed):
        return None
    lines = [f"# {command}"]
    for package in sorted(installed, key=lambda package: package.name):
        digests = sorted({artifact.sha256 for artifact in package.artifacts})
        hashes = (f"--hash=sha256:{digest}" for digest in digests)
        lines.append(" \\\n    ".join([f"{package.name}=={package.version}", *hashes]))
    return ("\n".join(lines) + "\n").encode()


def pypi_command(
    requirement: str, packages: Sequence[PublishedPackage], address: str, branch: str
) -> str:
    """What installs a PyPI request's closure, from the clone of its branch and nothing else."""
    folder = branch.removeprefix(f"{PYPI_REQUESTS}/")
    clone = _clone(folder, address, branch)
    install = f"pip install --no-index --find-links {folder}/{PACKAGES_FOLDER}"
    if not _differ(_installed(packages)):
        return f"{clone} && {install} --require-hashes -r {folder}/{REQUIREMENTS_FILE}"
    check = f"(cd {folder} && sha256sum --check --quiet {SUMS_FILE})"
    return f"{clone} && {check} && {install} {shlex.quote(requirement)}"


def archive_command(name: str, root: Iterable[str], archive: str, address: str) -> str:
    """What installs an archive request from its branch, or clones it when pip can't install it.

    Args:
        name: the request's name, which is its branch.
        root: the names at the branch's root.
        archive: the name of the scanned archive.
        address: of the repository.
    """
    if archive.endswith(".whl"):
        return f"{_clone(name, address, name)} && pip install {name}/{ARCHIVE_FOLDER}/{archive}"
    if {"pyproject.toml", "setup.py"} & set(root):
        return f'pip install "git+{address}@{name}"'
    return _clone(name, address, name)


def _clone(name: str, address: str, branch: str) -> str:
    return f"git clone --depth 1 --branch {branch} {address} {name}"


def _installed(packages: Sequence[PublishedPackage]) -> list[PublishedPackage]:
    return [package for package in packages if not package.for_build]


def _differ(packages: Sequence[PublishedPackage]) -> bool:
    """Whether what is installed differs from notebook to notebook."""
    names = {package.name for package in packages}
    return len(names) < len(packages) or len({package.targets for package in packages}) > 1


def archive_message(name: str, artifact: Artifact, left_out: Mapping[str, str]) -> str:
    """The commit message for an archive request; it lists what stayed out of the tree."""
    lines = [f"{name}: approved archive", ""]
    if left_out:
        lines.append("Not on the branch, though in the archive:")
        lines += [f"- {path!a}: {why}" for path, why in sorted(left_out.items())[:_LISTED]]
        if len(left_out) > _LISTED:
            lines.append(f"- and {len(left_out) - _LISTED} more")
        lines.append("")
    return "\n".join([*lines, f"{_DIGEST} {artifact.sha256}", f"{_MARK} published", ""])


def offer_message(requirement: str) -> str:
    """The commit message for a PyPI request; it says whose branch this is."""
    subject = f"{requirement}: approved with its dependencies"
    return f"{subject}\n\n{_REQUIREMENT} {requirement}\n{_MARK} offered\n"


def offered_requirement(commit_message: str) -> str:
    """The requirement that a commit offers; "" when it doesn't say, as earlier gates' do not."""
    return _last(commit_message, _REQUIREMENT)


def message(subject: str, what: str) -> str:
    """Any other commit message of the gate."""
    return f"{subject}\n\n{_MARK} {what}\n"


def withdrawn_text(package: PublishedPackage) -> bytes:
    """What a withdrawn branch says to its reader."""
    digests = "".join(f"- `{artifact.sha256}`\n" for artifact in package.artifacts)
    return (
        f"# Withdrawn\n\nA later scan refused {package.name} {package.version}".rstrip()
        + f". Do not install it. The files had these SHA-256 digests:\n\n{digests}\n"
        "They are still in this branch's history, for the record. Delete the branch to remove "
        "them from it.\n"
    ).encode()


def is_ours(commit_message: str) -> bool:
    """Whether the gate made a commit."""
    return any(line.startswith(f"{_MARK} ") for line in commit_message.splitlines())


def published_digest(commit_message: str) -> str:
    """The SHA-256 of the archive that a commit published, or ""."""
    return _last(commit_message, _DIGEST)


def _last(commit_message: str, key: str) -> str:
    values = [
        line.removeprefix(key).strip()
        for line in commit_message.splitlines()
        if line.startswith(key)
    ]
    return values[-1] if values else ""
