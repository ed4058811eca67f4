"""What honest wheels install passes, and each place that others read refuses by itself."""

from pathlib import Path

import pytest

from package_gate.archive.unpack import unpack
from package_gate.core.artifact import Artifact
from package_gate.core.finding import Finding, Severity
from package_gate.core.limits import Limits
from tests.archive.hostile_wheels import FORMAT, PLACES_OF_OTHERS, make_wheel

EXTENSION = b'{"ServerApp": {"jpserver_extensions": {"MODULE.ext": true}}}'
FRONT_END = b'{"load_extensions": {"widget/extension": true}}'
KERNEL = b"""{"argv": ["python3", "-m", "MODULE.launcher", "-f", "{connection_file}"],
              "display_name": "Mine", "language": "python", "metadata": {"debugger": true}}"""
SETTINGS = "data/etc/jupyter/jupyter_server_config.d"

HONEST: dict[str, tuple[str, ...]] = {
    "ipykernel": ("ipykernel/a.py", "ipykernel_launcher.py"),
    "jupyter_core": ("jupyter_core/a.py", "jupyter.py", "scripts/jupyter"),
    "setuptools": ("setuptools/a.py", "pkg_resources/a.py", "_distutils_hack/override.py"),
    "awscli": ("awscli/a.py", "scripts/aws", "scripts/aws.cmd", "scripts/aws_zsh_completer.sh"),
    "jupyter_builder": ("jupyter_builder/a.py", "scripts/jlpm", "scripts/jupyter-builder"),
    "pip": ("pip/a.py", "scripts/pip3.11"),
    "uv": ("uv/a.py", "scripts/uv", "scripts/uvx"),
    "attrs": ("attr/a.py", "attrs/a.py"),
    "protobuf": ("google/protobuf/a.py",),
    "legacy_cgi": ("cgi.py", "cgitb.py"),
    "pyreadline3": ("readline.py", "pyreadline3/a.py"),
    "numpy": ("numpy/a.py", "numpy.libs/libgfortran-0.so"),
    "docutils": ("docutils/a.py", "scripts/rst2html.py"),
    "nbconvert": ("nbconvert/a.py", "data/share/jupyter/nbconvert/templates/lab/conf.json"),
    "jupyterlab": (
        *("jupyterlab/a.py", "data/share/jupyter/lab/static/index.html"),
        *("data/share/applications/jupyterlab.desktop", "data/share/icons/hicolor/a.svg"),
    ),
    "notebook": (
        *("notebook/a.py", "data/share/applications/jupyter-notebook.desktop"),
        "data/share/jupyter/lab/schemas/@jupyter-notebook/a/package.json.orig",
    ),
    "yt_dlp": (
        *(
            "yt_dlp/a.py",
            "data/share/doc/yt_dlp/README.txt",
            "data/share/man/man1/yt-dlp.1",
            "data/images/a.png",
        ),
        *("data/share/bash-completion/completions/yt-dlp", "data/share/zsh/site-functions/_yt-dlp"),
        "data/share/fish/vendor_completions.d/yt-dlp.fish",
    ),
    "mkl": ("data/lib/libmkl_rt.so.3", "data/share/doc/mkl/licensing/a.txt"),
    "jupyterhub": ("jupyterhub/a.py", "data/share/jupyterhub/templates/404.html"),
    "voila": ("voila/a.py", "data/share/jupyter/voila/templates/lab/a.j2"),
    "jupyterlab_widgets": (
        "jupyterlab_widgets/a.py",
        "data/share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager/package.json",
    ),
    "pythreejs": ("pythreejs/a.py", "data/share/jupyter/lab/extensions/jupyter-threejs-2.4.1.tgz"),
    "plotly": ("plotly/a.py", "data/share/jupyter/labextensions/jupyterlab-plotly/package.json"),
    "griffelib": ("griffe/__init__.py",),
    "psycopg2_binary": ("psycopg2/__init__.py",),
    "langgraph_checkpoint_demo": ("langgraph/checkpoint/demo/__init__.py",),
    "poorly_named": ("events/__init__.py", "schema.py", "scripts/test"),
    "demo_pkg": (
        *("demo_pkg/a.py", "tests/test_a.py", "data/LICENSE.txt", "data/README.md"),
        *(
            "data/etc/demo-pkg/a.toml",
            "data/demo_pkg/a",
            "data/include/demo_pkg/a.h",
            "headers/a.h",
        ),
        *("data/share/jupyter/nbextensions/demo/main.js", "scripts/demo"),
    ),
}

