"""Why a requirement can't be resolved, in plain words, and what to do next."""

from packaging.requirements import Requirement

from package_gate.sources.pypi.index import Project
from package_gate.sources.pypi.names import similar_names
from package_gate.sources.pypi.uv import PythonTarget, Reason, ResolutionFailure

_WORDS = {
    Reason.NO_VERSION: "{package} has no release that fits {requirement}{newest}; ask for one that "
    "exists",
    Reason.ONLY_SDIST: "{package} has only sdists that can't be used without building them; ask "
    "for a release that has wheels for {target}",
    Reason.NO_WHEEL_FOR_TARGET: "{package} has no wheel for {target}; ask for a release that has "
    "one{newest}, or for this target to be taken out of the policy",
    Reason.OTHER_PYTHON: "{package} needs another version of Python than {target}; ask for an "
    "older or newer release{newest}",
    Reason.YANKED: "the release of {package} was yanked by its authors; ask for another "
    "one{newest}",
    Reason.ADDRESS: "a dependency of {requirement}, {package}, is an address instead of a release "
    "in an index; ask for another version",
    Reason.CONFLICT: "the requirements of {requirement} and its dependencies contradict each "
    "other; ask for another version",
    Reason.DENIED: "the package index wants other credentials; fix those in uv's configuration",
    Reason.UNREACHABLE: "the package index can't be reached; check the network, the proxy, the "
    "certificates and UV_DEFAULT_INDEX; the next run tries again",
    Reason.BAD_ANSWER: "the package index's answer can't be read; is UV_DEFAULT_INDEX the address "
    "of a simple API (PEP 503 or 691)?",
    Reason.TIMEOUT: "resolving {requirement} takes too long; ask for an exact version, or check "
    "the package index; the next run tries again",
    Reason.CONFIGURATION: "uv can't use its configuration, or a Python version or platform of the "
    "policy's targets; fix what it names",
    Reason.UNKNOWN: "{requirement} can't be resolved; the next run tries again",
}

LASTING = frozenset(
    {
        Reason.NO_PACKAGE,
        Reason.NO_VERSION,
        Reason.ONLY_SDIST,
        Reason.NO_WHEEL_FOR_TARGET,
        Reason.OTHER_PYTHON,
        Reason.YANKED,
        Reason.ADDRESS,
        Reason.CONFLICT,
    }
)
"""What is so for a target and will be so tomorrow; the rest may pass."""


def explain(
    requirement: Requirement,
    target: PythonTarget,
    failure: ResolutionFailure,
    project: Project | None,
) -> str:
    """Say what happened and what to do next.

    `project` is what the index says of `failure.package`, or of the requested package.
    """
    said = _sentence(requirement, target, failure, project)
    if failure.reason is Reason.NO_PACKAGE and failure.package in ("", requirement.name):
        return said  # there is nothing more to it
    return f"{said} ({failure.said_by}: {failure.words})"


def _local_version(requirement: Requirement) -> tuple[str, str] | None:
    """Give a pinned version and its local part, such as `cu118`, when it has one (PEP 440)."""
    for each in requirement.specifier:
        version, plus, local = each.version.partition("+")
        if plus and each.operator in ("==", "==="):
            return f"{version}+{local}", local
    return None


def _sentence(
    requirement: Requirement,
    target: PythonTarget,
    failure: ResolutionFailure,
    project: Project | None,
) -> str:
    package = failure.package or requirement.name
    if failure.reason is Reason.NO_PACKAGE:
        if package != requirement.name:
            return f"the index has no package {package}, which {requirement} depends on"
        near = similar_names(package)
        if near:
            meant = " or ".join(near)
            return f"there is no {package}; did you mean {meant}? Then ask for pypi:{near[0]}"
        return (
            f"there is no {package}; check the spelling: it must be the name that pip installs, "
            "which may differ from the name that Python imports"
        )
    if failure.reason is Reason.NO_VERSION and (local := _local_version(requirement)):
        return (
            f"no index has {requirement.name} {local[0]}: builds such as +{local[1]} stand in an "
            "index of the project's own, for example PyTorch's. Have that index configured for "
            "the gate (UV_INDEX), ask for the wheel by its https:// address there, or for "
            f"pypi:{requirement.name}=={local[0].partition('+')[0]}, which is built for the "
            "project's default"
        )
    releases = project.releases() if project else ()
    versions = [str(each.version) for each in releases if not each.version.is_prerelease]
    return _WORDS[failure.reason].format(
        package=package,
        requirement=requirement,
        target=target,
        newest=f" (the newest are {', '.join(versions[:3])})" if versions else "",
    )
