"""Checks an sdist's layout: one folder NAME-VERSION with a PKG-INFO that agrees (PEP 625, 643)."""

from packaging.utils import InvalidSdistFilename, NormalizedName, parse_sdist_filename
from packaging.version import Version

from package_gate.archive.build_files import check_build_files
from package_gate.archive.metadata import check_identity, same_name, same_version
from package_gate.archive.placing import Placer


def check_sdist(filename: str, placer: Placer) -> None:
    """Compare an sdist's content with its file name, and look at what its build would take.

    Other archives have no name that must agree, but may be built as well.
    """
    try:
        name, version = parse_sdist_filename(filename)
    except InvalidSdistFilename:
        check_build_files(placer, "")
    else:
        _check_layout(placer, name, version)
        check_build_files(placer, name)


def _check_layout(placer: Placer, name: NormalizedName, version: Version) -> None:
    top = sorted(placer.top_level())
    for folder in top:
        check_identity(placer, f"{folder}/PKG-INFO", name, version)
    if len(top) > 1:
        placer.add("sdist-root", detail=f"{len(top)}, first {top[0]}")
        return
    written, _, number = top[0].rpartition("-") if top else ("", "", "")
    if not same_name(written, name) or not same_version(number, version):
        placer.add("sdist-layout", detail=f"it has {top[0] if top else 'nothing'}")