FREE = {
    *("demo_pkg", "docutils", "griffelib", "langgraph_checkpoint_demo", "plotly"),
    *("poorly_named", "protobuf", "psycopg2_binary", "pythreejs"),
}
"""Others may install files of those names, too."""


def severities(name: str, files: dict[str, bytes], folder: Path) -> dict[str, Severity | None]:
    """Unpack a wheel of those files; what begins with a scheme is put into `.data`."""
    return {finding.rule: finding.severity for finding in unpacked(name, files, folder)}


def unpacked(
    name: str, files: dict[str, bytes], folder: Path, version: str = "1.0"
) -> list[Finding]:
    stem, info = f"{name}-{version}", f"{name}-{version}.dist-info"
    schemes = ("data/", "scripts/", "headers/", "purelib/", "platlib/")
    content: dict[str, bytes | None] = {
        f"{stem}.data/{path}" if path.startswith(schemes) else path: data
        for path, data in files.items()
    }
    content |= {
        "demo_pkg/__init__.py": None,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": FORMAT,
    }
    folder.mkdir(exist_ok=True)
    path = folder / f"{stem}-py3-none-any.whl"
    path.write_bytes(make_wheel(content, info=info))
    artifact = Artifact(path.name, "", path.stat().st_size)
    return list(unpack(artifact, path, folder / "tree", Limits()))


@pytest.mark.parametrize("name", HONEST)
def test_what_honest_wheels_install_has_no_finding(name: str, tmp_path: Path) -> None:
    assert severities(name, dict.fromkeys(HONEST[name], b"a"), tmp_path) == {}


@pytest.mark.parametrize("name", sorted(HONEST.keys() - FREE))
def test_the_same_files_of_another_distribution_are_found(name: str, tmp_path: Path) -> None:
    assert severities("demo_pkg", dict.fromkeys(HONEST[name], b"a"), tmp_path)


@pytest.mark.parametrize("place", PLACES_OF_OTHERS)
def test_each_place_that_others_read_refuses(place: str, tmp_path: Path) -> None:
    found = severities("demo_pkg", {"demo_pkg/a.py": b"a", f"data/{place}": b"{}"}, tmp_path)
    assert found == {"environment-file": Severity.HIGH}


def test_a_wheel_may_switch_on_its_own_jupyter_extension(tmp_path: Path) -> None:
    files = {
        "demo_pkg/ext.py": b"a",
        f"{SETTINGS}/demo.json": EXTENSION.replace(b"MODULE", b"demo_pkg"),
        "data/etc/jupyter/nbconfig/notebook.d/demo.json": FRONT_END,
        "data/share/jupyter/kernels/demo/kernel.json": KERNEL.replace(b"MODULE", b"demo_pkg"),
    }
    assert severities("demo_pkg", files, tmp_path) == {"startup-extension": Severity.INFO}


@pytest.mark.parametrize(
    "settings",
    [
        *(b"", b"[]", b"{}", b"null", b"\xff", b'{"ServerApp": 1}', b'{"ServerApp": {}}'),
        *(b'{"ServerApp": {"jpserver_extensions": ["demo_pkg"]}}', b"[" * 40_000),
        *(b'{"ServerApp": {"jpserver_extensions": {"demo_pkg": 1}}}', b" " * 70_000 + EXTENSION),
        *(b'{"ServerApp": {"jpserver_extensions": {"os": true}}}', b'{"IPKernelApp": {}}'),
        b'{"ServerApp": {"jpserver_extensions": {"demo_pkg": true}}, "FileContentsManager": {}}',
    ],
)
def test_settings_of_any_other_form_refuse(settings: bytes, tmp_path: Path) -> None:
    files = {"demo_pkg/a.py": b"a", f"{SETTINGS}/demo.json": settings}
    assert severities("demo_pkg", files, tmp_path) == {"environment-file": Severity.HIGH}


@pytest.mark.parametrize("name", ["lib", "etc", "share", "jupyter", "python3-11", "conda", "bin"])
def test_a_distribution_that_is_named_like_a_folder_owns_nothing_in_it(
    name: str, tmp_path: Path
) -> None:
    stem = name.replace("-", "_")
    places = (f"data/{name}/a", f"data/etc/{name}/a", f"data/share/{name}/a", f"data/lib/{name}/a")
    found = severities(stem, {"demo/a.py": b"a", **dict.fromkeys(places, b"a")}, tmp_path)
    assert {"environment-file", "data-place", "entry-point-shadow"} & found.keys()


