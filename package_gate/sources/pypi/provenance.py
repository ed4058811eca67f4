"""Who has attested the files of a release, as the index offers it (PEP 740)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from package_gate.core.artifact import RemoteFile
from package_gate.core.errors import SourceError
from package_gate.core.provenance import AttestedFile, FileProvenance
from package_gate.core.text import one_line
from package_gate.sources.pypi.attestations import AttestationVerifier, InvalidAttestationError
from package_gate.sources.pypi.index import Index


class PyPIAttestations:
    """Asks the index for attestations, and verifies them; implements `Attestations`."""

    def __init__(
        self,
        index: Index,
        verifier: AttestationVerifier,
        now: Callable[[], datetime],
        days: int,
    ) -> None:
        """Take who is asked and who verifies.

        Args:
            index: what offers attestations.
            verifier: believes them, or doesn't.
            now: the time (UTC).
            days: how long a file must have been public to be one that others are compared with,
                where there is such a one.
        """
        self._index = index
        self._verifier = verifier
        self._now = now
        self._days = days

    @property
    def version(self) -> str:
        """See `Attestations.version`."""
        return self._verifier.version

    def provenance(self, name: str, files: Mapping[str, str]) -> tuple[FileProvenance, ...]:
        """See `Attestations.provenance`."""
        project = self._index.project(name)
        listed = [project.file(*file) if project else None for file in files.items()]
        own = [file for file in listed if file is not None]
        if project is None or len(own) < len(listed):
            raise SourceError(f"the index no longer lists all of these files of {name}")
        if not any(file.filename in project.provenance for file in own):
            return tuple(FileProvenance(file.filename, offered=False) for file in own)
        attested = [file for file in project.files if project.provenance.get(file.filename)]
        if attested and not all(file.uploaded for file in (*own, *attested)):
            raise SourceError(
                f"the index does not say when the files of {name} were uploaded, so nobody knows "
                "which are older; use one that does (PEP 700)"
            )
        own.sort(key=_upload_order)
        older = next(filter(None, (self._older(file, attested) for file in own)), None)
        addresses = {
            file.filename: address
            for file in (*own, *filter(None, [older]))
            if (address := project.provenance.get(file.filename))
        }
        documents = self._index.documents(addresses.values())
        offered = {filename: documents[address] for filename, address in addresses.items()}
        before = self._attested(older, offered[older.filename]) if older else None
        return tuple(
            self._provenance(
                file,
                offered.get(file.filename),
                before if older and _upload_order(older) < _upload_order(file) else None,
            )
            if file.filename in project.provenance
            else FileProvenance(file.filename, offered=False)
            for file in own
        )

    def _older(self, file: RemoteFile, attested: Sequence[RemoteFile]) -> RemoteFile | None:
        """Choose the attested file that one is compared with: the newest that the world has lived
        with for the days, else the oldest."""
        older = sorted(
            (each for each in attested if _upload_order(each) < _upload_order(file)),
            key=_upload_order,
        )
        cutoff = self._now() - timedelta(days=self._days)
        known = [each for each in older if each.uploaded and each.uploaded <= cutoff]
        return next(iter(known[-1:] or older), None)

    def _attested(self, file: RemoteFile, document: bytes) -> AttestedFile:
        """Say who attested the file that others are compared with."""
        try:
            publishers = self._verifier.publishers(document, file.filename, file.sha256 or "")
        except InvalidAttestationError as error:
            raise SourceError(
                f"the attestation of {one_line(file.filename, 200)}, with which it is compared, "
                f"does not verify: {error}"
            ) from error
        return AttestedFile(file.filename, f"{file.uploaded:%Y-%m-%d}", publishers)

    def _provenance(
        self, file: RemoteFile, document: bytes | None, before: AttestedFile | None
    ) -> FileProvenance:
        if document is None:
            return FileProvenance(file.filename, before=before)
        try:
            publishers = self._verifier.publishers(document, file.filename, file.sha256 or "")
        except InvalidAttestationError as error:
            return FileProvenance(file.filename, invalid=str(error), before=before)
        return FileProvenance(file.filename, publishers=publishers, before=before)


def _upload_order(file: RemoteFile) -> tuple[float, str]:
    """The order of uploads, the oldest first."""
    return file.uploaded.timestamp() if file.uploaded else 0.0, file.filename
