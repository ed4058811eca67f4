"""Any number of hostile archives: the named ones, compressed anew, and with bytes spoilt."""

import bz2
import gzip
import lzma
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from random import Random

from package_gate.archive.unpack import unpack
from package_gate.core.artifact import Artifact
from package_gate.core.finding import Severity
from package_gate.core.policy import Limits
from tests.archive.hostile import HOSTILE
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


def variants(number: int, seed: int = 0) -> Iterator[Variant]:
    """Give so many, all different, the same ones for a seed."""
    return islice(_variants(seed), number)


def _variants(seed: int) -> Iterator[Variant]:
    named = [(case, _bytes_of(case)) for case in HOSTILE if _refuses(case)]
    for case, data in named:
        yield Variant(case.name, case.filename, data, case.rule)
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
                yield Variant(f"{case.name}-{turn}", case.filename, _spoilt(case, data, random))


def _refuses(case: Hostile) -> bool:
    return case.severity > Severity.INFO and case.limits == Limits()


def _bytes_of(case: Hostile) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, case.filename)
        case.write(path)
        return path.read_bytes()


def _spoilt(case: Hostile, data: bytes, random: Random) -> bytes:
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
        if bytes(spoilt) != data and not _is_honest(case.filename, bytes(spoilt)):
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
