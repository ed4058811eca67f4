"""Honest archives unpack without a finding; limits, nesting, links and faults of ours."""

import bz2
import errno
import gzip
import io
import lzma
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from package_gate.archive.kinds import archive_kind, may_be_archive
from package_gate.archive.unpack import unpack
from package_gate.core.artifact import Artifact
from package_gate.core.errors import ArchiveError
from package_gate.core.finding import Finding, Severity
from package_gate.core.limits import MIB, Limits
from tests.archive.hostile_wheels import INFO_FOLDER, WHEEL_NAME, make_wheel, record_line
from tests.archive.makers import Zipped, make_tar, make_zip, pax, tar_file, tar_header

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": gzip.compress,
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
    "tar.zst": zstandard.compress,
}
TAR = make_tar(tar_file(b"demo/a.py", b"x = 1\n"), tar_file(b"demo/b/c.txt", b"text"))
FILES = {"demo/a.py": b"x = 1\n", "demo/b/c.txt": b"text"}


def run(
    tmp_path: Path, data: bytes, filename: str = "demo.zip", limits: Limits | None = None
) -> tuple[list[Finding], dict[str, bytes]]:
    path, tree = tmp_path / filename, tmp_path / "tree"
    path.write_bytes(data)
    shutil.rmtree(tree, ignore_errors=True)
    findings = unpack(Artifact(filename, "", len(data)), path, tree, limits or Limits())
    return findings, content(tree)


def content(tree: Path) -> dict[str, bytes]:
    files = (path for path in tree.rglob("*") if path.is_file())
    return {str(path.relative_to(tree)): path.read_bytes() for path in files}


def rules(findings: list[Finding]) -> dict[str, Severity | None]:
    return {finding.rule: finding.severity for finding in findings}


@pytest.mark.parametrize("kind", PACKERS)
def test_a_tar_unpacks_to_its_exact_layout(kind: str, tmp_path: Path) -> None:
    data = PACKERS[kind](TAR)
    assert run(tmp_path, data, f"demo.{kind}") == ([], FILES)
    assert archive_kind(tmp_path / f"demo.{kind}") == kind
    assert may_be_archive(tmp_path / f"demo.{kind}")


@pytest.mark.parametrize("format_", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tars_of_the_usual_writers_have_no_finding(format_: int, tmp_path: Path) -> None:
    long = "demo/" + "folder/" * 12 + "é" * 20 + ".py"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=format_) as archive:
        archive.addfile(_folder("demo"))
        for name in (long, "demo/a.py"):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = 6, 1.5 if format_ == tarfile.PAX_FORMAT else 1
            archive.addfile(member, io.BytesIO(b"x = 1\n"))
    expected = {long: b"x = 1\n", "demo/a.py": b"x = 1\n"}
    assert run(tmp_path, buffer.getvalue(), "demo.tar.gz") == ([], expected)


