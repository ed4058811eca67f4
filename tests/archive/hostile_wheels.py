"""Hostile wheels and sdists: each function makes one; what must be found stands in front of it."""

import base64
import gzip
import hashlib
from collections.abc import Callable, Mapping

from package_gate.core.finding import Severity
from tests.archive.makers import Zipped, make_tar, make_zip, renamed, tar_file, tar_header
from tests.archive.registry import Hostile, registrar

CRITICAL, HIGH, MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM
LOW, INFO = Severity.LOW, Severity.INFO

WHEEL_NAME = "demo_pkg-1.0-py3-none-any.whl"
INFO_FOLDER = "demo_pkg-1.0.dist-info"
WHEELS: list[Hostile] = []
hostile = registrar(WHEELS, WHEEL_NAME)

ENTRY_POINTS = f"{INFO_FOLDER}/entry_points.txt"
DATA = "demo_pkg-1.0.data/data"
METADATA = b"Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.0\n"
FORMAT = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def record_line(name: str, data: bytes, algorithm: str = "sha256") -> str:
    digest = (
        base64.urlsafe_b64encode(hashlib.new(algorithm, renamed(data)).digest())
        .rstrip(b"=")
        .decode()
    )
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


def wheel_with_script(name: str) -> bytes:
    """Make a wheel whose installation makes a script of that name."""
    return make_wheel({ENTRY_POINTS: f"[console_scripts]\n{name} = demo_pkg:main\n".encode()})


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


@hostile("startup-code", HIGH)
def wheel_with_a_pth_line_that_goes_on_behind_a_form_feed() -> bytes:
    """One line before Python 3.13."""
    return make_wheel({"demo.pth": b"import sys;\x0cexec(bytes(sys.argv[0]))\n"})


@hostile("startup-path", HIGH)
def wheel_with_a_pth_file_that_leaves_site_packages() -> bytes:
    return make_wheel({"demo.pth": b"../../../share/demo_pkg\n"})


@hostile("startup-path", HIGH)
def wheel_with_a_pth_file_to_an_absolute_path() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/purelib/demo.pth": b"# ok\n/tmp/x\n"})


@hostile("foreign-module", HIGH)
def wheel_with_the_module_that_each_environment_has() -> bytes:
    """`_virtualenv.pth`, which virtualenv and uv make, imports it at each start."""
    return make_wheel({"_virtualenv.py": b"evil"})


@hostile("foreign-module", HIGH)
def wheel_with_a_pth_file_of_setuptools() -> bytes:
    return make_wheel({"distutils-precedence.pth": b"import demo_pkg\n"})


@hostile("data-folder", MEDIUM)
def wheel_data_folder_spelled_unlike_its_dist_info() -> bytes:
    """pip spreads it, uv leaves it as a folder of site-packages."""
    return make_wheel({"demo-pkg-1.0.data/scripts/evil": b"evil"})


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


@hostile("entry-point-path", CRITICAL)
def wheel_entry_point_in_a_folder() -> bytes:
    return wheel_with_script("sub/evil")


@hostile("entry-point-shadow", MEDIUM)
def wheel_entry_point_named_aws() -> bytes:
    return wheel_with_script("aws")


@hostile("entry-point-shadow", MEDIUM, "aws-1.0-py3-none-any.whl")
def wheel_named_aws_with_an_entry_point_aws() -> bytes:
    """The tool's distribution is `awscli`; who makes a package chooses its name."""
    text = b"[console_scripts]\naws = aws:main\n"
    metadata = b"Metadata-Version: 2.1\nName: aws\nVersion: 1.0\n"
    info = "aws-1.0.dist-info"
    return make_wheel({f"{info}/METADATA": metadata, f"{info}/entry_points.txt": text}, info=info)


@hostile("entry-point-shadow", MEDIUM)
def wheel_entry_point_named_jupyter_lab() -> bytes:
    return wheel_with_script("jupyter-lab")


@hostile("entry-point-shadow", MEDIUM)
def wheel_gui_entry_point_named_pip() -> bytes:
    return make_wheel({ENTRY_POINTS: b"[gui_scripts]\npip3.11 = demo_pkg:main\n"})


