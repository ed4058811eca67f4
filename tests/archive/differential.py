"""Archives made at random, and where the gate's unpacker and another reader see different files.

An archive for which the gate has no finding that refuses must leave the same files everywhere. So
each case begins as a sound archive and is spoilt in a few places only: in most of the thousands
made here nothing is refused, or one thing that is hard to see.
"""

import bz2
import gzip
import lzma
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeVar

import zstandard

from package_gate.archive.unpack import unpack
from package_gate.core.artifact import Artifact
from package_gate.core.finding import Severity
from package_gate.core.limits import Limits
from package_gate.inventory.formats.entry_points import read_entry_points
from tests.archive.hostile_wheels import FORMAT, INFO_FOLDER, METADATA, WHEEL_NAME, record_line
from tests.archive.makers import (
    BLOCK,
    NO_BLOCK,
    Zipped,
    extra_field,
    make_tar,
    make_zip,
    pax,
    tar_file,
    unicode_path,
)
from tests.archive.other_readers import (
    TAR_READERS,
    WHEEL_READERS,
    ZIP_READERS,
    Files,
    Reader,
    UnreadableError,
    tree_of,
)

T = TypeVar("T")

LIMITS = Limits(unpacked_bytes=5_000_000, entries=500)
MADE = b"<made from an entry point>"
SDIST_NAME = "demo-1.0.tar.gz"

_TOP = b"demo-1.0/"
_NAMES = (
    b"docs/n pkg/b.py pkg/sub/c.py tools/backend.py pkg/c tools/ lib lib/ l h l2 h2 tools/h"
    b" tools/l pkg/l pkg/h docs/l docs/h tail setup.cfg Makefile"
).split()
_ODD_NAMES = [
    *(
        b"setup.py pyproject.toml notes.txt docs/notes.txt pkg/a.py x.pyc docs pkg docs/ pkg/sub"
        b" Setup.py pkg//a.py ./setup.py pkg/./b.py pkg/../setup.py . .. con.py a\\b.py a:b tail."
        b" 100%.py 100%25.py - --help ._setup.py .hidden/a.py \xe9.py"
    ).split(),
    "é.py".encode(),
    "e\u0301.py".encode(),
    b"a b",
    b" s",
    b"a\nb",
    b"",
    b"n" * 120 + b".py",
]
_LONG_NAME = b"pkg/" * 30 + b"deep.py"
_TARGETS = (
    b"notes.txt ../notes.txt docs/n n l h a.py setup.py docs docs/ pkg/ ../pkg ../pkg/a.py pkg/a.py"
    b" pkg/b.py docs/notes.txt tools lib pkg ../setup.py tools/backend.py"
).split()
_ODD_TARGETS = [
    *(
        b". .. pkg/../notes.txt ./notes.txt notes.txt/ missing missing.py missing/../setup.py"
        b" l/a.py pkg/sub/../a.py /etc docs/../docs/n ../demo-1.0/notes.txt ../../x a\\b.py docs//n"
        b" sub sub/c.py 100%.py"
    ).split(),
    b"",
    b"n" * 120 + b".py",
    b"a\nb",
    b"\xe9.py",
]
_KINDS = b"\x007gxXLKSDVNMA346"
_MAGICS = (b"ustar\x0000", b"ustar  \0", bytes(8), b"ustar\x00  ")
_SIZES = (b"%011o\0", b"%012o", b"%11o ", b" %010o\0", b"%o", b"0x%x", b"%d ", b"%07o \0")


@dataclass(frozen=True)
class Difference:
    """One file that a reader leaves and that did not stand in our tree like that."""

    reader: str
    path: str
    theirs: bytes
    ours: bytes | None


def differences(
    filename: str, data: bytes, readers: Mapping[str, Reader], room: Path
) -> list[Difference] | None:
    """Compare trees; None when the gate refuses the archive by its default policy.

    `room` is a folder of the caller's; what lies in it besides uv's cache is removed.
    """
    for left in room.iterdir():
        if left.name != "uv-cache":
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    path, tree = room / filename, room / "tree"
    path.write_bytes(data)
    findings = unpack(Artifact(filename, "", len(data)), path, tree, LIMITS, nested=False)
    if any(finding.severity > Severity.INFO for finding in findings if finding.severity):
        return None
    ours = tree_of(tree)
    found: list[Difference] = []
    for name, read in readers.items():
        try:
            forms = read(path, room / f"by {name}")
        except UnreadableError:
            continue
        wanted = _expected(name, filename, ours)
        each = [_compare(name, form, want) for form in forms for want in wanted]
        found += sorted(each, key=len)[0]
    return found


