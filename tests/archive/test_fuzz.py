"""Whatever the bytes: no exception, nothing outside the tree, and no other reader sees more.

An archive without a finding above `info` must unpack to exactly what Python's own modules, which
pip uses, leave of it on disk.
"""

import gzip
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from package_gate.archive.unpack import unpack
from package_gate.core.artifact import Artifact
from package_gate.core.finding import Severity
from package_gate.core.limits import Limits
from tests.archive.hostile_wheels import WHEEL_NAME, make_wheel
from tests.archive.makers import Zipped, make_tar, make_zip, pax, tar_file, tar_header
from tests.archive.other_readers import as_python, tree_of

ZIP = make_zip([Zipped(b"a/b.py", b"x = 1\n" * 9), Zipped(b"c", b"text", method=0)])
TAR = make_tar(
    pax({b"path": b"demo/long"}),
    tar_file(b"short", b"text"),
    tar_file(b"././@LongLink", b"demo/longer\0", kind=b"L"),
    tar_file(b"x"),
    tar_header(b"l", kind=b"2", link=b"demo/long"),
)
SEEDS = [
    ("demo.zip", ZIP),
    (WHEEL_NAME, make_wheel()),
    ("demo.tar", TAR),
    ("demo.tar.gz", gzip.compress(TAR, mtime=0)),
]
QUICK = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
LIMITS = Limits(unpacked_bytes=2_000_000, entries=200)


def check(filename: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, tree = Path(folder, filename), Path(folder, "tree")
        path.write_bytes(data)
        findings = unpack(Artifact(filename, "", len(data)), path, tree, LIMITS)
        assert sorted(item.name for item in Path(folder).iterdir()) == sorted((filename, "tree"))
        if all(finding.severity is Severity.INFO for finding in findings):
            assert tree_of(tree) == as_python(path, Path(folder, "python"))


@QUICK
@given(st.sampled_from(SEEDS), st.data())
def test_a_spoilt_archive_never_raises_and_never_fools_us(
    seed: tuple[str, bytes], draw: st.DataObject
) -> None:
    filename, data = seed
    spoilt = bytearray(data)
    places = st.integers(0, len(data) - 1)
    for at, byte in draw.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=4)):
        spoilt[at] = byte
    start, end = sorted((draw.draw(places), draw.draw(places)))
    change = draw.draw(st.sampled_from(["none", "cut", "drop", "double"]))
    if change == "cut":
        del spoilt[end:]
    elif change == "drop":
        del spoilt[start : min(end, start + 64)]
    elif change == "double":
        spoilt[end:end] = spoilt[start:end]
    check(filename, bytes(spoilt))


@QUICK
@given(st.sampled_from([filename for filename, _ in SEEDS]), st.binary(max_size=2000))
def test_random_bytes_never_raise(filename: str, data: bytes) -> None:
    check(filename, data)


@QUICK
@given(st.lists(st.tuples(st.text(max_size=12), st.binary(max_size=40)), max_size=4))
def test_a_zip_of_any_names_never_fools_us(entries: list[tuple[str, bytes]]) -> None:
    kept = [(name.encode("utf-8", "replace"), data) for name, data in entries]
    check("demo.zip", make_zip([Zipped(name, data, flags=1 << 11) for name, data in kept]))


@QUICK
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"a", b"b", b"a/b", b"b/c", b"../a", b"a/../b", b"./b"]),
            st.sampled_from([b"0", b"1", b"2", b"5", b"0", b"L", b"x"]),
            st.sampled_from([b"a", b"b", b"..", b"a/b", b"../b/c", b"."]),
        ),
        max_size=6,
    )
)
def test_a_tar_of_any_links_stays_inside(members: list[tuple[bytes, bytes, bytes]]) -> None:
    parts = []
    for name, kind, link in members:
        if kind in b"0L":
            parts.append(tar_file(name, link, kind=kind))
        elif kind == b"x":
            parts.append(pax({b"path": link, b"linkpath": name}))
        else:
            parts.append(tar_header(name, kind=kind, link=link))
    data = make_tar(*parts)
    with tempfile.TemporaryDirectory() as folder:
        path, tree = Path(folder, "demo.tar"), Path(folder, "tree")
        path.write_bytes(data)
        unpack(Artifact("demo.tar", "", len(data)), path, tree, LIMITS)
        assert sorted(item.name for item in Path(folder).iterdir()) == ["demo.tar", "tree"]
        assert not any(item.is_symlink() for item in tree.rglob("*"))