@hostile("entry-point-shadow", MEDIUM)
def wheel_script_named_uv_for_windows() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/scripts/UV.exe": b"evil"})


@hostile("entry-point-shadow", MEDIUM)
def wheel_data_script_named_git() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/data/bin/git": b"evil"})


@hostile("entry-point-shadow", MEDIUM)
def wheel_data_script_that_activates_the_environment() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/data/bin/activate": b"evil"})


@hostile("script-module", HIGH)
def wheel_script_that_other_scripts_import() -> bytes:
    """A script's folder stands first on the path of whatever is started there."""
    return make_wheel({"demo_pkg-1.0.data/scripts/random.py": b"evil"})


@hostile("script-module", HIGH)
def wheel_entry_point_that_other_scripts_import() -> bytes:
    return wheel_with_script("traitlets.py")


@hostile("script-module", HIGH)
def wheel_library_that_scripts_import() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/scripts/readline.cpython-311-x86_64-linux-gnu.so": b""})


@hostile("data-place", LOW)
def wheel_package_among_the_scripts() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/scripts/yaml/__init__.py": b"evil"})


@hostile("install-collision", HIGH)
def wheel_purelib_over_its_own_module() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/purelib/demo_pkg/__init__.py": b"evil"})


@hostile("install-collision", HIGH)
def wheel_purelib_and_platlib_at_one_place() -> bytes:
    return make_wheel(
        {"demo_pkg-1.0.data/purelib/a.py": b"good", "demo_pkg-1.0.data/platlib/A.py": b"evil"}
    )


@hostile("install-collision", HIGH)
def wheel_script_under_the_name_of_an_entry_point() -> bytes:
    text = b"[console_scripts]\ndemo = demo_pkg:main\n"
    return make_wheel({ENTRY_POINTS: text, "demo_pkg-1.0.data/scripts/demo": b"evil"})


@hostile("foreign-module", HIGH)
def wheel_with_boto3() -> bytes:
    return make_wheel({"boto3/__init__.py": b"evil"})


@hostile("foreign-module", HIGH)
def wheel_with_pip_in_platlib() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/platlib/pip/__main__.py": b"evil"})


@hostile("foreign-module", HIGH)
def wheel_with_a_library_for_setuptools() -> bytes:
    return make_wheel({"_distutils_hack.abi3.so": b"evil"})


@hostile("foreign-module", HIGH)
def wheel_that_adds_to_ipython() -> bytes:
    return make_wheel({"IPython/extensions/storemagic.py": b"evil"})


@hostile("foreign-module", HIGH)
def wheel_with_a_popular_project() -> bytes:
    return make_wheel({"pexpect/__init__.py": b"evil"})


@hostile("foreign-module", HIGH)
def wheel_with_a_library_of_a_popular_project() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/platlib/wcwidth.abi3.so": b"evil"})


@hostile("foreign-module", HIGH)
def wheel_with_what_a_tool_loads_under_another_name() -> bytes:
    return make_wheel({"attr/_make.py": b"evil"})


@hostile("foreign-module", HIGH)
def wheel_that_leads_python_to_boto3() -> bytes:
    return make_wheel({"demo.pth": b"demo_pkg/vendor\n", "demo_pkg/vendor/boto3/__init__.py": b""})


@hostile("startup-path", HIGH)
def wheel_that_leads_python_into_a_zip() -> bytes:
    return make_wheel({"demo.pth": b"demo_pkg/lib.zip\n", "demo_pkg/lib.zip": b"PK"})


@hostile("startup-path", HIGH)
def wheel_that_leads_python_into_a_folder_of_a_zip() -> bytes:
    return make_wheel({"demo.pth": b"./demo_pkg/lib.zip/in/it\n", "demo_pkg/lib.zip": b"PK"})


@hostile("startup-code", HIGH)
def wheel_that_puts_its_folder_first() -> bytes:
    return make_wheel({"demo.pth": b"import sys as s; s.path . insert(0, 'demo_pkg/vendor')\n"})


@hostile("entry-point-shadow", MEDIUM)
def wheel_entry_point_named_like_a_program_of_coreutils() -> bytes:
    return wheel_with_script("dircolors")