def _compare(reader: str, theirs: Files, ours: Files) -> list[Difference]:
    return [
        Difference(reader, path, content, ours.get(path))
        for path, content in theirs.items()
        if ours.get(path) != content and not _is_made(path, content, ours.get(path))
    ]


def _is_made(path: str, theirs: bytes, ours: bytes | None) -> bool:
    """Whether an installer makes this file itself, or writes a script's first line anew."""
    if path.startswith(f"lib/{INFO_FOLDER}/"):
        made = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json")
        return path.rpartition("/")[2] in made
    if ours == MADE:
        return b"import main" in theirs
    if path.startswith("bin/") and ours is not None and ours.startswith(b"#!python"):
        return theirs.partition(b"\n")[2] == ours.partition(b"\n")[2]
    return False


def _expected(reader: str, filename: str, ours: Files) -> list[Files]:
    """Say what a reader should leave, given what lies in our tree."""
    if filename.endswith(".whl") and reader != "zipfile":
        wanted = {_installed(path): content for path, content in ours.items()}
        listed = read_entry_points(ours.get(f"{INFO_FOLDER}/entry_points.txt", b""))
        scripts = {each.name for each in listed if each.group in ("console_scripts", "gui_scripts")}
        return [wanted | {f"bin/{script}": MADE for script in scripts}]
    if reader in ("pip", "uv"):
        cut = {path.partition("/")[2]: content for path, content in ours.items() if "/" in path}
        return [ours, cut] if len({path.split("/")[0] for path in ours}) == 1 else [ours]
    return [ours]


def _installed(path: str) -> str:
    folder, _, rest = path.partition("/")
    scheme, _, inner = rest.partition("/")
    if not folder.endswith(".data"):
        return f"lib/{path}"
    into = {"purelib": "lib/", "platlib": "lib/", "scripts": "bin/", "headers": "headers/"}
    return into.get(scheme, "") + inner


