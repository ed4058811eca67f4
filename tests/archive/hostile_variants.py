"""Any number of hostile archives: the named ones, compressed anew, and with bytes spoilt."""

import bz2
import gzip
import lzma
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from random import Random

from packaging.utils import canonicalize_name

from package_gate.archive.unpack import unpack
from package_gate.core.artifact import Artifact
from package_gate.core.finding import Severity
from package_gate.core.limits import Limits
from tests.archive.hostile import HOSTILE
from tests.archive.makers import project
from tests.archive.other_readers import as_python, tree_of
from tests.archive.registry import Hostile

_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@dataclass(frozen=True)
class Variant:
    """A hostile archive."""

    name: str
    filename: str
    data: bytes
    rule: str = ""
    """What must be found in it; "" when it was spoilt, so that it may be something else."""
    project: str = ""
    """What the index calls it, for a PyPI request; "": it is asked for by its address."""


def variants(number: int, seed: int = 0) -> Iterator[Variant]:
    """Give so many, all different, the same ones for a seed."""
    return islice(_variants(seed), number)


def _variants(seed: int) -> Iterator[Variant]:
    named = [(case, _bytes_of(case)) for case in HOSTILE if _refuses(case)]
    for case, data in named:
        yield Variant(case.name, case.filename, data, case.rule)
    names = map(_four_letters, count())
    released = [each for case, data in named if (each := _released(case, data, next(names)))]
    yield from released
    # What is two formats at once, or no tar at all, is something else once it is compressed.
    tars = [
        (case, data)
        for case, data in named
        if case.filename.endswith(".tar") and case.rule != "several-formats"
    ]
    for ending, pack in _PACKERS.items():
        for case, data in tars:
            name, filename = f"{case.name}-{ending}", f"{case.filename}.{ending}"
            yield Variant(name, filename, pack(data), case.rule)
    random = Random(seed)
    for turn in count(1):
        for case, data in named:
            # A bomb is a bomb because of what it unpacks to; spoilt, it is only slow.
            if "bomb" not in case.name:
                spoilt = _spoilt(case.filename, data, random)
                yield Variant(f"{case.name}-{turn}", case.filename, spoilt)
                if each := _released(case, data, next(names)):
                    spoilt = _spoilt(each.filename, each.data, random)
                    yield replace(each, name=f"{each.name}-{turn}", data=spoilt, rule="")


def _released(case: Hostile, data: bytes, name: str) -> Variant | None:
    """Give an archive as the release 1.0 of a project; None when no index would have it."""
    with project(name):
        own = _bytes_of(case)
    if case.filename.startswith("demo"):
        filename = case.filename.replace("demo", name)
        known = filename.endswith((".whl", ".tar.gz", ".zip")) and own != data
        of_index = canonicalize_name(filename.partition("-")[0])
        found = Variant(f"{case.name}-pypi", filename, own, case.rule, of_index)
        return found if known else None
    if case.filename == "hostile.tar" and case.rule != "several-formats":
        own = _PACKERS["gz"](own)
        return Variant(f"{case.name}-pypi", f"{name}-1.0.tar.gz", own, "", name)
    if case.filename == "hostile.zip":
        return Variant(f"{case.name}-pypi", f"{name}-1.0.zip", own, "", name)
    return None


def _four_letters(number: int) -> str:
    """Name a project."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return "h" + "".join(letters[number // 26**place % 26] for place in range(3))


def _refuses(case: Hostile) -> bool:
    return case.severity > Severity.INFO and case.limits == Limits()


def _bytes_of(case: Hostile) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, case.filename)
        case.write(path)
        return path.read_bytes()


def _spoilt(filename: str, data: bytes, random: Random) -> bytes:
    """Change, cut or double something, so that the archive is still no honest one."""
    while True:
        spoilt = bytearray(data)
        for _ in range(random.randint(1, 4)):
            spoilt[random.randrange(len(spoilt))] = random.randrange(256)
        start, end = sorted(random.sample(range(len(data)), 2))
        match random.choice(["bytes", "bytes", "cut", "drop", "double"]):
            case "cut":
                del spoilt[end:]
            case "drop":
                del spoilt[start : min(end, start + 64)]
            case "double":
                spoilt[end:end] = spoilt[start : min(end, start + 4096)]
        if bytes(spoilt) != data and not _is_honest(filename, bytes(spoilt)):
            return bytes(spoilt)


def _is_honest(filename: str, data: bytes) -> bool:
    """Whether nothing is odd any more, for us and for Python's own readers, which see the same."""
    with tempfile.TemporaryDirectory() as folder:
        path, tree = Path(folder, filename), Path(folder, "tree")
        path.write_bytes(data)
        findings = unpack(Artifact(filename, "", len(data)), path, tree, Limits())
        return all(finding.severity is Severity.INFO for finding in findings) and tree_of(
            tree
        ) == as_python(path, Path(folder, "python"))