@hostile("entry-point-shadow", MEDIUM)
def wheel_entry_point_that_git_starts() -> bytes:
    return wheel_with_script("git-remote-https")


@hostile("standard-module", MEDIUM)
def wheel_with_a_standard_module() -> bytes:
    return make_wheel({"random.py": b"evil"})


@hostile("standard-module", MEDIUM)
def wheel_with_a_module_that_python_has_dropped() -> bytes:
    return make_wheel({"imp/__init__.py": b"evil"})


@hostile("startup-hook", INFO)
def wheel_with_a_start_file() -> bytes:
    return make_wheel({"demo.start": b"demo_pkg:main\n"})


@hostile("startup-code", HIGH)
def wheel_with_a_start_file_that_opens_a_shell() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/purelib/demo.start": b"# x\ndemo_pkg:a.subprocess.run"})


@hostile("foreign-module", HIGH)
def wheel_with_a_start_file_of_setuptools() -> bytes:
    return make_wheel({"distutils-precedence.start": b"demo_pkg:main\n"})


@hostile("bytecode", MEDIUM)
def wheel_with_bytecode_only() -> bytes:
    return make_wheel({"demo_pkg/helper.pyc": b"\xa7\r\r\n" + bytes(12)})


@hostile("bytecode", MEDIUM)
def wheel_with_unchecked_bytecode_beside_an_honest_source() -> bytes:
    """PEP 552: with flags 0b01 Python does not compare it with the source."""
    name = "demo_pkg/__pycache__/__init__.cpython-311.pyc"
    return make_wheel({name: b"\xa7\r\r\n\1\0\0\0" + bytes(8)})


@hostile("bytecode", MEDIUM)
def wheel_with_optimised_bytecode_in_purelib() -> bytes:
    return make_wheel({"demo_pkg-1.0.data/purelib/__pycache__/six.cpython-312.opt-1.pyc": b"evil"})


@hostile("bytecode", MEDIUM)
def wheel_with_bytecode_that_code_may_rename() -> bytes:
    return make_wheel({"demo_pkg/weights.dat": b"\xa7\r\r\n" + bytes(12) + b"\xe3"})


@hostile("dist-info", HIGH)
def wheel_with_metadata_of_another_project_in_purelib() -> bytes:
    text = b"[console_scripts]\naws = demo_pkg:main\n"
    return make_wheel({"demo_pkg-1.0.data/purelib/awscli-9.dist-info/entry_points.txt": text})


@hostile("dist-info", HIGH)
def wheel_with_an_egg_info_of_another_project() -> bytes:
    return make_wheel({"boto3-9.egg-info": b"Metadata-Version: 1.0\nName: boto3\nVersion: 9\n"})


@hostile("installer-file", LOW)
def wheel_that_says_where_it_came_from() -> bytes:
    return make_wheel({f"{INFO_FOLDER}/direct_url.json": b'{"url": "https://example.com"}'})


@hostile("startup-module", MEDIUM)
def wheel_with_sitecustomize_as_a_library() -> bytes:
    return make_wheel({"SiteCustomize.abi3.so": b"evil"})


PLACES_OF_OTHERS = (
    *("pip.conf", "pyvenv.cfg", "lib/python3.11/random.py", "lib/python311.zip", "lib64/libz.so.1"),
    *("etc/ipython/ipython_config.py", "etc/ipython/startup/a.ipy", "etc/conda/activate.d/a.sh"),
    *("etc/jupyter/jupyter_server_config.py", "etc/jupyter/jupyter_server_config.d/a.py"),
    *("etc/jupyter/labconfig/page_config.json", "etc/pip.conf", "conda-meta/history", ".condarc"),
    *("share/jupyter/kernels/python3/kernel.json", "share/jupyter/kernels/Python3/logo.svg"),
    *("share/jupyter/lab/settings/overrides.json", "share/jupyter/nbconvert/templates/lab/a.j2"),
    *("share/jupyter/lab/static/index.html", "Lib/site.py", "lib/libpython3.11.so.1.0"),
)
"""What other programs read, below `.data/data`."""


@hostile("environment-file", HIGH)
def wheel_data_for_other_programs() -> bytes:
    return make_wheel({f"{DATA}/{place}": b"evil" for place in PLACES_OF_OTHERS})


