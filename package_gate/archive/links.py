"""Where the links of an archive point, worked out without making one.

Only names are compared: the archive's own links are followed part by part, as a file system would,
and a step above the root ends it.
"""

from collections.abc import Callable, Mapping

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

    Raises:
        LinkError: it is absolute, empty or holds a NUL.
    """
    if target.replace("\\", "/").startswith("/") or target[1:2] == ":":
        raise LinkError("link-outside", f"to {target}")
    if not target or "\0" in target:
        raise LinkError("dangling-link", "to nothing")
    return folder + tuple(target.split("/"))


def follow(path: Parts, links: Mapping[Parts, Parts], on_disk: Callable[[str], str]) -> Parts:
    """Resolve a path as a file system would.

    Args:
        path: From the root; may hold `..`, `.` and links.
        links: All links, symbolic or hard, by their path on disk, with the path from the root that
            they stand for; it may hold `..` and links again.
        on_disk: Gives the name that a part has on disk.

    Raises:
        LinkError: the path leaves the root, or needs too many links.
    """
    done: list[str] = []
    ahead = list(reversed(path))
    hops = 0
    for _ in range(MAX_STEPS):
        if not ahead:
            return tuple(done)
        part = ahead.pop()
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
