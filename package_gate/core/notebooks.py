"""The notebooks that a policy names, as people read several of them."""

from collections.abc import Iterable

from package_gate.core.text import one_line


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
