"""Where a wheel may put files of its `.data/data` folder, which is spread over the environment.

An environment has places that other programs read without being asked: `pip.conf`, Python's own
library, IPython's and Jupyter's configuration, a shell's start. So this is a list of what may be
there, taken from what honest wheels have: documentation, icons, what Jupyter shows in a browser,
switches for a wheel's own Jupyter extension, and folders of the wheel's own name.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name

from package_gate.archive.owners import is_foreign_extension

MAX_SETTINGS = 64 * 1024
"""Bytes of a settings file that is read."""

_FOR_ALL = re.compile(
    r"share/(man|doc|docs|info|licen[cs]es|icons|pixmaps|locale|metainfo|appdata)/.+"
    r"|man/man\d\w*/[^/]+"
    r"|[^/]+\.(md|rst|txt|pxd|pyx|h|hpp|c|cc|cpp|png|svg|jpe?g|pdf)"
    r"|(docs?|examples?|images?|licen[cs]es)/.+"
    r"|(README|LICEN[CS]E|COPYING|NOTICE|AUTHORS|CHANGE(S|LOG)|HISTORY|NEWS|CONTRIBUTING|TODO)"
    r"[\w-]*(\.(md|rst|txt))?"
    r"|requirements[\w-]*\.txt",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"share/applications/(?P<desktop>[^/]+)\.desktop"
    r"|(share/bash-completion/completions|etc/bash_completion\.d)/(?P<bash>[^/]+?)(\.(ba)?sh)?"
    r"|share/zsh/(site-functions|vendor-completions)/_(?P<zsh>[^/]+)"
    r"|share/fish/(vendor_)?completions(\.d)?/(?P<fish>[^/]+)\.fish"
    r"|(share|lib)/pkgconfig/(?P<pkgconfig>[^/]+)\.pc"
    r"|include/(?P<header>[^/]+)\.(h|hpp)"
    r"|lib/lib(?P<archive>[^/]+)\.a"
    r"|share/mime/packages/(?P<mime>[^/]+)\.xml"
    r"|(share/jupyter/|share/cmake/|lib/cmake/|share/|etc/|include/)?(?P<folder>[^/]+)/.+"
)
"""What may be there under the distribution's own name."""
_SETTINGS = re.compile(r"etc/jupyter/jupyter_(server|notebook)_config\.d/[^/]+\.json")
_FRONT_END = re.compile(r"etc/jupyter/nbconfig/(common|edit|notebook|terminal|tree)\.d/[^/]+\.json")
_KERNEL = re.compile(r"share/jupyter/kernels/(?P<kernel>[^/]+)/(?P<file>[^/]+)")
_EXTENSION = re.compile(r"share/jupyter/(lab|nb)extensions/(?P<extension>@[^/]+/[^/]+|[^/]+)/.+")
_OLD_EXTENSION = re.compile(r"share/jupyter/lab/extensions/[^/]+\.tgz")
"""What JupyterLab before 3 has built into its page, and later ones when they are told to build."""
_TEMPLATES = re.compile(r"share/jupyter/nbconvert/templates/(?P<template>[^/]+)/.+")
_CORE_TEMPLATES = (
    *("asciidoc", "base", "basic", "classic", "compatibility", "lab", "latex", "markdown"),
    *("python", "qtpdf", "reveal", "rst", "script", "webpdf"),
)
_READ_BY_OTHERS = re.compile(
    r"(pyvenv\.cfg|[^/]*pip\.(conf|ini)|\.?condarc|\.?netrc|\.?pypirc|uv\.toml|sitecustomize.*)$"
    r"|(lib|lib64|dlls|conda-meta|condabin|ssl|library|scripts|bin|sbin|libexec)/"
    r"|etc/(ipython|jupyter|conda|profile|pip|ssl|ld\.|xdg|sudoers|cron|systemd|ssh|environment)"
    r"|share/(jupyter|ipython)/",
    re.IGNORECASE,
)

_FOLDERS_OF_ALL = frozenset(
    {"bin", "conda-meta", "condabin", "dlls", "envs", "etc", "include", "lib", "lib32", "lib64"}
    | {"libexec", "library", "opt", "pkgs", "sbin", "scripts", "share", "site-packages", "srv"}
    | {"ssl", "tcl", "tmp", "usr", "var", "home", "root", "dev", "proc", "run", "python"}
    # Below etc/ and share/
    | {"alternatives", "applications", "autostart", "cmake", "cron-d", "fonts", "ipython"}
    | {"jupyter", "ld-so-conf-d", "pip", "pkgconfig", "profile-d", "ssh", "systemd", "terminfo"}
    | {"conda", "xdg", "xonsh", "zsh", "fish", "bash", "bash-completion", "environment-d"}
    # Below share/jupyter/
    | {"config", "kernels", "lab", "labextensions", "nbconvert", "nbextensions", "runtime"}
)
"""Folders that are no distribution's own, whatever it is named."""
_PYTHON = re.compile(r"python[0-9-]*")