def random_tar(random: Random) -> tuple[str, bytes]:
    """Make an sdist with a few odd members."""
    members = [
        tar_file(_TOP + b"PKG-INFO", b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"),
        tar_file(_TOP + b"setup.py", b"print('setup')\n"),
        tar_file(_TOP + b"notes.txt", b"print('notes')\n"),
        tar_file(_TOP + b"docs/notes.txt", b"print('docs')\n"),
        tar_file(_TOP + b"pkg/a.py", b"print('a')\n"),
    ]
    random.shuffle(members)
    del members[random.randint(2, 5) :]
    for _ in range(random.choice((1, 1, 2, 3))):
        members.insert(random.randint(0, len(members)), _member(random))
    data = make_tar(*members)
    if not random.randrange(8):
        data = _spoil_header(random, data)
    end = random.choice((b"",) * 20 + (NO_BLOCK * 16, NO_BLOCK + members[0], members[-1], b"x"))
    return _packed(random, data + end)


def _odd(random: Random, usual: T, *others: T) -> T:
    """Choose the usual thing, mostly."""
    return random.choice(others) if not random.randrange(8) else usual


def _name(random: Random) -> bytes:
    return random.choice(_odd(random, _NAMES, _ODD_NAMES, [_LONG_NAME]))


def _target(random: Random) -> bytes:
    return random.choice(_odd(random, _TARGETS, _ODD_TARGETS))


def _member(random: Random) -> bytes:
    """Make one member, with the headers that belong to it."""
    name, target = _name(random), _target(random)
    kind = bytes([random.choice(_odd(random, b"00012225", _KINDS))])
    content = random.choice((b"", b"print('odd')\n", bytes(600), tar_file(b"evil.py")))
    if kind in b"gxX":
        return pax(_records(random), kind)
    link = b""
    if kind in b"12":
        content = _odd(random, b"", content)
        link = (_TOP if kind == b"1" and random.randrange(6) else b"") + target
    elif kind in b"LK":
        content = _TOP + name + random.choice((b"\0", b"", b"\0\0x"))
    elif kind not in b"0\x007A":
        content = _odd(random, b"", content)
    size = None
    if not random.randrange(12):
        size = (random.choice(_SIZES) % len(content)).ljust(12, b"\0")[:12]
    elif not random.randrange(16):
        size = b"\x80" + len(content).to_bytes(11, "big")
    member = tar_file(
        _odd(random, _TOP, b"./" + _TOP, b"", b"other/") + name,
        content,
        kind=kind,
        link=link,
        mode=_odd(random, 0o644, 0o755, 0, 0o4755, 0o100644),
        magic=_odd(random, *_MAGICS),
        prefix=_odd(random, b"", b"", b"pre", b"demo-1.0/pre", b".."),
        size_field=size,
    )
    while not random.randrange(8):
        member = _extension(random) + member
    return member


def _extension(random: Random) -> bytes:
    long = _TOP + _name(random) + random.choice((b"\0", b"\0", b""))
    return random.choice(
        (
            pax(_records(random), random.choice((b"x", b"x", b"x", b"g", b"X"))),
            tar_file(b"././@LongLink", long, kind=b"L", magic=random.choice(_MAGICS)),
            tar_file(b"././@LongLink", _target(random) + b"\0", kind=b"K"),
        )
    )


def _records(random: Random) -> dict[bytes, bytes]:
    choices = (
        (b"path", _TOP + _name(random)),
        (b"path", _TOP + _name(random)),
        (b"linkpath", _target(random)),
        (b"size", random.choice((b"0", b"6", b"512", b"1024", b"-1", b"x", b""))),
        (b"comment", b"nothing"),
        (b"mtime", b"1.5"),
        (b"hdrcharset", random.choice((b"BINARY", b"ISO-IR 10646 2000 UTF-8"))),
        (b"GNU.sparse.name", _TOP + b"sparse.py"),
        (b"GNU.sparse.major", b"1"),
        (b"path", b""),
        (b"SCHILY.xattr.user.a", b"b"),
        (b"atime", random.choice((b"1", b"x"))),
    )
    return dict(random.choice(choices) for _ in range(random.randint(1, 3)))


def _spoil_header(random: Random, data: bytes) -> bytes:
    """Change bytes of a block; mostly its checksum is made right again."""
    spoilt = bytearray(data)
    start = random.randrange(len(data) // BLOCK) * BLOCK
    for _ in range(random.randint(1, 3)):
        spoilt[start + random.choice((*range(100, 165), *range(257, 350)))] = random.choice(
            b"\0 01279ux/\x80\xff"
        )
    if random.randrange(8):
        spoilt[start + 148 : start + 156] = b" " * 8
        spoilt[start + 148 : start + 156] = b"%06o\0 " % sum(spoilt[start : start + BLOCK])
    return bytes(spoilt)


def _packed(random: Random, data: bytes) -> tuple[str, bytes]:
    form = random.randrange(20)
    if form == 0:
        return "demo-1.0.tar", data
    if form == 1:
        return "demo-1.0.tar.bz2", bz2.compress(data)
    if form == 2:
        return "demo-1.0.tar.xz", lzma.compress(data)
    if form == 3:
        return "demo-1.0.tar.zst", zstandard.compress(data)
    if form == 4:
        half = random.randrange(len(data))
        return SDIST_NAME, gzip.compress(data[:half], mtime=0) + gzip.compress(data[half:], mtime=0)
    if form == 5:
        half = random.randrange(len(data))
        return "demo-1.0.tar.bz2", bz2.compress(data[:half]) + bz2.compress(data[half:])
    if form == 6:
        half = random.randrange(len(data))
        return "demo-1.0.tar.xz", lzma.compress(data[:half]) + bytes(4) + lzma.compress(data[half:])
    return SDIST_NAME, gzip.compress(data, 1, mtime=0)


_ZIP_NAMES = (
    b"demo_pkg/a.py demo_pkg/b.txt demo_pkg/ demo_pkg/sub/ demo_pkg/sub/c.py demo_pkg/c"
    b" demo_pkg-1.0.data/scripts/run demo_pkg-1.0.data/headers/a.h demo_pkg/sub/c.txt"
    b" demo_pkg-1.0.data/data/share/demo_pkg/a demo_pkg-1.0.dist-info/extra.txt"
    b" demo_pkg-1.0.data/purelib/demo_pkg/p.py demo_pkg-1.0.data/data/share/doc/a.txt"
).split()
_ODD_ZIP_NAMES = [
    *(
        b"demo_pkg/sub demo_pkg demo_pkg//a.py ./demo_pkg/a.py demo_pkg/./a.py demo_pkg/../a.py"
        b" ../a.py Demo_pkg/a.py demo_pkg/\xe9.py demo_pkg\\a.py demo_pkg/a.py. demo_pkg/a\0b.py"
        b" demo_pkg/100%.py"
        b" demo_pkg/a:b demo_pkg/con.py /demo_pkg/a.py c:/a.py demo_pkg-1.0.data/platlib/other.py"
        b" demo_pkg-1.0.data/purelib/demo_pkg/a.py demo_pkg-1.0.data/scripts/sub/run top.py"
        b" 100%25.py"
        b" demo_pkg-1.0.data/data/etc/pip.conf demo_pkg-1.0.data//data/share/demo_pkg/a"
        b" demo_pkg-1.0.data/data/share/../share/demo_pkg/a demo_pkg-1.0.data/a demo_pkg/x.pyc"
        b" demo_pkg-1.0.data/purelib/top.py demo-pkg-1.0.data/scripts/run demo_pkg/__init__.py"
        b" demo_pkg-1.0.dist-info/INSTALLER demo_pkg-1.0.data/data/bin/run"
        b" demo_pkg-1.0.data/platlib/demo_pkg/__init__.py demo_pkg-1.0.data/scripts/demo"
    ).split(),
    *("demo_pkg/é.py".encode(), "demo_pkg/e\u0301.py".encode(), b"", b"demo_pkg/a.py "),
    *(b"demo_pkg/a\nb", b"demo_pkg/a,b.py", b'demo_pkg/a"b.py'),
]


_ENTRY_LINES = (
    *(b"", b"# odd", b"; odd = demo_pkg:main", b"odd=demo_pkg:main", b" odd = demo_pkg:main"),
    *(
        b"odd : demo_pkg:main",
        b"odd",
        b"odd =",
        b"= demo_pkg:main",
        b"o d = demo_pkg:main",
        b"[odd]",
    ),
    *(b"[ console_scripts ]", b"[Console_Scripts]", b"[gui_scripts]", b"[console_scripts", b"[]"),
    *(
        b"[console_scripts]",
        b"odd = demo_pkg:main # odd",
        b"odd = demo_pkg:main [extra]",
        b"\tx=y:main",
    ),
    *(
        b"odd = demo_pkg : main",
        b"odd = demo_pkg",
        b"odd == demo_pkg:main",
        b"demo = demo_pkg:main",
    ),
    *(
        b"odd = demo_pkg:main;x",
        b"\xff = demo_pkg:main",
        b"Odd = demo_pkg:main",
        b"a/b = demo_pkg:main",
    ),
    *(
        b"odd = demo_pkg:main\x0b[other]",
        "ödd = demo_pkg:main".encode(),
        b"odd = demo_pkg:main\x85",
    ),
)


def _zip_entry_name(random: Random) -> bytes:
    return random.choice(_odd(random, _ZIP_NAMES, _ODD_ZIP_NAMES))


def random_wheel(random: Random) -> tuple[str, bytes]:
    """Make a wheel, listed in its RECORD, with a few odd entries."""
    entries = [
        Zipped(b"demo_pkg/__init__.py"),
        Zipped(f"{INFO_FOLDER}/METADATA".encode(), METADATA),
        Zipped(f"{INFO_FOLDER}/WHEEL".encode(), FORMAT),
    ]
    if not random.randrange(4):
        entries.append(Zipped(f"{INFO_FOLDER}/entry_points.txt".encode(), _entry_points(random)))
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        entries.insert(random.randint(0, 3), _entry(random))
    if not random.randrange(3):
        _spoil_entry(random, random.choice(entries))
    lines = {}
    for entry in entries:
        name = _zip_name(entry)
        if name[-1:] not in ("/", "\\"):
            lines[name] = record_line(name, entry.data)
    if not random.randrange(12):
        lines.pop(random.choice(list(lines)))
    quoted = [f'"{line.partition(",")[0]}",{line.partition(",")[2]}' for line in lines.values()]
    record = random.choice((list(lines.values()), quoted))
    text = "".join(record) + f"{INFO_FOLDER}/RECORD,,\n"
    if not random.randrange(6):
        text = text.replace("\n", "\r\n")
    entries.append(Zipped(f"{INFO_FOLDER}/RECORD".encode(), text.encode("utf-8", "replace")))
    if not random.randrange(8):
        random.shuffle(entries)
    return WHEEL_NAME, _joined(random, entries)


def random_zip(random: Random) -> tuple[str, bytes]:
    """Make a source archive with a few odd entries."""
    entries = [Zipped(b"demo-1.0/setup.py"), Zipped(b"demo-1.0/pkg/a.py", b"a = 1\n")]
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        entry = _entry(random)
        entry.name = b"demo-1.0/" + random.choice((_name, _zip_entry_name))(random)
        entries.insert(random.randint(0, 2), entry)
    if not random.randrange(3):
        _spoil_entry(random, random.choice(entries))
    return "demo-1.0.zip", _joined(random, entries)


def _zip_name(entry: Zipped) -> str:
    raw = entry.central.get("name", entry.name)
    flags = entry.central.get("flags", entry.flags)
    return str(raw.decode("utf-8" if flags & 1 << 11 else "cp437", "replace"))


def _entry(random: Random) -> Zipped:
    name = _zip_entry_name(random)
    mode = _odd(random, 0o100644, 0o100755, 0, 0o120777, 0o040755, 0o104755)
    data = b"" if name.endswith(b"/") else random.choice((b"", b"odd = 1\n", b"#!python\nodd\n"))
    flags = 1 << 11 if not name.isascii() and random.randrange(4) else 0
    return Zipped(name, data, method=random.choice((0, 8, 8)), flags=flags, mode=mode)


def _entry_points(random: Random) -> bytes:
    lines = [b"[console_scripts]", b"demo = demo_pkg:main"]
    for _ in range(random.choice((0, 1, 1, 2))):
        lines.insert(random.randint(0, len(lines)), random.choice(_ENTRY_LINES))
    return _odd(random, b"\n", b"\r\n", b"\r", b"\x0c\n").join(lines) + random.choice((b"", b"\n"))


def _spoil_entry(random: Random, entry: Zipped) -> None:
    other = _zip_entry_name(random)
    changes: tuple[Callable[[], object], ...] = (
        lambda: entry.local.update(name=other),
        lambda: entry.central.update(name=other),
        lambda: entry.local.update(size=random.randrange(100)),
        lambda: entry.central.update(size=random.randrange(100)),
        lambda: entry.central.update(flags=1 << random.randrange(16)),
        lambda: entry.local.update(flags=1 << random.randrange(16)),
        lambda: setattr(entry, "flags", entry.flags | 1 << random.randrange(16)),
        lambda: setattr(entry, "extra", unicode_path(entry.name, other)),
        lambda: setattr(entry, "extra", unicode_path(entry.name, entry.name)),
        lambda: setattr(entry, "extra", extra_field(random.randrange(40), bytes(8))),
        lambda: setattr(entry, "extra", extra_field(1, bytes(random.choice((0, 8, 16, 24))))),
        lambda: setattr(entry, "extra", bytes(random.randrange(5))),
        lambda: setattr(entry, "comment", b"odd"),
        lambda: setattr(entry, "before", b"odd"),
        lambda: setattr(entry, "after", b"PK\x07\x08" + bytes(12)),
        lambda: setattr(entry, "method", random.choice((0, 8, 9, 12, 14, 93, 95))),
        lambda: entry.central.update(dos=random.choice((0x10, 0x20, 0x1))),
        lambda: entry.central.update(needed=random.choice((10, 45, 63, 64, 200))),
        lambda: entry.central.update(disk=1),
        lambda: entry.central.update(crc=1),
        lambda: entry.local.update(crc=0),
    )
    random.choice(changes)()


def _joined(random: Random, entries: list[Zipped]) -> bytes:
    form = random.randrange(40)
    data = make_zip(
        entries,
        comment=b"comment" if form == 0 else b"",
        hidden=b"hidden" if form == 1 else b"",
        count=len(entries) - 1 if form == 2 else None,
        size=46 if form == 3 else None,
        before_end=b"odd" if form == 4 else b"",
    )
    if form == 5:
        return b"odd" + data
    if form == 6:
        return data + b"odd"
    if form == 7:
        return make_zip([Zipped(b"evil.py")]) + data
    if form == 8:
        spoilt = bytearray(data)
        spoilt[random.randrange(len(data))] = random.randrange(256)
        return bytes(spoilt)
    return data


MAKERS: dict[str, tuple[Callable[[Random], tuple[str, bytes]], Mapping[str, Reader]]] = {
    "tar": (random_tar, TAR_READERS),
    "zip": (random_zip, ZIP_READERS),
    "wheel": (random_wheel, WHEEL_READERS),
}
"""What is made, and who reads it."""
