"""Importing one part of a library without the rest of it."""

import importlib.util
import sys


def skip_package_init(package: str) -> None:
    """Let modules inside a top-level package be imported without running its `__init__.py`.

    Only for worker processes: whoever imports `package` itself afterwards finds it empty.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    if package in sys.modules:
        return
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"{package} is not installed", name=package)
    sys.modules[package] = importlib.util.module_from_spec(spec)
