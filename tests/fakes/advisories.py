"""OSV records as tests need them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from package_gate.advisories.osv_records import Record, decode_record

MODIFIED = datetime.now(UTC)
"""When records were modified of which a test says nothing else: what is old approves nothing."""


def advisory(
    advisory_id: str = "PYSEC-2024-1",
    package: str = "pkg",
    *,
    events: list[dict[str, str]] | None = None,
    versions: list[str] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Make a record about one PyPI package; `fields` are added to it or replace some of it."""
    affected: dict[str, Any] = {"package": {"ecosystem": "PyPI", "name": package}}
    if events is not None:
        affected["ranges"] = [{"type": "ECOSYSTEM", "events": events}]
    if versions is not None:
        affected["versions"] = versions
    return {
        "schema_version": "1.6.0",
        "id": advisory_id,
        "modified": f"{MODIFIED:%Y-%m-%dT%H:%M:%SZ}",
        "affected": [affected],
        **fields,
    }


def record(**fields: Any) -> Record:
    """Decode what `advisory` makes."""
    return decode_record(json.dumps(advisory(**fields)).encode(), "the record")


def write_snapshot(folder: Path, *advisories: dict[str, Any]) -> Path:
    """Write a snapshot folder in OSV's layout."""
    for each in advisories:
        path = folder / "PyPI" / f"{each['id']}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(each))
    return folder
