"""Where the links of an archive point, worked out without making one.

Only names are compared: the archive's own links are followed part by part, as a file system would,
and a step above the root ends it.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from package_gate.archive.paths import on_disk

MAX_HOPS = 40
"""As many links as Linux follows in one path (path_resolution(7))."""
MAX_STEPS = 400
"""Parts looked at for one path; keeps thousands of long links cheap."""

Parts = tuple[str, ...]


class LinkError(Exception):
    """The target can't be used; `rule` says why."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule
        self.detail = detail


def target_path(target: str, folder: Parts) -> Parts:
    """Give the path that a symbolic link in `folder` names, from the root and not yet resolved.

    Slashes and dots at its end are left out; `ends_as_folder` says whether it has them.

    Raises:
        LinkError: it is absolute, empty or holds a NUL.
    """
    if target.replace("\\", "/").startswith("/") or target[1:2] == ":":
        raise LinkError("link-outside", f"to {target}")
    if "\0" in target:
        raise LinkError("nul-in-name", f"to {target}")
    if not target:
        raise LinkError("ambiguous-link", "to nothing")
    parts = target.split("/")
    while ends_as_folder(parts[-1]) and len(parts) > 1:
        parts.pop()
    return folder + tuple(parts)


def ends_as_folder(path: str) -> bool:
    """Whether a path can only be a folder's by how it is spelled."""
    return path.rpartition("/")[2] in ("", ".")


def is_plain_target(target: str) -> bool:
    """Whether every reader works out the same path from a symbolic link's target.

    `name/../x` is `x` for who compares text (Python's `tarfile` rewrites it so) and something else
    for a file system when `name` is a link or missing.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    climbs = next((at for at, part in enumerate(parts) if part != ".."), len(parts))
    return ".." not in parts[climbs:] and on_disk(target) == target


class Resolved(NamedTuple):
    """Where a path ends."""

    parts: Parts
    hops: int
    """How many symbolic links were on the way."""


def follow(
    path: Parts, links: Mapping[Parts, Parts], is_folder: Callable[[Parts], bool]
) -> Resolved:
    """Resolve a path as a file system would.

    Args:
        path: From the root; may hold `..`, `.` and links.
        links: All symbolic links by their path on disk, with the path from the root that they
            stand for; it may hold `..` and links again.
        is_folder: Whether a path on disk is a folder.

    Raises:
        LinkError: the path leaves the root, goes through something that is no folder, or needs too
            many links.
    """
    done: list[str] = []
    ahead = list(reversed(path))
    hops = 0
    for _ in range(MAX_STEPS):
        if not ahead:
            return Resolved(tuple(done), hops)
        part = ahead.pop()
        if done and not is_folder(tuple(done)):
            raise LinkError("dangling-link", "through what is no folder")
        if part in ("", "."):
            continue
        if part == "..":
            if not done:
                raise LinkError("link-outside", "to " + "/".join(path)[:200])
            done.pop()
            continue
        done.append(on_disk(part))
        target = links.get(tuple(done))
        if target is not None:
            hops += 1
            if hops > MAX_HOPS:
                raise LinkError("link-loop", f"more than {MAX_HOPS} links")
            done.clear()
            ahead += reversed(target)
    raise LinkError("link-loop", "a path of too many parts")
