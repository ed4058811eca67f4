"""The files that come with the program: where they are, in a checkout and when installed."""

from importlib import resources
from pathlib import Path


def packaged(name: str) -> Path:
    """Give the path of something that comes with the program.

    Args:
        name: below the folder `package_gate`, such as `data/scan-policy.toml`; "" for the folder.
    """
    return Path(str(resources.files("package_gate").joinpath(name)))
