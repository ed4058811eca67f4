"""JSON for the machine-readable reports, encoded piece by piece."""

import json
from collections.abc import Iterable
from typing import BinaryIO

import msgspec


def json_bytes(value: object) -> bytes:
    """Encode dicts, lists, strings and numbers as JSON in UTF-8.

    A lone surrogate (a file name that is no UTF-8) becomes a question mark: strict readers refuse
    a whole document because of one.
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def write_array(values: Iterable[object], file: BinaryIO) -> None:
    """Write a JSON array, one value a line, without holding more than one of them."""
    file.write(b"[")
    separator = b"\n"
    for value in values:
        file.write(separator)
        file.write(json_bytes(value))
        separator = b",\n"
    file.write(b"]")
