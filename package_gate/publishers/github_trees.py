"""Files of packages as git objects, and the trees of branches made of them and read back."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from package_gate.core.artifact import ArtifactFile
from package_gate.core.attestation import STATEMENT_SUFFIX
from package_gate.core.errors import PublishError
from package_gate.publishers.git import Repository, Tip
from package_gate.publishers.git_names import left_out
from package_gate.publishers.github_files import (
    ATTESTATIONS_FOLDER,
    PACKAGES_FOLDER,
    REQUIREMENTS_FILE,
    SUMS_FILE,
    WITHDRAWN_FILE,
    is_ours,
    read_sums,
    sums_text,
)

FILE_LIMIT = 100 * 1024 * 1024
"""Bytes; GitHub blocks larger files ("About large files on GitHub")."""

SMALL_FILE = 64 * 1024
"""Bytes; enough for `SHA256SUMS`, so that it is fetched with a branch and the packages are not."""


def store_file(git: Repository, file: ArtifactFile) -> str:
    """Store a scanned file and give its object id.

    Raises:
        PublishError: it is over GitHub's limit, or not the bytes that were scanned.
    """
    name = file.artifact.filename
    _check_size(name, file.path.stat().st_size)
    content = file.path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.artifact.sha256:
        raise PublishError(
            f"{name} has SHA-256 {digest}, but {file.artifact.sha256} was scanned. It is not "
            "published; the next run fetches it again."
        )
    return git.write(content)


def store_source(git: Repository, folder: Path) -> tuple[dict[bytes, str], dict[str, str]]:
    """Store the files of an unpacked archive.

    When it has a single top folder, as sdists and GitHub's archives have, that is the root.

    Returns:
        Path below the root → object id, and path → why it stays out of the commit.

    Raises:
        PublishError: a file is over GitHub's limit, or something is no file or folder.
    """
    top = os.fsencode(folder)
    with os.scandir(top) as scan:
        entries = list(scan)
    if len(entries) == 1 and entries[0].is_dir(follow_symlinks=False):
        top = entries[0].path
    omitted: dict[str, str] = {}
    kept: dict[bytes, bytes] = {}
    for path, size in _files(top):
        below = path[len(top) + 1 :]
        shown = os.fsdecode(below)
        if why := left_out(shown):
            omitted[shown] = why
        else:
            _check_size(shown, size)
            kept[below] = path
    return dict(zip(kept, git.write_files(list(kept.values())), strict=True)), omitted


def _files(folder: bytes) -> Iterator[tuple[bytes, int]]:
    """Every file of the source below a folder, with its size in bytes."""
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    for entry in entries:
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            yield from _files(entry.path)
        elif stat.S_ISREG(status.st_mode):
            yield entry.path, status.st_size
        else:
            raise PublishError(f"{os.fsdecode(entry.name)!a} is a link or device; not published.")


def _check_size(name: str, size: int) -> None:
    if size > FILE_LIMIT:
        raise PublishError(
            f"{name!a} has {size:,} bytes; GitHub takes at most {FILE_LIMIT:,} in a file. Publish "
            "this package to AWS CodeArtifact, or ask for a smaller archive or release."
        )


def files_tree(
    git: Repository,
    digests: Mapping[str, str],
    blobs: Mapping[str, str],
    extra: Mapping[str, str] | None = None,
) -> str:
    """Store the tree of a branch with PyPI files and give its id.

    Args:
        digests: SHA-256 by file name.
        blobs: object id by file name.
        extra: object id by path of further files.
    """
    files = {f"{PACKAGES_FOLDER}/{name}": blobs[name] for name in digests}
    files |= {SUMS_FILE: git.write(sums_text(digests)), **(extra or {})}
    return git.write_tree({path.encode(): blob for path, blob in files.items()})


def published_files(
    git: Repository, branch: str, tip: Tip | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Read back what `files_tree` wrote: digests and object ids, both by file name.

    Both are empty for a branch that is not there or withdrawn.

    Raises:
        PublishError: the branch has something else.
    """
    root = git.entries(tip) if tip else {}
    if not tip or root.keys() == {WITHDRAWN_FILE}:
        return {}, {}
    if not is_ours(tip.message) or not {SUMS_FILE, PACKAGES_FOLDER} <= root.keys():
        raise PublishError(f"Branch {branch} is not what the gate wrote; delete it.")
    digests = read_sums(git.read(root[SUMS_FILE]), branch)
    blobs = git.entries(tip, PACKAGES_FOLDER)
    if digests.keys() != blobs.keys():
        raise PublishError(f"Branch {branch} is not what the gate wrote; delete it.")
    return digests, blobs


def statements(git: Repository, tip: Tip | None) -> dict[str, str]:
    """Give the object ids of what is signed about a branch's PyPI files, by path."""
    if tip is None or ATTESTATIONS_FOLDER not in git.entries(tip):
        return {}
    entries = git.entries(tip, ATTESTATIONS_FOLDER)
    return {f"{ATTESTATIONS_FOLDER}/{name}": blob for name, blob in entries.items()}


def attested_tree(
    git: Repository, branch: str, tip: Tip | None, names: Iterable[str], statement: str
) -> str | None:
    """Store a branch's tree with a statement on those of these files that it holds.

    Args:
        names: of PyPI files.
        statement: its object id.

    Returns:
        The tree's id; None for a branch that holds none of them.
    """
    digests, blobs = published_files(git, branch, tip)
    held = [name for name in names if name in digests]
    if tip is None or not held:
        return None
    root = git.entries(tip)
    extra = statements(git, tip)
    extra |= {f"{ATTESTATIONS_FOLDER}/{name}{STATEMENT_SUFFIX}": statement for name in held}
    if REQUIREMENTS_FILE in root:
        extra[REQUIREMENTS_FILE] = root[REQUIREMENTS_FILE]
    return files_tree(git, digests, blobs, extra)
