"""What another reader sees in an archive."""

import contextlib
import io
import tarfile
import zipfile


def as_python_reads(data: bytes) -> dict[str, bytes]:
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist() if name[-1:] != "/"}
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar:
            # A link to nothing has no content.
            with contextlib.suppress(KeyError):
                if file := tar.extractfile(member):
                    found[member.name] = file.read()
    return found