@hostile("environment-file", HIGH)
def wheel_settings_that_take_the_password_off() -> bytes:
    text = b'{"ServerApp": {"jpserver_extensions": {"demo_pkg": true}, "token": ""}}'
    return make_wheel({f"{DATA}/etc/jupyter/jupyter_server_config.d/demo.json": text})


@hostile("environment-file", HIGH)
def wheel_settings_that_load_another_module() -> bytes:
    text = b'{"ServerApp": {"jpserver_extensions": {"antigravity": true}}}'
    return make_wheel({f"{DATA}/etc/jupyter/jupyter_server_config.d/demo.json": text})


@hostile("environment-file", HIGH)
def wheel_settings_that_say_one_thing_twice() -> bytes:
    text = b'{"load_extensions": {"a": true}, "load_extensions": {"b": 1}}'
    return make_wheel({f"{DATA}/etc/jupyter/nbconfig/notebook.d/demo.json": text})


@hostile("environment-file", HIGH)
def wheel_settings_nested_without_end() -> bytes:
    text = b'{"load_extensions": ' + b"[" * 60_000
    return make_wheel({f"{DATA}/etc/jupyter/nbconfig/notebook.d/demo.json": text})


@hostile("environment-file", HIGH)
def wheel_kernel_in_the_place_of_python() -> bytes:
    text = b'{"argv": ["python", "-m", "demo_pkg"], "display_name": "Python 3"}'
    return make_wheel({f"{DATA}/share/jupyter/kernels/python3/kernel.json": text})


@hostile("environment-file", HIGH)
def wheel_extension_in_the_place_of_the_widgets() -> bytes:
    folder = f"{DATA}/share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager"
    return make_wheel({f"{folder}/static/remoteEntry.js": b"evil"})


@hostile("environment-file", HIGH)
def wheel_kernel_that_runs_code() -> bytes:
    text = b'{"argv": ["python", "-c", "evil"], "display_name": "Python 3", "language": "python"}'
    return make_wheel({f"{DATA}/share/jupyter/kernels/demo/kernel.json": text})


@hostile("environment-file", HIGH)
def wheel_kernel_with_an_environment_of_its_own() -> bytes:
    text = b'{"argv": ["python", "-m", "demo_pkg"], "env": {"PYTHONSTARTUP": "evil"}}'
    return make_wheel({f"{DATA}/share/jupyter/kernels/demo/kernel.json": text})


@hostile("data-place", LOW)
def wheel_data_at_an_unknown_place() -> bytes:
    return make_wheel({f"{DATA}/share/elsewhere/a": b"a"})


@hostile("data-place", LOW)
def wheel_completion_for_another_program() -> bytes:
    return make_wheel({f"{DATA}/share/bash-completion/completions/cp": b"evil"})


@hostile("entry-points", MEDIUM)
def wheel_entry_points_behind_a_form_feed() -> bytes:
    """A new line for Python only."""
    return make_wheel({ENTRY_POINTS: b"[a]\nb = c:d\x0c[console_scripts]\x0caws = demo_pkg:main\n"})


@hostile("entry-points", MEDIUM)
def wheel_entry_points_behind_a_byte_order_mark() -> bytes:
    return make_wheel({ENTRY_POINTS: b"\xef\xbb\xbf[console_scripts]\nx = demo_pkg:main\n"})


@hostile("entry-points", MEDIUM)
def wheel_entry_points_under_a_spaced_header() -> bytes:
    return make_wheel({ENTRY_POINTS: b"[ Console_Scripts ]\nx = demo_pkg:main\n"})


@hostile("entry-points", MEDIUM)
def wheel_entry_points_of_two_megabytes() -> bytes:
    text = b"#" * 2_000_000 + b"\n[console_scripts]\naws = demo_pkg:main\n"
    return make_wheel({ENTRY_POINTS: text})


@hostile("entry-points", MEDIUM)
def wheel_entry_point_that_is_a_statement() -> bytes:
    return make_wheel({ENTRY_POINTS: b"[console_scripts]\nx = demo_pkg:main;import os\n"})


