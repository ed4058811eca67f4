"""Names of popular projects.

GuardDog ships them: 15,000, the most downloaded first. Its data is read, none of its code is run.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name

_POPULAR = Path("analyzer", "metadata", "resources", "top_pypi_packages.json")


class _Popular(msgspec.Struct):
    packages: list[str]


@lru_cache(maxsize=1)
def popular_names() -> dict[str, int]:
    """Give the normalised names of popular projects with their rank, 0 for the most downloaded;
    empty when GuardDog's data can't be read."""
    spec = find_spec("guarddog")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        try:
            data = (Path(folder) / _POPULAR).read_bytes()
            names = msgspec.json.decode(data, type=_Popular).packages
        except (OSError, msgspec.MsgspecError):
            continue
        return {canonicalize_name(name): rank for rank, name in reversed(list(enumerate(names)))}
    return {}
