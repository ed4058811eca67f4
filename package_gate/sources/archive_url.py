"""Archive requests: one file at an address that the requester gives."""

import re
from urllib.parse import unquote, urlsplit

from package_gate.core.artifact import Origin, RemoteFile, Resolution, ResolvedPackage
from package_gate.core.request import ArchiveSource, Request
from package_gate.net.addresses import parse_url

MAX_FILENAME = 100
"""Characters of a file name that is taken from an address."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._+!-]+")


class ArchiveURL:
    """Resolves a request for an archive: the file itself; what it depends on is not known."""

    def resolve(self, request: Request) -> Resolution:
        """Name the one file of an archive request. Nothing is asked over the network.

        Raises:
            SourceRefusedError: its address is none from which anything is fetched.
        """
        if not isinstance(request.source, ArchiveSource):
            raise TypeError(f"not a request for an archive: {request.source}")
        url = request.source.url
        parse_url(url)
        sha256 = request.source.sha256 or None
        file = RemoteFile(archive_filename(url) or request.name, url, sha256)
        return Resolution((ResolvedPackage(request.name, "", Origin.ARCHIVE, (file,)),))


def archive_filename(url: str) -> str:
    """Take a file name from the end of an address's path; "" when there is none.

    The path is the requester's text. Decoded once, what could name a folder, a hidden file or an
    option falls away, and of an overlong name the end stays, because it says what sort of file
    it is.
    """
    path = unquote(urlsplit(url).path, errors="replace")
    last = re.split(r"[/\\]", path.rstrip("/\\"))[-1]
    return _UNSAFE.sub("_", last)[-MAX_FILENAME:].lstrip(".-+!").rstrip(".")