@hostile("entry-points", MEDIUM)
def wheel_entry_point_with_a_space_in_its_name() -> bytes:
    """pip makes a script of what stands behind the space."""
    return wheel_with_script("harmless pip")


@hostile("entry-points", MEDIUM)
def wheel_entry_point_without_a_function() -> bytes:
    return make_wheel({ENTRY_POINTS: b"[console_scripts]\nx = demo_pkg\n"})


@hostile("entry-points", MEDIUM)
def wheel_entry_points_with_a_line_that_is_none() -> bytes:
    return make_wheel({ENTRY_POINTS: b"[console_scripts]\nx = demo_pkg:main\nodd\n"})


@hostile("entry-points", MEDIUM)
def wheel_entry_points_of_one_group_at_two_places() -> bytes:
    """uv refuses it in the middle of the installation, pip takes both."""
    group = b"[console_scripts]\nx = demo_pkg:main\n"
    return make_wheel({ENTRY_POINTS: group + b"[a]\nb = c\n" + group.replace(b"x", b"y")})


@hostile("entry-points", MEDIUM)
def wheel_entry_point_on_an_indented_line() -> bytes:
    """A script for pip, the end of the line before it for uv."""
    return make_wheel({ENTRY_POINTS: b"[console_scripts]\nx = demo_pkg:a\n y = demo_pkg:b\n"})


@hostile("entry-points", MEDIUM)
def wheel_entry_point_named_twice() -> bytes:
    return make_wheel({ENTRY_POINTS: b"[console_scripts]\nx = demo_pkg:a\nx = demo_pkg:b\n"})


@hostile("wrong-format", HIGH, "demo.whl")
def wheel_of_no_valid_name() -> bytes:
    return make_wheel()


@hostile("wrong-format", HIGH)
def wheel_that_is_a_tar() -> bytes:
    return make_tar(tar_file(b"demo_pkg/__init__.py"))


@hostile("metadata-mismatch", HIGH, "demo-1.0.tar.gz")
def sdist_of_another_project() -> bytes:
    return gzip.compress(make_tar(tar_file(b"demo-1.0/PKG-INFO", METADATA)), mtime=0)


def make_sdist(files: Mapping[str, bytes]) -> bytes:
    """Make an sdist of `demo` with files below its one folder."""
    members = (tar_file(f"demo-1.0/{name}".encode(), data) for name, data in files.items())
    return gzip.compress(make_tar(*members), mtime=0)


def with_backend_path(text: str) -> bytes:
    """Make an sdist whose build backend lies in `tools`, named as `text`."""
    project = f"[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = {text}\n"
    return make_sdist({"pyproject.toml": project.encode(), "tools/backend.py": b"evil"})


@hostile("sdist-root", MEDIUM, "demo-1.0.tar.gz")
def sdist_of_two_folders() -> bytes:
    return gzip.compress(make_tar(tar_file(b"demo-1.0/a.py"), tar_file(b"evil/a.py")), mtime=0)


@hostile("sdist-root", MEDIUM, "demo-1.0.tar.gz")
def sdist_with_a_setup_beside_its_folder() -> bytes:
    return gzip.compress(make_tar(tar_file(b"demo-1.0/setup.py"), tar_file(b"setup.py")), mtime=0)


@hostile("sdist-layout", INFO, "demo-1.0.tar.gz")
def sdist_of_a_folder_of_another_name() -> bytes:
    return gzip.compress(make_tar(tar_file(b"demo/a.py")), mtime=0)


@hostile("bytecode", MEDIUM, "demo-1.0.tar.gz")
def sdist_with_bytecode_of_its_backend() -> bytes:
    return make_sdist({"backend.py": b"", "__pycache__/backend.cpython-311.pyc": b"evil"})


def declaring(text: str, **files: bytes) -> bytes:
    """Make an sdist whose `pyproject.toml` says `text` besides its name."""
    project = f"[project]\nname = 'demo'\nversion = '1.0'\n{text}\n".encode()
    return make_sdist({"pyproject.toml": project, "demo.py": b"", **files})


@hostile("entry-point-shadow", MEDIUM, "demo-1.0.tar.gz")
def sdist_that_declares_a_script_aws() -> bytes:
    return declaring("[project.scripts]\naws = 'demo:main'")


