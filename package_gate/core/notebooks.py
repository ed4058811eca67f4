"""The notebooks that a policy names, as people read several of them."""

from collections.abc import Iterable

from packaging.version import Version

from package_gate.core.text import one_line


def marker(targets: Iterable[str], others: Iterable[str]) -> str:
    """Give the environment marker (PEP 508) that is true in these notebooks and not in others.

    Args:
        targets: each as `Python VERSION on PLATFORM`.
        others: the same; "" is given where one of them is among the targets.
    """
    ours, theirs = ({_told(each) for each in several} for several in (targets, others))
    if not ours or ours & theirs:
        return ""
    pythons = sorted({python for python, _ in ours}, key=Version)
    if not {python for python, _ in theirs} & {*pythons}:
        return " or ".join(f'python_version == "{python}"' for python in pythons)
    return " or ".join(
        f'(python_version == "{python}" and platform_machine == "{machine}")'
        for python, machine in sorted(ours)
    )


def _told(target: str) -> tuple[str, str]:
    """Give the version and the machine of a notebook."""
    version, _, platform = target.partition(" on ")
    return version.removeprefix("Python "), platform.partition("-")[0]


def notebooks(targets: Iterable[str]) -> str:
    """Name several together: `Python 3.11 / 3.12 on x86_64-manylinux_2_28`.

    Args:
        targets: each as `Python VERSION on PLATFORM`.
    """
    versions: dict[str, list[str]] = {}
    for target in targets:
        version, _, platform = target.partition(" on ")
        versions.setdefault(platform, []).append(version.removeprefix("Python "))
    return one_line(
        " and ".join(
            f"Python {' / '.join(each)}{f' on {platform}' if platform else ''}"
            for platform, each in versions.items()
        ),
        500,
    )
