"""Package indexes that a repository names: packages come from the configured ones only."""

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import urlsplit

from package_gate.inventory.formats.requirements import shown
from package_gate.inventory.formats.structured import table_of

_UV_KEYS = ("index-url", "extra-index-url", "find-links", "no-index")


def not_followed(address: str, written: str, indexes: Collection[str]) -> str:
    """Say why an index that a file asks for is not followed.

    Args:
        address: the index's; "" for an option that isn't about an index's address.
        written: how it stands in the file, without credentials.
        indexes: addresses that packages are resolved from, without credentials.

    Returns:
        A sentence or two; "" for an index that packages are resolved from anyway.
    """
    if address and address.rstrip("/") in {each.rstrip("/") for each in indexes}:
        return ""
    return (
        f"{written!r} is not followed: packages are resolved from the configured index only, so "
        "what is installed may be another package of the same name. Name the index in uv's "
        "configuration instead."
    )


def same_address(url: str) -> tuple[str, str]:
    """Give what two addresses of one index have in common: host and path."""
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.path.rstrip("/")
    except ValueError:
        return "", url


def indexes_of_uv(table: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Give each index of uv's settings: its address, and how it stands there.

    An explicit one serves only what `sources` ties to it, which is told by itself.

    Args:
        table: `[tool.uv]`, or the whole of a `uv.toml`.
        prefix: what its keys are called by: `tool.uv.`, or nothing.
    """
    for entry in _tables(table.get("index")):
        if entry.get("explicit") is not True:
            yield _named(entry, f"[[{prefix}index]]")
    for settings, before in ((table, prefix), (table_of(table, "pip"), f"{prefix}pip.")):
        for key in _UV_KEYS:
            value = settings.get(key)
            for each in value if isinstance(value, list) else [value] if value else []:
                is_address = key.endswith("index-url")
                yield str(each) if is_address else "", f"{before}{key} = {shown(str(each))}"


def indexes_of_poetry(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give each index of `[tool.poetry]` that has an address, and isn't explicit."""
    for entry in _tables(table.get("source")):
        if entry.get("priority") != "explicit" and (
            entry.get("url") or str(entry.get("name")).lower() != "pypi"
        ):
            yield _named(entry, "[[tool.poetry.source]]")


def indexes_of_pdm(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give each index of `[tool.pdm]`."""
    for entry in _tables(table.get("source")):
        yield _named(entry, "[[tool.pdm.source]]")


def _named(entry: dict[str, Any], table: str) -> tuple[str, str]:
    address = str(entry.get("url") or "")
    return address, f"{table} {shown(address)}"


def _tables(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