def _folder(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, 0o2755
    return member


@pytest.mark.parametrize(
    ("method", "streamed"),
    [(zipfile.ZIP_STORED, False), (zipfile.ZIP_DEFLATED, False), (zipfile.ZIP_DEFLATED, True)],
)
def test_zips_of_the_usual_writers_have_no_finding(
    method: int, streamed: bool, tmp_path: Path
) -> None:
    buffer = io.BytesIO()
    target = _Unseekable(buffer) if streamed else buffer
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.mkdir("demo")
        archive.writestr("demo/a.py", b"x = 1\n")
        archive.writestr("demo/é.py", b"")
        with archive.open("demo/big", "w", force_zip64=True) as file:
            file.write(bytes(100_000))
        archive.comment = b"0123456789abcdef"
    expected = {"demo/a.py": b"x = 1\n", "demo/é.py": b"", "demo/big": bytes(100_000)}
    assert run(tmp_path, buffer.getvalue()) == ([], expected)


class _Unseekable(io.RawIOBase):
    """Makes `zipfile` write data descriptors, as when it writes to a pipe."""

    def __init__(self, target: io.BytesIO) -> None:
        self._target = target

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return self._target.write(data)  # type: ignore[arg-type]  # any buffer, as zipfile gives


def test_a_sound_wheel_has_no_finding(tmp_path: Path) -> None:
    findings, files = run(tmp_path, make_wheel(), WHEEL_NAME)
    assert findings == []
    assert "demo_pkg/__init__.py" in files


def test_a_wheel_signature_and_a_strong_hash_are_fine(tmp_path: Path) -> None:
    line = record_line("demo_pkg/a.py", b"a", "sha512")
    data = make_wheel(
        record=lambda text: text + line,
        unlisted={"demo_pkg/a.py": b"a", f"{INFO_FOLDER}/RECORD.jws": b"{}"},
    )
    assert run(tmp_path, data, WHEEL_NAME)[0] == []


def test_a_sound_sdist_has_no_finding(tmp_path: Path) -> None:
    info = b"Metadata-Version: 2.1\nName: demo_pkg\nVersion: 1.0.0\n"
    tar = make_tar(tar_file(b"demo_pkg-1.0/PKG-INFO", info), tar_file(b"demo_pkg-1.0/a.py"))
    assert run(tmp_path, gzip.compress(tar), "demo_pkg-1.0.tar.gz")[0] == []


def test_a_plain_build_backend_of_an_sdists_own_has_no_finding(tmp_path: Path) -> None:
    project = b"[build-system]\nrequires = ['wheel']\nbuild-backend = 'own.backend:api'\n"
    tar = make_tar(
        tar_file(b"demo-1.0/pyproject.toml", project + b"backend-path = ['.', 'tools/build']\n"),
        tar_file(b"demo-1.0/tools/build/own/backend.py"),
        tar_file(b"demo-1.0/tests/Setup.py"),
    )
    assert run(tmp_path, gzip.compress(tar), "demo-1.0.tar.gz")[0] == []


def test_what_an_honest_sdist_declares_has_no_finding(tmp_path: Path) -> None:
    project = b"""
        [project]
        name = "demo"
        [project.scripts]
        demo = "demo:main"
        [tool.hatch.build.targets.wheel.shared-data]
        "static" = "share/jupyter/labextensions/demo"
        "settings.json" = "etc/jupyter/jupyter_server_config.d/demo.json"
        [tool.setuptools.data-files]
        "share/man/man1" = ["demo.1"]
        [build-system]
        requires = ["setuptools"]
        [tool.uv.sources]
        torch = { index = "pytorch" }
        setuptools = { path = "vendor/setuptools" }
    """
    setup = b"[options]\nsetup-requires = numpy; cython\n"
    setup += b"[options.entry_points]\nconsole_scripts = demo = demo:main\n[options.data_files]\n"
    settings = b'{"ServerApp": {"jpserver_extensions": {"demo": true}}}'
    tar = make_tar(
        tar_file(b"demo-1.0/pyproject.toml", project),
        tar_file(b"demo-1.0/setup.cfg", setup + b"share/doc/demo = README.md, docs/*.md\n"),
        tar_file(b"demo-1.0/settings.json", settings),
        tar_file(b"demo-1.0/src/demo/__init__.py"),
        tar_file(b"demo-1.0/packaging/build.py"),
    )
    assert run(tmp_path, gzip.compress(tar), "demo-1.0.tar.gz")[0] == []


def test_nothing_of_an_sdist_is_executed(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    code = f"open({str(canary)!r}, 'w').close()\n".encode()
    names = (b"setup.py", b"conftest.py", b"backend.py", b"sitecustomize.py", b"x.pth")
    tar = make_tar(*(tar_file(b"demo-1.0/" + name, code) for name in names))
    _, files = run(tmp_path, gzip.compress(tar), "demo-1.0.tar.gz")
    assert len(files) == len(names)
    assert not canary.exists()


def test_what_is_no_archive_has_no_kind(tmp_path: Path) -> None:
    for data in (b"", b"<html>not found</html>", gzip.compress(b"[1, 2]"), bytes(10_240)):
        (tmp_path / "file").write_bytes(data)
        assert archive_kind(tmp_path / "file") is None
        # Whoever downloads doesn't decompress it to see.
        assert may_be_archive(tmp_path / "file") == data.startswith(b"\x1f\x8b")


def test_a_zip_behind_something_else_is_a_zip(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"<html>" + make_zip([Zipped(b"a.py")]))
    assert archive_kind(tmp_path / "file") == "zip"
    assert may_be_archive(tmp_path / "file")


def test_a_tars_links_become_copies_under_their_own_names(tmp_path: Path) -> None:
    tar = make_tar(
        tar_header(b"pkg/early.py", kind=b"2", link=b"data.txt"),
        tar_file(b"pkg/data.txt", b"import os\n"),
        tar_header(b"pkg/up.py", kind=b"2", link=b"../pkg/data.txt"),
        tar_header(b"hard.py", kind=b"1", link=b"pkg/data.txt"),
        tar_header(b"h2", kind=b"1", link=b"./hard.py"),
        tar_file(b"src/a.py", b"a = 1\n"),
        tar_header(b"src/h3", kind=b"1", link=b"h2"),
        tar_header(b"other", kind=b"2", link=b"src/"),
        tar_header(b"by-hard.py", kind=b"2", link=b"src/h3"),
    )
    findings, files = run(tmp_path, tar, "demo.tar")
    assert rules(findings) == {"link": Severity.INFO}
    code = b"import os\n"
    for name in ("pkg/early.py", "pkg/up.py", "hard.py", "h2", "src/h3", "other/h3", "by-hard.py"):
        assert files[name] == code, name
    assert files["other/a.py"] == b"a = 1\n"
    assert not any(path.is_symlink() for path in (tmp_path / "tree").rglob("*"))


def test_a_hard_link_to_a_symbolic_link_is_its_text_at_another_place(tmp_path: Path) -> None:
    tar = make_tar(
        tar_file(b"notes.txt", b"evil"),
        tar_file(b"docs/notes.txt", b"good"),
        tar_header(b"docs/n", kind=b"2", link=b"notes.txt"),
        tar_header(b"setup.py", kind=b"1", link=b"docs/n"),
    )
    findings, files = run(tmp_path, tar, "demo.tar")
    assert rules(findings)["ambiguous-link"] is Severity.MEDIUM
    assert files["docs/n"] == b"good"
    assert files["setup.py"] == b"evil"


def test_a_zips_link_is_a_file_with_its_target_as_pip_writes_it(tmp_path: Path) -> None:
    data = make_zip([Zipped(b"a.md"), Zipped(b"pkg/b.md", b"../a.md", mode=0o120777)])
    findings, files = run(tmp_path, data)
    assert rules(findings) == {"link": Severity.INFO}
    assert files["pkg/b.md"] == b"../a.md"


def test_the_last_of_two_entries_stays_as_for_installers(tmp_path: Path) -> None:
    tar = make_tar(tar_file(b"a.py", b"first"), tar_file(b"a.py", b"last"))
    assert run(tmp_path, tar, "demo.tar")[1] == {"a.py": b"last"}
    both = make_zip([Zipped(b"a.py", b"first"), Zipped(b"a.py", b"last")])
    assert run(tmp_path, both)[1] == {"a.py": b"last"}


def test_names_that_could_trick_a_tool_are_escaped_on_disk(tmp_path: Path) -> None:
    data = make_zip([Zipped(b"a\nb\\100%.py"), Zipped(b"100%.py")])
    assert set(run(tmp_path, data)[1]) == {"a%0Ab%5C100%25.py", "100%.py"}


def test_nested_archives_are_unpacked_next_to_where_they_stand(tmp_path: Path) -> None:
    inner = make_zip([Zipped(b"deep.py", b"import os\n")])
    taken = Zipped(b"lib/inner.zip.unpacked/deep.py", b"decoy")
    script = b"#!/usr/bin/env python\n" + make_zip(
        [Zipped(b"deep.py", b"import os\n")], comment=b"!"
    )
    data = make_zip(
        [
            Zipped(b"lib/inner.zip", inner),
            taken,
            Zipped(b"app.pyz", script),
            Zipped(b"t.dat", gzip.compress(TAR)),
        ]
    )
    findings, files = run(tmp_path, data)
    assert rules(findings) == {"nested-prepended-data": Severity.INFO}
    assert files["lib/inner.zip.unpacked/deep.py"] == b"decoy"
    assert files["lib/2.unpacked/deep.py"] == b"import os\n"
    assert files["app.pyz.unpacked/deep.py"] == b"import os\n"
    assert files["t.dat.unpacked/demo/a.py"] == b"x = 1\n"


def test_so_is_what_lies_deeper_or_is_compressed_alone(tmp_path: Path) -> None:
    code = b"import os\n"
    inner = make_zip([Zipped(b"deep.py", code)])
    between = make_zip([Zipped(b"b.zip", inner), Zipped(b"b.zip.unpacked/x", b"taken")])
    data = make_zip(
        [
            Zipped(b"a.zip", between),
            Zipped(b"core.py.gz", gzip.compress(code)),
            Zipped(b"z.bin", lzma.compress(inner)),
            Zipped(b"damaged.bz2", b"BZh9 is no bzip2"),
            Zipped(b"cut.gz", gzip.compress(code * 1000)[:40]),
        ]
    )
    findings, files = run(tmp_path, data)
    assert findings == []
    assert files["a.zip.unpacked/2.unpacked/deep.py"] == code
    assert files["core.py.gz.unpacked/core.py"] == code
    assert files["z.bin.unpacked/z.bin.unpacked/deep.py"] == code


def test_a_nested_archive_shares_the_limits_of_the_outer_one(tmp_path: Path) -> None:
    inner = make_zip([Zipped(b"a", bytes(3_000_000))])
    data = make_zip([Zipped(b"%d.zip" % number, inner) for number in range(3)])
    findings, _ = run(tmp_path, data, limits=Limits(unpacked_bytes=5 * MIB))
    assert rules(findings) == {"limit-bytes": Severity.HIGH}


def test_every_limit_stops_what_it_names(tmp_path: Path) -> None:
    files = [Zipped(b"a/b/c", bytes(50_000)), Zipped(b"d", bytes(50_000))]
    cases = {
        "limit-bytes": Limits(unpacked_bytes=90_000),
        "limit-file-bytes": Limits(unpacked_file_bytes=40_000),
        "limit-entries": Limits(entries=1),
        "limit-depth": Limits(depth=2),
        "limit-path": Limits(path_bytes=4),
    }
    tar = make_tar(*(tar_file(entry.name, entry.data) for entry in files))
    for rule, limits in cases.items():
        for filename, data in (("demo.zip", make_zip(files)), ("demo.tar", tar)):
            findings, unpacked = run(tmp_path, data, filename, limits)
            assert rules(findings) == {rule: Severity.HIGH}, (rule, filename)
            assert sum(map(len, unpacked.values())) <= 90_000
    assert run(tmp_path, make_zip(files))[0] == []


def test_an_archive_at_the_limits_is_fine(tmp_path: Path) -> None:
    data = make_zip([Zipped(b"a/b/c", bytes(5000)), Zipped(b"d", bytes(5000))])
    limits = Limits(
        unpacked_bytes=10_000, unpacked_file_bytes=5000, entries=2, depth=3, path_bytes=5
    )
    assert run(tmp_path, data, limits=limits)[0] == []


def test_a_sound_archive_of_eight_gigabyte_sizes_is_read_by_its_pax_size(tmp_path: Path) -> None:
    tar = make_tar(pax({b"size": b"%d" % 8**12}), tar_header(b"big", 0))
    assert rules(run(tmp_path, tar, "demo.tar")[0]) == {"truncated": Severity.HIGH}


def test_many_places_are_one_finding_with_a_count(tmp_path: Path) -> None:
    data = make_zip([Zipped(b"../%d.py" % number) for number in range(50)])
    (finding,) = run(tmp_path, data)[0]
    assert (finding.rule, finding.count, len(finding.locations)) == ("path-traversal", 50, 20)


def test_a_full_disk_is_an_archive_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("package_gate.archive.tree.os.write", full)
    with pytest.raises(ArchiveError, match=r"unpack into .*No space left on device"):
        run(tmp_path, make_zip([Zipped(b"a.py")]))


def test_a_tree_that_exists_is_an_archive_error(tmp_path: Path) -> None:
    (tmp_path / "demo.zip").write_bytes(make_zip([Zipped(b"a.py")]))
    with pytest.raises(ArchiveError, match="File exists"):
        unpack(Artifact("demo.zip", "", 0), tmp_path / "demo.zip", tmp_path, Limits())


def test_a_file_that_can_not_be_read_is_an_archive_error(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="No such file"):
        unpack(Artifact("demo.zip", "", 0), tmp_path / "gone.zip", tmp_path / "tree", Limits())
