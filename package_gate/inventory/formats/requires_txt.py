"""Setuptools' `*.egg-info/requires.txt`, in which sdists of before PEP 643 declare dependencies.

https://setuptools.pypa.io/en/latest/deprecated/python_eggs.html#requires-txt.
"""

from collections.abc import Iterator


def read_requires_txt(data: bytes) -> Iterator[str]:
    """Give its lines as `Requires-Dist` would say them.

    Sections are `[EXTRA]`, `[:MARKER]` or `[EXTRA:MARKER]`.
    """
    markers: list[str] = []
    for line in map(str.strip, data.decode("utf-8", "replace").splitlines()):
        if line.startswith("[") and line.endswith("]"):
            extra, _, marker = line[1:-1].partition(":")
            markers = [f"({marker})"] if marker else []
            markers += [f'extra == "{extra}"'] if extra else []
        elif line and not line.startswith("#"):
            yield f"{line} ; {' and '.join(markers)}" if markers else line