@hostile("entry-point-shadow", MEDIUM, "main.zip")
def source_archive_that_declares_a_script_pip_for_poetry() -> bytes:
    text = b"[tool.poetry]\nname = 'demo'\n[tool.poetry.scripts]\npip3 = 'demo:main'\n"
    return make_zip([Zipped(b"demo-main/pyproject.toml", text)])


@hostile("entry-point-shadow", MEDIUM, "demo-1.0.tar.gz")
def sdist_that_declares_a_script_git_in_its_setup() -> bytes:
    text = b"[options.entry_points]\nconsole_scripts =\n    ok = demo:main\n    git = demo:main\n"
    return make_sdist({"setup.cfg": text, "setup.py": b""})


@hostile("environment-file", HIGH, "demo-1.0.tar.gz")
def sdist_that_declares_data_for_ipython() -> bytes:
    text = "[tool.hatch.build.targets.wheel.shared-data]\n'conf' = 'etc/ipython'"
    return declaring(text, **{"conf/ipython_config.py": b"evil"})


@hostile("environment-file", HIGH, "demo-1.0.tar.gz")
def sdist_that_declares_data_by_a_way_round() -> bytes:
    text = "[tool.setuptools.data-files]\n'share/demo/../../lib/python3.11' = ['random.py']"
    return declaring(text, **{"random.py": b"evil"})


@hostile("environment-file", HIGH, "demo-1.0.tar.gz")
def sdist_that_declares_settings_of_jupyter() -> bytes:
    text = "[tool.flit.external-data]\ndirectory = 'data'"
    settings = b'{"ServerApp": {"token": ""}}'
    return declaring(text, **{"data/etc/jupyter/jupyter_server_config.d/demo.json": settings})


@hostile("environment-file", HIGH, "demo-1.0.tar.gz")
def sdist_that_declares_pip_conf_in_its_setup() -> bytes:
    return make_sdist({"setup.cfg": b"[options.data_files]\n. = pip.conf\n", "pip.conf": b"evil"})


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_that_declares_very_many_files() -> bytes:
    lines = "".join(f"'{number}' = 'share/demo/{number}'\n" for number in range(21_000))
    return declaring(f"[tool.hatch.build.targets.wheel.shared-data]\n{lines}")


@hostile("foreign-module", HIGH, "demo-1.0.tar.gz")
def sdist_with_boto3_in_its_sources() -> bytes:
    return make_sdist({"pyproject.toml": b"", "src/boto3/__init__.py": b"evil"})


@hostile("foreign-module", HIGH, "demo-1.0.tar.gz")
def sdist_with_pip_at_its_top() -> bytes:
    return make_sdist({"setup.py": b"", "pip/__init__.py": b"evil"})


@hostile("compiled-module", LOW, "demo-1.0.tar.gz")
def sdist_with_a_compiled_module_beside_its_source() -> bytes:
    """The library is what Python imports."""
    return make_sdist({"helper.py": b"", "helper.cpython-311-x86_64-linux-gnu.so": b"\x7fELF"})


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_with_a_project_of_two_megabytes() -> bytes:
    return make_sdist({"pyproject.toml": b"#" * 2_000_000})


@hostile("build-file", MEDIUM, "demo-1.0.zip")
def zip_with_a_setup_of_two_megabytes() -> bytes:
    return make_zip([Zipped(b"demo-1.0/setup.py", bytes(range(32, 127)) * 20_000)])


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_with_a_project_in_capitals() -> bytes:
    return make_sdist({"PyProject.TOML": b"[project]\n", "setup.py": b""})


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_with_a_project_that_is_no_toml() -> bytes:
    return make_sdist({"pyproject.toml": b"\xef\xbb\xbf[build-system]\n"})


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_with_a_project_nested_without_end() -> bytes:
    return make_sdist({"pyproject.toml": b"a = " + b"[" * 100_000})


