"""The policy's limits, apart from the rest of it: all that a worker process needs of the policy."""

from typing import Annotated

import msgspec

Positive = Annotated[int, msgspec.Meta(gt=0, le=2**50)]
"""A number or bytes; what is larger is no limit, and more than the kernel or JSON can be given."""
Seconds = Annotated[int, msgspec.Meta(gt=0, le=7 * 24 * 3600)]
MIB = 1024 * 1024


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes and times beyond which the gate stops; all of them are enforced while reading."""

    download_bytes: Positive = 2048 * MIB
    """One downloaded file."""
    download_seconds: Seconds = 600
    """One download from first to last byte."""
    unpacked_bytes: Positive = 8192 * MIB
    """All files of one artifact, unpacked."""
    unpacked_file_bytes: Positive = 4096 * MIB
    """One file of it."""
    entries: Positive = 100_000
    """Files, folders and links in one archive."""
    ratio: Positive = 200
    """Unpacked to packed size of one archive; not applied below 10 MiB unpacked."""
    depth: Positive = 40
    """Folders within folders."""
    path_bytes: Positive = 1024
    """One path in an archive, in UTF-8."""
    scan_seconds: Seconds = 1800
    """One scanner on one package, by the clock. It ends what waits; a busy machine has time."""
    scan_cpu_seconds: Seconds = 900
    """One scanner on one package, processor time."""
    scan_memory_bytes: Positive = 4096 * MIB
    """One scanner process."""
