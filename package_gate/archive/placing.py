"""Puts the entries of one archive into the tree, whatever their names and order.

The zip and the tar reader only say what an entry is; here its name is judged, collisions are seen,
the limits on names are kept, and links become copies.

Links. An installer makes the links of a tar that stay inside (pip, by way of Python's `data`
filter) and writes a zip's links as files that hold the target's name (pip) or makes them (unzip).
A file may run as code only under the link's name, so a tar's link to a file is unpacked as a copy
of it, and a link to a folder as copies of the files in it. Nothing is ever unpacked through a link.

Readers agree on two kinds of links only: a symbolic link, spelled plainly, to a file or a folder of
the archive, and a hard link to a file that stands before it. All others are a finding that refuses:
a hard link to a symbolic link, which is that link's text read from another place, links to links
and spellings that each reader works out in its own way.
"""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple

from package_gate.archive.limits import Budget, LimitReachedError
from package_gate.archive.links import (
    LinkError,
    Parts,
    ends_as_folder,
    follow,
    is_plain_target,
    target_path,
)
from package_gate.archive.paths import MAX_PART_BYTES, check_name, fold, on_disk
from package_gate.archive.roles import begins_as_bytecode, is_bytecode, runs_or_builds
from package_gate.archive.rules import Report
from package_gate.archive.tar_headers import is_header
from package_gate.archive.tree import Tree, Written
from package_gate.archive.zip_directory import END

_VERSION = re.compile(r"-\d[^-]*?(?=\.data$|$)")
"""The version in the name of an archive's folder."""