@hostile("startup-module", MEDIUM)
def wheel_with_a_startup_module_in_a_folder_that_it_adds() -> bytes:
    return make_wheel({"demo.pth": b"demo/more\n", "demo/more/sitecustomize.py": b""})


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_build_requires_an_address() -> bytes:
    project = "[build-system]\nrequires = ['setuptools', 'own @ https://a.example/own.zip']\n"
    return make_sdist({"pyproject.toml": project.encode()})


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_build_uv_would_fetch_from_an_address() -> bytes:
    project = "[build-system]\nrequires = ['Set_Tools>=1']\n[tool.uv.sources]\n"
    source = "set-tools = {url = 'https://a.example/own.zip'}\n"
    return make_sdist({"pyproject.toml": (project + source).encode()})


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_backend_path_goes_round() -> bytes:
    return with_backend_path("['x/../tools']")


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_backend_path_has_dots() -> bytes:
    return with_backend_path("['./tools/.']")


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_backend_path_ends_with_a_slash() -> bytes:
    return with_backend_path("['tools/']")


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_backend_path_is_for_windows() -> bytes:
    return with_backend_path("['tools\\\\.']")


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_backend_path_is_absolute() -> bytes:
    return with_backend_path("['/tmp']")


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_backend_path_is_not_there() -> bytes:
    return with_backend_path("['Tools']")


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_backend_path_is_no_list() -> bytes:
    return with_backend_path("'tools'")


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_backend_is_a_statement() -> bytes:
    return make_sdist({"pyproject.toml": b"[build-system]\nbuild-backend = 'a:b;c'\n"})


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_project_is_a_link_to_a_bad_one() -> bytes:
    return gzip.compress(
        make_tar(
            tar_file(b"demo-1.0/a.txt", b"[build-system]\nbackend-path = ['..']\n"),
            tar_header(b"demo-1.0/pyproject.toml", kind=b"2", link=b"a.txt"),
        ),
        mtime=0,
    )


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_setup_requires_an_address() -> bytes:
    setup = (
        b"[options]\nsetup_requires =\n    numpy\n    # why\n    own @ git+https://a.example/own\n"
    )
    return make_sdist({"setup.cfg": setup, "setup.py": b""})


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_setup_requires_an_address_by_a_dash() -> bytes:
    setup = b"[options]\nSetup-Requires = own @ https://a.example/own.zip\n"
    return make_sdist({"setup.cfg": setup, "setup.py": b""})


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_setup_has_lines_of_a_mac() -> bytes:
    setup = b"[options]\rsetup_requires =\r  own @ https://a.example/own.zip\r"
    return make_sdist({"setup.cfg": setup, "setup.py": b""})


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_setup_requires_an_address_of_all_sections() -> bytes:
    setup = b"[DEFAULT]\nsetup_requires = own @ https://a.example/own.zip\n[global]\n"
    return make_sdist({"setup.cfg": setup, "setup.py": b""})


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_build_requires_what_uv_takes_from_its_own_wheels() -> bytes:
    project = (
        b'[build-system]\nrequires = ["own"]\n[tool.uv.sources]\nown = {path = "wheels/own.whl"}\n'
    )
    return make_sdist({"pyproject.toml": project, "wheels/own.whl": b"PK"})


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_setup_fetches_from_an_index_of_its_own() -> bytes:
    setup = b"[options]\nsetup_requires = own\n[easy_install]\nindex-url = https://a.example/\n"
    return make_sdist({"setup.cfg": setup, "setup.py": b""})


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_hook_requires_an_address() -> bytes:
    return declaring(
        "[tool.hatch.build.targets.wheel.hooks.own]\ndependencies = ['own @ https://a.example/o.zip']"
    )


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_hatch_toml_requires_an_address() -> bytes:
    hatch = b"[build.hooks.own]\ndependencies = ['own@file:///tmp/own']\n"
    return make_sdist({"pyproject.toml": b"", "hatch.toml": hatch})


@hostile("build-file", MEDIUM, "demo-1.0.tar.gz")
def sdist_whose_hatch_toml_is_no_toml() -> bytes:
    return make_sdist({"pyproject.toml": b"", "hatch.toml": b"[build\n"})


@hostile("foreign-module", HIGH, "demo-1.0.tar.gz")
def sdist_with_a_popular_project_in_its_sources() -> bytes:
    return make_sdist(
        {
            "PKG-INFO": b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
            "setup.py": b"",
            "src/wcwidth/__init__.py": b"evil",
        }
    )