_MAY_REPLACE = {
    "ipykernel": re.compile(r"share/jupyter/kernels/python3/.+"),
    "ipython": re.compile(r"etc/ipython/.+"),
    "jupyterlab": re.compile(r"share/jupyter/lab/(static|schemas|themes)/.+"),
    "nbconvert": re.compile(r"share/jupyter/nbconvert/templates/.+"),
    "notebook": re.compile(r"share/jupyter/lab/schemas/@jupyter-notebook/.+"),
}
"""Places of Jupyter that belong to one distribution."""
_LIBRARIES = re.compile(r"(lib/(?!python|site-packages)|opt/|include/|env/|etc/OpenCL/|bin/).+")
_OF_INTEL = frozenset(
    {"ccl", "ccl-devel", "daal", "daal-devel", "daal-include", "daal-static", "dal", "dal-devel"}
    | {"dal-include", "dal-static", "dpcpp-cpp-rt", "impi-devel", "impi-rt", "intel-cmplr-lib-rt"}
    | {"intel-cmplr-lib-ur", "intel-cmplr-lic-rt", "intel-fortran-rt", "intel-opencl-rt"}
    | {"intel-openmp", "intel-pti", "intel-sycl-rt", "ipp", "ipp-devel", "ipp-include", "mkl"}
    | {"mkl-devel", "mkl-dpcpp", "mkl-include", "mkl-static", "oneccl", "oneccl-devel", "onedal"}
    | {"onemkl-license", "onemkl-sycl-blas", "onemkl-sycl-datafitting", "onemkl-sycl-dft"}
    | {"onemkl-sycl-lapack", "onemkl-sycl-rng", "onemkl-sycl-sparse", "onemkl-sycl-stats"}
    | {"onemkl-sycl-vm", "tbb", "tbb-devel", "tcmlib", "umf"}
)
"""These put shared libraries into the environment's `lib`, where others of Intel look for them."""


@dataclass(frozen=True, slots=True)
class Own:
    """What is a wheel's own."""

    name: str
    """The distribution's normalised name."""
    modules: frozenset[str]
    """Its top-level modules."""


def judge_place(path: str, own: Own) -> str:
    """Say which rule a file breaks that lands at `path` in the environment; "" for none.

    Settings and kernels are allowed by their place here: `judge_settings` looks into them.
    """
    replaced = _MAY_REPLACE.get(own.name)
    if replaced and replaced.fullmatch(path):
        return ""
    kernel, template = _KERNEL.fullmatch(path), _TEMPLATES.fullmatch(path)
    extension = _EXTENSION.fullmatch(path)
    allowed = (
        _FOR_ALL.fullmatch(path)
        or _SETTINGS.fullmatch(path)
        or _FRONT_END.fullmatch(path)
        or _OLD_EXTENSION.fullmatch(path)
        or (extension and not is_foreign_extension(extension["extension"], own.name))
        or (kernel and kernel["kernel"].lower() != "python3")
        or (template and template["template"].lower() not in _CORE_TEMPLATES)
        or (own.name in _OF_INTEL and _LIBRARIES.fullmatch(path))
        or _is_own(path, own)
    )
    if allowed:
        return ""
    return "environment-file" if _READ_BY_OTHERS.match(path) else "data-place"


def _is_own(path: str, own: Own) -> bool:
    """Whether the part of the path that makes it somebody's is the distribution's own name."""
    match = _OWN.fullmatch(path)
    if not match:
        return False
    stem = canonicalize_name(next(filter(None, match.groupdict().values())))
    shared = stem in _FOLDERS_OF_ALL or _PYTHON.fullmatch(stem)
    return stem in (own.name, f"jupyter-{own.name}") and not shared


def is_settings(path: str) -> bool:
    """Whether Jupyter reads the file as settings, or starts the program that it names."""
    kernel = _KERNEL.fullmatch(path)
    return bool(
        _SETTINGS.fullmatch(path)
        or _FRONT_END.fullmatch(path)
        or (kernel and kernel["file"].lower() == "kernel.json")
    )


def judge_settings(path: str, content: bytes, own: Own) -> str:
    """Say what a settings file does besides switching on the wheel's own extension; "" for nothing.

    Jupyter's settings may turn its password off or name the program that it starts, so only three
    forms pass: `{"ServerApp": {"jpserver_extensions": {MODULE: true}}}` with a module of the wheel,
    `{"load_extensions": {NAME: true}}`, and a kernel that is `python -m MODULE`.
    """
    if len(content) > MAX_SETTINGS:
        return "it is too large"
    try:
        settings = json.loads(content.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return "it is no plain JSON"
    if _SETTINGS.fullmatch(path):
        fine = _switches_on(settings, own)
    elif _FRONT_END.fullmatch(path):
        fine = _is_object(settings, {"load_extensions"}) and _are_true(settings["load_extensions"])
    else:
        fine = _is_plain_kernel(settings, own)
    return "" if fine else "it does more than switch on what the wheel brings"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _is_object(value: object, keys: set[str]) -> bool:
    return isinstance(value, dict) and value.keys() <= keys and bool(value)


def _are_true(value: object) -> bool:
    return isinstance(value, dict) and all(each is True for each in value.values())


def _switches_on(settings: Any, own: Own) -> bool:
    if not _is_object(settings, {"ServerApp", "NotebookApp"}):
        return False
    for section in settings.values():
        if not _is_object(section, {"jpserver_extensions", "nbserver_extensions"}):
            return False
        for modules in section.values():
            if not _are_true(modules) or any(not _is_of_own(module, own) for module in modules):
                return False
    return True


def _is_plain_kernel(kernel: Any, own: Own) -> bool:
    keys = {"argv", "display_name", "interrupt_mode", "kernel_protocol_version", "language"}
    if not _is_object(kernel, keys | {"metadata"}):
        return False
    arguments, metadata = kernel.get("argv"), kernel.get("metadata", {})
    return (
        isinstance(arguments, list)
        and len(arguments) >= 3
        and all(isinstance(argument, str) for argument in arguments)
        and re.fullmatch(r"python[0-9.]*", arguments[0]) is not None
        and arguments[1] == "-m"
        and _is_of_own(arguments[2], own)
        and isinstance(metadata, dict)
        and "kernel_provisioner" not in metadata
    )


def _is_of_own(module: str, own: Own) -> bool:
    return module.partition(".")[0] in own.modules
