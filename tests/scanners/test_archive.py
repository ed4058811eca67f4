import io
import zipfile
from pathlib import Path

import pytest

from package_gate.core.artifact import Artifact, Origin, UnpackedArtifact, UnpackedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Kind
from package_gate.core.inventory import Inventory
from package_gate.core.limits import Limits
from package_gate.sandbox.pool import ScannerPool
from package_gate.scanners.archive import Archive
from package_gate.scanners.registry import worker_spec

LIMITS = Limits()


def zipped(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return content.getvalue()


def download(folder: Path, content: bytes) -> UnpackedPackage:
    folder.mkdir()
    path = folder / "sample.zip"
    path.write_bytes(content)
    artifact = Artifact(path.name, "0" * 64, len(content))
    unpacked = UnpackedArtifact(artifact, str(path), str(folder / "tree"))
    return UnpackedPackage("sample", "", Origin.ARCHIVE, (unpacked,))


def test_what_it_unpacks_is_what_the_other_scanners_see(tmp_path: Path) -> None:
    files = {"a/setup.py": "import os\nexec(__import__('base64').b64decode('eA=='))\nassert os\n"}
    target = download(tmp_path / "package", zipped(files))
    names = ("archive", "guarddog", "ruff")

    with ScannerPool([worker_spec(name) for name in names], LIMITS, tmp_path) as pool:
        assert pool.unpack("archive", target).findings == ()
        rules = {name: {each.rule for each in pool.scan(name, target)} for name in names[1:]}
        infos = [pool.info(name) for name in names]

    assert "threat-runtime-obfuscation-import-exec" in rules["guarddog"]
    assert rules["ruff"] == {"S101", "S102"}
    assert [info.name for info in infos] == list(names)
    assert all(info.version for info in infos)


def test_a_dangerous_archive_is_a_finding(tmp_path: Path) -> None:
    target = download(tmp_path / "package", zipped({"../../escaped": "x"}))

    with ScannerPool([worker_spec("archive")], LIMITS, tmp_path) as pool:
        found = pool.unpack("archive", target).findings

    assert {each.kind for each in found} == {Kind.ARCHIVE}
    assert not (tmp_path / "escaped").exists()


def test_a_fault_of_ours_is_an_error(tmp_path: Path) -> None:
    target = download(tmp_path / "package", zipped({"a": "x"}))
    Path(target.artifacts[0].path).unlink()

    with (
        ScannerPool([worker_spec("archive")], LIMITS, tmp_path) as pool,
        pytest.raises(ScannerError, match="archive on sample: "),
    ):
        pool.unpack("archive", target)


def test_it_takes_the_inventory_of_what_it_unpacks(tmp_path: Path) -> None:
    files = {
        "demo-1.0/PKG-INFO": "Name: demo\nVersion: 1.0\nRequires-Python: >=3.9\n",
        "demo-1.0/requirements.txt": "idna==3.7\n",
    }
    target = download(tmp_path / "package", zipped(files))

    with ScannerPool([worker_spec("archive")], LIMITS, tmp_path) as pool:
        (found,) = pool.unpack("archive", target).inventories

    assert (found.artifact, found.kind) == ("sample.zip", "zip")
    assert (found.name, found.requires_python) == ("demo", ">=3.9")
    assert [(each.name, each.held) for each in found.components] == [
        ("demo", True),
        ("idna", False),
    ]


def test_without_an_inventory_the_unpacking_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(tree: Path, artifact: str) -> Inventory:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("package_gate.scanners.archive.take_inventory", broken)
    target = download(tmp_path / "package", zipped({"a": "x"}))

    with pytest.raises(
        ScannerError, match=r"take the inventory of sample\.zip: Input/output error"
    ):
        Archive(LIMITS).unpack(target)