class Place(Enum):
    """What stands at a path of the tree."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"


class DamagedEntryError(Exception):
    """An entry's content can't be read to its end; the text says why."""


class WrittenFile(NamedTuple):
    """A file of the archive as it was written."""

    size: int
    sha256: bytes
    is_bytecode: bool
    """Whether it begins as bytecode does, or is called so."""


class Placer:
    """One archive on its way into the tree."""

    def __init__(self, tree: Tree, report: Report, budget: Budget, base: Parts = ()) -> None:
        """`base` is the folder of the tree to unpack into; not empty for a nested archive."""
        self.files: dict[str, WrittenFile] = {}
        """What was written, by its path in the archive; links are not in it."""
        self.copies: set[str] = set()
        """Paths at which a copy stands for a link."""
        self.archives: list[Parts] = []
        """Files that are archives themselves, by their path on disk from the root."""
        self.nested = bool(base)
        self.base = base
        self.tree = tree
        self.report = report
        self.budget = budget
        self._places: dict[Parts, Place] = {}
        self._top: set[str] = set()
        self._folded: dict[str, Parts] = {}
        self._links: dict[Parts, Parts] = {}
        """Symbolic links, with the path that each names."""
        self._targets: dict[Parts, str] = {}
        """Their targets as the archive spells them."""
        self._hard_links: dict[Parts, Parts] = {}
        """Hard links, with the file that each is."""
        self._texts: dict[Parts, bytes] = {}
        self._sorted_files: list[str] = []
        self._sorted_links: list[str] = []

    def add(self, rule: str, name: str = "", detail: str = "", fingerprint: str = "") -> None:
        """Note a finding at the archive's path `name`."""
        where = "/".join((*self.base, name)) if name or self.nested else ""
        self.report.add(rule, where, detail, nested=self.nested, fingerprint=fingerprint)

    def folder(self, name: str) -> None:
        """Make a folder."""
        parts = self._judge(name)
        if parts and self._claim(parts, name, Place.FOLDER):
            self.tree.make_folder(self.base + parts)

    def file(self, name: str, content: Iterable[bytes], repeats: bool = False) -> None:
        """Write a file.

        Args:
            name: As the archive spells it.
            content: Its bytes; must count them against the budget.
            repeats: Whether the same file may stand there twice, as when a tar was appended to.
        """
        parts = self._judge(name)
        if not parts or not self._claim(parts, name, Place.FILE):
            return
        path = "/".join(parts)
        before = self.files.pop(path, None)
        if before is not None:
            # The last one wins, as for the installers.
            self.tree.remove(self.base + parts)
        written = self._write(parts, name, content)
        if before is not None:
            same = repeats and before.sha256 == written.sha256
            self.add("repeated-entry" if same else "duplicate-name", path)
        compiled = is_bytecode(path) or begins_as_bytecode(written.head)
        self.files[path] = WrittenFile(written.size, written.sha256, compiled)

    def symlink(self, name: str, target: str) -> None:
        """Remember a symbolic link; `finish` unpacks a copy of what it points at."""
        parts = self._judge(name)
        if parts and self._claim(parts, name, Place.LINK):
            self._remember_link(parts, target)

    def hardlink(self, name: str, target: str) -> None:
        """Remember a hard link; its target is a path from the archive's root."""
        parts = self._judge(name)
        if not parts or not self._claim(parts, name, Place.LINK):
            return
        aim = check_name(target, self.budget.limits).parts
        if not aim:
            self.add("link-outside", name, f"to {target}")
        elif on_disk(target) == target and self._is_file(aim):
            self._hard_links[parts] = self._hard_links.get(aim, aim)
        else:
            self.add("ambiguous-link", name, "a hard link to what is no file before it")
            if aim in self._targets:
                # What the system makes: a second symbolic link, with the same text.
                self._remember_link(parts, self._targets[aim])

    def _is_file(self, parts: Parts) -> bool:
        return "/".join(parts) in self.files or parts in self._hard_links

    def _is_folder(self, parts: Parts) -> bool:
        return not parts or self._places.get(parts) is Place.FOLDER

    def link_as_text(self, name: str, target: bytes) -> None:
        """Remember a zip's link, whose target was written as a file; `finish` judges it."""
        parts = check_name(name, self.budget.limits).parts
        if parts:
            self._texts[parts] = target
            self._remember_link(parts, target.decode("utf-8", "surrogateescape"))

    def _remember_link(self, parts: Parts, target: str) -> None:
        if len(target) > self.budget.limits.path_bytes:
            self.add("limit-path", "/".join(parts), "a link's target")
            return
        try:
            self._links[parts] = target_path(target, parts[:-1])
        except LinkError as error:
            self.add(error.rule, "/".join(parts), error.detail)
        else:
            self._targets[parts] = target

    def finish(self) -> None:
        """Unpack the copies that stand for links, once everything else is there."""
        for parts, source in self._hard_links.items():
            self.add("link", "/".join(parts))
            self._copy(source, parts)
        self._sorted_files = sorted({*self.files, *self.copies})
        self._sorted_links = sorted(map("/".join, self._links))
        for parts, aim in self._links.items():
            self._place_link(parts, aim)
        compiled = (path for path, written in self.files.items() if written.is_bytecode)
        for path in (*compiled, *filter(is_bytecode, self.copies)):
            self.add("bytecode", path, fingerprint=self._mark(path))

    def _mark(self, path: str) -> str:
        """Give a fingerprint of a file's place and content; "" for what a link stands for."""
        written = self.files.get(path)
        return mark_of_place(path, written.sha256) if written else ""

    def top_level(self) -> set[str]:
        """Give the names at the archive's root."""
        return self._top

    def free_folder(self, archive: Parts) -> Parts:
        """Give a folder next to a nested archive, from the tree's root, that nothing else uses."""
        folder = archive[len(self.base) : -1]
        name = f"{archive[-1]}.unpacked"
        if len(name.encode()) > MAX_PART_BYTES:
            name = "long-name.unpacked"
        number = 1
        while not self._is_free(parts := (*folder, name)):
            number += 1
            name = f"{number}.unpacked"
        self._take_new(parts, Place.FOLDER)
        return self.base + parts

    def _is_free(self, parts: Parts) -> bool:
        return fold("/".join(parts)) not in self._folded

    def _place_link(self, parts: Parts, aim: Parts) -> None:
        name, target = "/".join(parts), self._targets[parts]
        text = self._texts.get(parts)
        if text is not None and (runs_or_builds(name) or set(text) & set(b"\r\n")):
            # A zip's link is a file that holds text for some readers, and other code for others.
            self.add("disguised-link", name, f"to {text[:80]!r}")
        if not is_plain_target(target) or (text is None and self._leaves_project(parts, target)):
            self.add("ambiguous-link", name, f"to {target}")
        try:
            real, hops = follow(aim, self._links, self._is_folder)
        except LinkError as error:
            if error.rule == "dangling-link":
                self._note_dangling(name)
            else:
                self.add(error.rule, name, error.detail)
            return
        if hops:
            self.add("ambiguous-link", name, "a link to a link")
        if self._is_file(real) and ends_as_folder(target):
            self.add("ambiguous-link", name, f"to {target}")
        if not self._is_file(real) and not self._is_folder(real):
            self._note_dangling(name)
        elif parts[: len(real)] == real:
            # A copy of a folder into itself would have no end.
            self.add("link-loop", name, "to a folder that it lies in")
        else:
            self.add("link", name)
            if text is None and self._is_file(real):
                self._copy(real, parts)
            elif text is None:
                self._copy_folder(real, parts)

    def _leaves_project(self, parts: Parts, target: str) -> bool:
        """Whether a link climbs out of the one folder at the top, which pip and uv leave out."""
        climbs = sum(part == ".." for part in target.split("/"))
        return 0 < len(parts) - 1 <= climbs and len(self.top_level()) == 1

    def _note_dangling(self, name: str) -> None:
        if runs_or_builds(name):
            self.add("ambiguous-link", name, "it points at nothing and is named like code")
        else:
            self.add("dangling-link", name)

    def _copy_folder(self, source: Parts, target: Parts) -> None:
        prefix = "/".join(source) + "/"
        if next(below(self._sorted_links, prefix), None):
            self.add("ambiguous-link", "/".join(target), "to a folder that has links in it")
        for path in below(self._sorted_files, prefix):
            self._copy(tuple(path.split("/")), target + tuple(path.split("/"))[len(source) :])

    def _copy(self, source: Parts, target: Parts) -> None:
        self.budget.enter()
        if len(target) > self.budget.limits.depth:
            self.add("limit-depth", "/".join(target))
            return
        self.copies.add("/".join(target))
        self.tree.write(self.base + target, self._spent(self.tree.pieces(self.base + source)))

    def _spent(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.budget.spend(len(piece))
            yield piece

    def _write(self, parts: Parts, name: str, content: Iterable[bytes]) -> Written:
        faults: list[tuple[str, str]] = []
        stop: list[LimitReachedError] = []

        def readable() -> Iterator[bytes]:
            size = 0
            try:
                for piece in content:
                    size += len(piece)
                    if size > self.budget.limits.unpacked_file_bytes:
                        limit = f"limit {self.budget.limits.unpacked_file_bytes} bytes"
                        faults.append(("limit-file-bytes", limit))
                        return
                    yield piece
            except DamagedEntryError as error:
                faults.append(("damaged-entry", str(error)))
            except LimitReachedError as error:
                stop.append(error)

        written = self.tree.write(self.base + parts, readable())
        for rule, detail in faults:
            self.add(rule, name, detail)
        if stop:
            raise stop[0]
        if looks_like_archive(written):
            self.archives.append(self.base + parts)
        return written

    def _judge(self, name: str) -> Parts:
        """Note what is wrong with a name; empty when it must not be written."""
        self.budget.enter()
        checked = check_name(name, self.budget.limits)
        for rule in checked.problems:
            self.add(rule, name)
        return checked.parts

    def _claim(self, parts: Parts, name: str, kind: Place) -> bool:
        """Take a place in the tree, and those of the folders above; False when it is taken."""
        for depth in range(1, len(parts)):
            if not self._take(parts[:depth], name, Place.FOLDER):
                return False
        return self._take(parts, name, kind)

    def _take(self, parts: Parts, name: str, kind: Place) -> bool:
        there = self._places.get(parts)
        if there is None:
            return self._take_new(parts, kind)
        if there is kind is not Place.LINK:
            return True
        if there is Place.LINK and kind is Place.FOLDER:
            self.add("entry-through-link", name)
        elif Place.LINK in (there, kind):
            self.add("duplicate-name", name)
        else:
            self.add("file-folder-collision", name)
        return False

    def _take_new(self, parts: Parts, kind: Place) -> bool:
        path = "/".join(parts)
        key = fold(path)
        other = self._folded.setdefault(key, parts)
        if other != parts:
            same = "/".join(other).lower() == path.lower()
            self.add("case-collision" if same else "unicode-collision", path)
        self._places[parts] = kind
        if len(parts) == 1:
            self._top.add(parts[0])
        return True


def mark_of_place(path: str, content: bytes = b"") -> str:
    """Give a fingerprint of a place in any version's archive, and of what is known of its content.

    The folder at an archive's top is named with the version, as in `a-1.0/` and `a-1.0.data/`.
    """
    top, inside, rest = path.partition("/")
    plain = _VERSION.sub("", top) + inside + rest
    return hashlib.sha256(plain.encode("utf-8", "surrogateescape") + b"\0" + content).hexdigest()


def below(paths: list[str], prefix: str) -> Iterator[str]:
    """Give those of the sorted paths that begin with `prefix`."""
    for index in range(bisect_left(paths, prefix), len(paths)):
        if not paths[index].startswith(prefix):
            return
        yield paths[index]


def looks_like_archive(written: Written) -> bool:
    """Whether a file may be an archive; a zip may have anything before it, so its end counts."""
    return written.head.startswith(MAGICS) or END in written.tail or is_header(written.head)


MAGICS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"(\xb5/\xfd")
"""Gzip, bzip2, xz, zstandard."""
