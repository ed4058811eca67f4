"""Hostile wheels and sdists: each function makes one; what must be found stands in front of it."""

import base64
import gzip
import hashlib
from collections.abc import Callable, Mapping

from package_gate.core.finding import Severity
from tests.archive.makers import Zipped, make_tar, make_zip, tar_file
from tests.archive.registry import Hostile, registrar

CRITICAL, HIGH, MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM
LOW, INFO = Severity.LOW, Severity.INFO

WHEEL_NAME = "demo_pkg-1.0-py3-none-any.whl"
INFO_FOLDER = "demo_pkg-1.0.dist-info"
WHEELS: list[Hostile] = []
hostile = registrar(WHEELS, WHEEL_NAME)

METADATA = b"Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.0\n"
FORMAT = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def record_line(name: str, data: bytes, algorithm: str = "sha256") -> str:
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, data).digest()).rstrip(b"=").decode()
    return f"{name},{algorithm}={digest},{len(data)}\n"


def make_wheel(
    files: Mapping[str, bytes | None] | None = None,
    record: Callable[[str], str] = lambda text: text,
    unlisted: Mapping[str, bytes] | None = None,
    info: str = INFO_FOLDER,
) -> bytes:
    """Make a sound wheel of `files` (None drops a usual one), then spoil its RECORD."""
    content: dict[str, bytes | None] = {
        "demo_pkg/__init__.py": b"x = 1\n",
        f"{info}/METADATA": METADATA,
        f"{info}/WHEEL": FORMAT,
        **(files or {}),
    }
    kept = {name: data for name, data in content.items() if data is not None}
    lines = "".join(record_line(name, data) for name, data in kept.items())
    text = record(lines + f"{info}/RECORD,,\n")
    kept |= unlisted or {}
    entries = [Zipped(name.encode(), data) for name, data in kept.items()]
    if text:
        entries.append(Zipped(f"{info}/RECORD".encode(), text.encode()))
    return make_zip(entries)


@hostile("record-extra-file", HIGH)
def wheel_file_not_in_record() -> bytes:
    return make_wheel(unlisted={"demo_pkg/evil.py": b"evil"})


@hostile("record-missing-file", HIGH)
def wheel_record_lists_a_missing_file() -> bytes:
    return make_wheel(record=lambda text: text + record_line("demo_pkg/gone.py", b""))


@hostile("record-mismatch", HIGH)
def wheel_record_with_a_wrong_hash() -> bytes:
    return make_wheel(record=lambda text: text.replace("sha256=", "sha256=A", 1))


@hostile("record-mismatch", HIGH)
def wheel_record_with_a_wrong_size() -> bytes:
    return make_wheel(record=lambda text: text.replace(",6\n", ",7\n", 1))


@hostile("record-mismatch", HIGH)
def wheel_record_with_a_wrong_sha512() -> bytes:
    line = record_line("demo_pkg/a.py", b"other", "sha512")
    return make_wheel(record=lambda text: text + line, unlisted={"demo_pkg/a.py": b"evil"})


@hostile("record-weak", LOW)
def wheel_record_with_md5() -> bytes:
    line = record_line("demo_pkg/a.py", b"a", "md5")
    return make_wheel(record=lambda text: text + line, unlisted={"demo_pkg/a.py": b"a"})


@hostile("record-weak", LOW)
def wheel_record_without_hash() -> bytes:
    return make_wheel(
        record=lambda text: text + "demo_pkg/a.py,,\n", unlisted={"demo_pkg/a.py": b"a"}
    )


@hostile("record-malformed", MEDIUM)
def wheel_record_contradicts_itself() -> bytes:
    return make_wheel(record=lambda text: text + record_line("demo_pkg/__init__.py", b"evil"))


@hostile("record-malformed", MEDIUM)
def wheel_record_of_two_columns() -> bytes:
    return make_wheel(record=lambda text: text + "demo_pkg/a.py,sha256=x\n")


@hostile("record-malformed", MEDIUM)
def wheel_record_with_an_open_quote() -> bytes:
    return make_wheel(record=lambda text: text + '"' + "a" * 200_000)


@hostile("metadata-missing", HIGH)
def wheel_without_record() -> bytes:
    return make_wheel(record=lambda _: "")


@hostile("metadata-missing", HIGH)
def wheel_without_metadata() -> bytes:
    return make_wheel({f"{INFO_FOLDER}/METADATA": None})


@hostile("metadata-missing", HIGH)
def wheel_without_wheel_file() -> bytes:
    return make_wheel({f"{INFO_FOLDER}/WHEEL": None})


@hostile("dist-info", HIGH)
def wheel_with_two_dist_infos() -> bytes:
    return make_wheel({"other-1.0.dist-info/METADATA": METADATA})


@hostile("dist-info", HIGH)
def wheel_with_a_dist_info_of_another_project() -> bytes:
    return make_wheel(info="requests-2.0.dist-info")