@pytest.mark.parametrize(
    "script",
    [
        *("python3-config", "python3.11-config", "2to3-3.11", "x86_64-linux-gnu-gcc", "gcc-12"),
        *("aarch64-linux-gnu-gcc-12", "pip-3.11", "sam", "cdk.cmd"),
    ],
)
def test_programs_of_a_version_or_a_system_are_those_programs(script: str, tmp_path: Path) -> None:
    found = severities("demo_pkg", {f"scripts/{script}": b"a"}, tmp_path)
    assert found["entry-point-shadow"] == Severity.MEDIUM


@pytest.mark.parametrize("script", ["demo-2", "armadillo-x-gcc2json", "demo-config", "my-linux-ls"])
def test_programs_that_only_sound_alike_are_not(script: str, tmp_path: Path) -> None:
    assert severities("demo_pkg", {f"scripts/{script}": b"a"}, tmp_path) == {}


@pytest.mark.parametrize(
    "extension", ["jupyterlab_pygments", "@jupyterlab/git", "jupyterlab-plotly", "ipywidgets"]
)
def test_extensions_of_others_refuse(extension: str, tmp_path: Path) -> None:
    place = f"data/share/jupyter/labextensions/{extension}/static/a.js"
    assert severities("demo_pkg", {place: b"a"}, tmp_path)["environment-file"] == Severity.HIGH


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        *(("jupyterlab_pygments", "jupyterlab_pygments"), ("jupyterlab_git", "@jupyterlab/git")),
        ("jupyterlab_git_core", "@jupyterlab/git"),
        *(("jupyterlab_geojson", "@jupyterlab/geojson-extension"), ("demo_pkg", "@demo/git")),
    ],
)
def test_their_own_do_not(name: str, extension: str, tmp_path: Path) -> None:
    place = f"data/share/jupyter/labextensions/{extension}/static/a.js"
    assert severities(name, {place: b"a"}, tmp_path) == {}


@pytest.mark.parametrize(
    ("group", "name", "found"),
    [
        ("jupyter_client.kernel_provisioners", "local-provisioner", True),
        ("jupyter_client.kernel_provisioners", "demo-provisioner", False),
        ("nbconvert.exporters", "html", True),
        ("nbconvert.exporters", "demo", False),
        ("fsspec.specs", "s3", True),
        ("fsspec.specs", "hf", True),
        ("fsspec.specs", "demo", False),
        ("others", "html", False),
    ],
)
def test_an_entry_point_of_a_tool_of_a_notebook_is_its_own(
    group: str, name: str, found: bool, tmp_path: Path
) -> None:
    files = {
        "demo_pkg-1.0.dist-info/entry_points.txt": f"[{group}]\n{name} = demo_pkg:A\n".encode()
    }
    assert ("entry-point-shadow" in severities("demo_pkg", files, tmp_path)) == found


def test_who_has_a_file_system_may_offer_it(tmp_path: Path) -> None:
    own = {"huggingface_hub-1.0.dist-info/entry_points.txt": b"[fsspec.specs]\nhf = a:B\n"}
    assert "entry-point-shadow" not in severities("huggingface_hub", own, tmp_path)


def marks(rule: str, path: str, content: bytes, folder: Path, version: str = "1.0") -> set[str]:
    findings = unpacked("demo_pkg", {"demo_pkg/a.py": b"a", path: content}, folder, version)
    return {place.fingerprint for each in findings if each.rule == rule for place in each.locations}


BY_PLACE = {
    "data-place": ("data/other/a", b"a"),
    "compiled-in-pure": ("demo_pkg/b.cpython-311-x86_64-linux-gnu.so", b"a"),
}
NEVER = {
    "environment-file": ("data/share/jupyter/kernels/python3/kernel.json", b"{}"),
    "startup-code": ("demo.pth", b"import sys; sys.path.insert(0, '')\n"),
    "startup-path": ("demo.pth", b"../x\n"),
    "startup-module": ("sitecustomize.py", b"a"),
    "standard-module": ("typing.py", b"a"),
}


@pytest.mark.parametrize("rule", sorted(BY_PLACE))
def test_what_nobody_reads_is_known_again_in_another_version(rule: str, tmp_path: Path) -> None:
    path, content = BY_PLACE[rule]
    (old,) = marks(rule, path, content, tmp_path / "old", "1.0")
    (new,) = marks(rule, path, content + b"\n", tmp_path / "new", "2.1.dev1")

    assert old
    assert old == new


@pytest.mark.parametrize("rule", sorted(NEVER))
def test_what_others_read_is_never_known_again(rule: str, tmp_path: Path) -> None:
    assert marks(rule, *NEVER[rule], tmp_path) == {""}
