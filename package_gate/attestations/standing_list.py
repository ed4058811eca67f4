"""The standing list: which signatures count no more. Withdrawal beats a signature."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from package_gate.core.finding import ScannerInfo
from package_gate.core.standing_list import Withdrawn

PAYLOAD_TYPE = "application/vnd.package-gate.standing-list+json"
LIST_TYPE = "urn:package-gate:standing-list:v1"


def standing_list(
    withdrawn: Iterable[Withdrawn],
    advisories: Sequence[ScannerInfo],
    issued: datetime,
    days: int,
    names: dict[str, str],
) -> bytes:
    """Write a list, as JSON.

    Args:
        withdrawn: what was approved and is refused.
        advisories: by which approvals were last judged.
        issued: now (UTC).
        days: for how long a reader may go by it.
        names: `verifier` and `repository`.
    """
    document: dict[str, Any] = {
        "type": LIST_TYPE,
        **names,
        "issued": _moment(issued),
        "validUntil": _moment(issued + timedelta(days=days)),
        "advisories": [
            {"name": each.name, "data": each.data, "date": each.data_date} for each in advisories
        ],
        "withdrawn": [
            {
                "sha256": sha256,
                "package": f"{each.name} {each.version}",
                "since": _moment(each.since),
            }
            for each in sorted(withdrawn, key=lambda each: each.key)
            for sha256 in each.files
        ],
    }
    return msgspec.json.encode(document)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