@hostile("dist-info", HIGH)
def wheel_without_dist_info() -> bytes:
    return make_zip([Zipped(b"demo_pkg/__init__.py")])


@hostile("metadata-mismatch", HIGH)
def wheel_metadata_names_another_project() -> bytes:
    return make_wheel({f"{INFO_FOLDER}/METADATA": METADATA.replace(b"demo-pkg", b"requests")})


@hostile("metadata-mismatch", HIGH)
def wheel_metadata_has_another_version() -> bytes:
    return make_wheel({f"{INFO_FOLDER}/METADATA": METADATA.replace(b"1.0\n", b"9.9\n")})


@hostile("metadata-mismatch", HIGH)
def wheel_version_of_a_million_digits() -> bytes:
    return make_wheel(
        {f"{INFO_FOLDER}/METADATA": METADATA.replace(b"1.0\n", b"9" * 900_000 + b"\n")}
    )


@hostile("metadata-ambiguous", MEDIUM)
def wheel_metadata_with_two_names() -> bytes:
    return make_wheel({f"{INFO_FOLDER}/METADATA": METADATA + b"Name: demo-pkg\n"})


@hostile("wheel-version", MEDIUM)
def wheel_of_a_future_format() -> bytes:
    return make_wheel({f"{INFO_FOLDER}/WHEEL": FORMAT.replace(b"1.0", b"2.0")})


@hostile("path-traversal", CRITICAL)
def wheel_data_folder_climbs_out() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/data/../../../evil": b"evil"})


@hostile("data-folder", MEDIUM)
def wheel_data_folder_of_an_unknown_scheme() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/root/evil": b"evil"})


@hostile("data-folder", MEDIUM)
def wheel_data_folder_of_another_project() -> bytes:
    return make_wheel({"other-1.0.data/scripts/evil": b"evil"})


@hostile("hidden-install", MEDIUM)
def wheel_data_folder_reaches_site_packages() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/data/lib/python3.11/site-packages/a.py": b"evil"})


@hostile("startup-hook", INFO)
def wheel_with_a_pth_file() -> bytes:
    return make_wheel({"demo.pth": b"import demo_pkg\n"})


@hostile("startup-code", HIGH)
def wheel_with_a_pth_file_that_starts_programs() -> bytes:
    return make_wheel({"demo.pth": b"import os, subprocess; subprocess.run(['id'])\n"})


@hostile("startup-code", HIGH)
def wheel_with_a_pth_line_behind_a_form_feed() -> bytes:
    return make_wheel({"demo.pth": b"\xef\xbb\xbf# path\x0cimport os; os.system('id')\n"})


@hostile("startup-code", HIGH)
def wheel_with_a_pth_file_of_blank_lines() -> bytes:
    return make_wheel({"demo.pth": b"\n" * 2_000_000})


@hostile("startup-code", HIGH)
def wheel_with_an_encoded_pth_file_in_purelib() -> bytes:
    code = b"import base64; exec(base64.b64decode('cGFzcw=='))\n"
    return make_wheel({"demo_pkg-1.0.data/purelib/demo.pth": code})


@hostile("startup-module", MEDIUM)
def wheel_with_sitecustomize() -> bytes:
    return make_wheel({"sitecustomize.py": b"evil"})


@hostile("startup-module", MEDIUM)
def wheel_with_a_usercustomize_package_in_platlib() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/platlib/usercustomize/__init__.py": b"evil"})


@hostile("entry-point-path", CRITICAL)
def wheel_entry_point_climbs_out() -> bytes:
    text = b"[console_scripts]\n../../../evil = demo_pkg:main\n"
    return make_wheel({f"{INFO_FOLDER}/entry_points.txt": text})


@hostile("entry-point-shadow", MEDIUM)
def wheel_entry_point_named_python() -> bytes:
    text = b"[console_scripts]\npython3 = demo_pkg:main\n"
    return make_wheel({f"{INFO_FOLDER}/entry_points.txt": text})


@hostile("entry-point-shadow", MEDIUM)
def wheel_script_named_sudo() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/scripts/sudo": b"evil"})


@hostile("wrong-format", HIGH, "demo.whl")
def wheel_of_no_valid_name() -> bytes:
    return make_wheel()


@hostile("wrong-format", HIGH)
def wheel_that_is_a_tar() -> bytes:
    return make_tar(tar_file(b"demo_pkg/__init__.py"))


@hostile("metadata-mismatch", HIGH, "demo-1.0.tar.gz")
def sdist_of_another_project() -> bytes:
    return gzip.compress(make_tar(tar_file(b"demo-1.0/PKG-INFO", METADATA)), mtime=0)


@hostile("sdist-layout", INFO, "demo-1.0.tar.gz")
def sdist_of_two_folders() -> bytes:
    return gzip.compress(make_tar(tar_file(b"demo-1.0/a.py"), tar_file(b"evil/a.py")), mtime=0)
