"""`--work`: where the stages of a run meet, a folder or a prefix in S3."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from package_gate.commands.options import Arguments
from package_gate.core.errors import ConfigurationError
from package_gate.core.text import printable
from package_gate.staging.place import FolderPlace, Place

WORK = "work"
_ADDRESS = re.compile(
    r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<prefix>[A-Za-z0-9._/-]+)"
)
CONNECTIONS = 16


def add_work(given: Arguments, folder: Path) -> None:
    """Add `--work`."""
    given.add(
        "--work",
        str(folder / WORK),
        str,
        "where the stages of the run meet: a folder, or s3://BUCKET/PREFIX (default: %(default)s)",
    )


def work_place(address: str, environ: Mapping[str, str]) -> Place:
    """Open the place that `--work` names.

    Raises:
        ConfigurationError: it is none.
    """
    if not address.startswith("s3:"):
        return FolderPlace(Path(address).absolute())
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ConfigurationError(
            f"--work must be a folder or s3://BUCKET/PREFIX, and is {printable(address)}."
        )
    from package_gate.aws.session import AWSSession, region_of  # a folder needs none of it
    from package_gate.staging.s3 import Prefix, S3Place

    key = environ.get("PACKAGE_GATE_RECORDS_KEY", "").strip()
    prefix = Prefix(found["bucket"], f"{found['prefix'].strip('/')}/", key)
    return S3Place(prefix, AWSSession(region_of(environ)).client("s3", CONNECTIONS))


def one_plan_at_a_time(place: Place) -> AbstractContextManager[None]:
    """Hold a folder while it is planned; in S3 each run has a prefix of its own."""
    return place.planned() if isinstance(place, FolderPlace) else nullcontext()
