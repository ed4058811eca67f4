"""Static metadata of sdists."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.version import Version

from package_gate.core.errors import SourceError
from package_gate.inventory.bounds import MAX_METADATA_BYTES, MAX_REQUIRES
from package_gate.sources.pypi.sdist import SdistMetadata, read_sdist, stand_in
from tests.fakes.describing import described
from tests.fakes.package_index import metadata, sdist

V1 = Version("1.0")


def stored(folder: Path, files: dict[str, bytes], name: str = "thing") -> Path:
    filename, content = sdist(name, "1.0", files)
    path = folder / filename
    path.write_bytes(content)
    return path


def tar_of(folder: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    path = folder / "thing-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return path


def read(path: Path, name: str, version: Version) -> SdistMetadata:
    return read_sdist(described(path), name, version)


def requirements(found: SdistMetadata) -> list[str]:
    return [str(requirement) for requirement in found.requires]


def test_static_dependencies_of_new_metadata_are_known(tmp_path: Path) -> None:
    core = metadata("thing", "1.0", ["six>=1"], metadata_version="2.2", requires_python=">=3.8")
    found = read(stored(tmp_path, {"PKG-INFO": core}), "thing", V1)
    assert found.known
    assert requirements(found) == ["six>=1"]
    assert str(found.requires_python) == ">=3.8"


@pytest.mark.parametrize(
    ("version", "dynamic"), [("2.2", ["Requires-Dist"]), ("2.4", ["requires-dist"]), ("2.1", [])]
)
def test_dynamic_or_old_metadata_leaves_dependencies_unknown(
    tmp_path: Path, version: str, dynamic: list[str]
) -> None:
    core = metadata("thing", "1.0", ["six"], metadata_version=version, dynamic=dynamic)
    found = read(stored(tmp_path, {"PKG-INFO": core}), "thing", V1)
    assert not found.known
    assert requirements(found) == ["six"]


def test_requires_txt_gives_hints_with_extras_and_markers(tmp_path: Path) -> None:
    text = (
        b"six>=1\n\n[:python_version < '3']\nenum34\n\n[test]\npytest\n\n[dev:os_name=='nt']\nx\n"
    )
    files = {"PKG-INFO": metadata("thing", "1.0"), "thing.egg-info/requires.txt": text}
    found = read(stored(tmp_path, files), "thing", V1)
    assert requirements(found) == [
        "six>=1",
        'enum34; python_version < "3"',
        'pytest; extra == "test"',
        'x; os_name == "nt" and extra == "dev"',
    ]


def test_requires_txt_below_src_is_found(tmp_path: Path) -> None:
    files = {"PKG-INFO": metadata("thing", "1.0"), "src/thing.egg-info/requires.txt": b"six\n"}
    assert requirements(read(stored(tmp_path, files), "thing", V1)) == ["six"]


def test_a_pkg_info_of_a_nested_folder_is_not_taken(tmp_path: Path) -> None:
    files = {
        "vendored/PKG-INFO": metadata("thing", "1.0", ["evil"], metadata_version="2.2"),
        "PKG-INFO": metadata("thing", "1.0", ["six"], metadata_version="2.2"),
    }
    assert requirements(read(stored(tmp_path, files), "thing", V1)) == ["six"]


def test_zip_sdists_are_read(tmp_path: Path) -> None:
    path = tmp_path / "thing-1.0.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("thing-1.0/PKG-INFO", metadata("thing", "1.0", ["six"]))
    assert requirements(read(path, "thing", V1)) == ["six"]


def test_dependencies_by_address_are_left_out_and_named(tmp_path: Path) -> None:
    core = metadata("thing", "1.0", ["six", "x @ https://x.test/x.zip"], metadata_version="2.2")
    found = read(stored(tmp_path, {"PKG-INFO": core}), "thing", V1)
    assert requirements(found) == ["six"]
    assert found.left_out == ("x @ https://x.test/x.zip",)
    assert not found.known


def test_metadata_of_another_release_is_an_error(tmp_path: Path) -> None:
    for core in (metadata("other", "1.0"), metadata("thing", "2.0")):
        with pytest.raises(SourceError, match="another release"):
            read(stored(tmp_path, {"PKG-INFO": core}), "thing", V1)


@pytest.mark.parametrize("core", [b"", b"\xff\xfe\x00garbage", b"Name: thing\n"])
def test_metadata_that_does_not_say_what_it_is_of_is_an_error(tmp_path: Path, core: bytes) -> None:
    with pytest.raises(SourceError, match="no PKG-INFO that says what it is"):
        read(stored(tmp_path, {"PKG-INFO": core}), "thing", V1)


def test_an_sdist_without_pkg_info_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no PKG-INFO"):
        read(stored(tmp_path, {"setup.py": b""}), "thing", V1)


@pytest.mark.parametrize("name", ["thing-1.0.tar.gz", "thing-1.0.zip"])
def test_garbage_is_an_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(SourceError, match="can't be read: it is no archive"):
        read(path, "thing", V1)


def test_an_sdist_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    path = stored(tmp_path, {"a": bytes(range(256)) * 4000, "PKG-INFO": metadata("thing", "1.0")})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SourceError, match="no PKG-INFO"):
        read(path, "thing", V1)


def test_a_huge_metadata_file_is_an_error(tmp_path: Path) -> None:
    core = metadata("thing", "1.0") + b"\n" + b"x" * MAX_METADATA_BYTES
    with pytest.raises(SourceError, match=r"PKG-INFO that says what it is \(It has more than"):
        read(stored(tmp_path, {"PKG-INFO": core}), "thing", V1)


def test_a_link_named_pkg_info_is_not_followed(tmp_path: Path) -> None:
    link = tarfile.TarInfo("thing-1.0/PKG-INFO")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(SourceError, match="no PKG-INFO"):
        read(tar_of(tmp_path, [(link, b"")]), "thing", V1)


def test_a_stand_in_repeats_the_dependencies_and_nothing_else(tmp_path: Path) -> None:
    core = metadata("Some.Thing", "1.0", ["six", 'x; extra == "more"'], requires_python=">=3.8")
    found = read(stored(tmp_path, {"PKG-INFO": core}, "some-thing"), "some-thing", V1)
    path = stand_in(tmp_path, "some-thing", V1, found)
    assert path.name == "some_thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path) as archive:
        assert all(".dist-info/" in name for name in archive.namelist())
        written = Metadata.from_email(archive.read("some_thing-1.0.dist-info/METADATA"))
    assert written.provides_extra == ["more"]
    assert [str(each) for each in written.requires_dist or ()] == ["six", 'x; extra == "more"']
    assert str(written.requires_python) == ">=3.8"


def test_more_dependencies_than_are_read_are_an_error(tmp_path: Path) -> None:
    core = metadata("thing", "1.0", [f"a{n}" for n in range(MAX_REQUIRES + 1)])
    with pytest.raises(SourceError, match="not all of the metadata"):
        read(stored(tmp_path, {"PKG-INFO": core}), "thing", V1)


def test_dependencies_by_a_pyproject_alone_are_not_taken(tmp_path: Path) -> None:
    project = b'[project]\nname = "thing"\nversion = "1.0"\ndependencies = ["six"]\n'
    files = {
        "PKG-INFO": metadata("thing", "1.0", metadata_version="2.2"),
        "pyproject.toml": project,
    }
    found = read(stored(tmp_path, files), "thing", V1)
    assert (found.known, requirements(found)) == (True, [])
