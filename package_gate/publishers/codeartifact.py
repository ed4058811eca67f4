"""The CodeArtifact publisher: archives as generic packages, PyPI files through the index endpoint.

Withdrawing sets a version to `Archived`: nobody can download it, it stays taken, and the gate sets
it to `Published` again when it is approved again with the same files. Malware is `Disposed`: its
files are gone. The record says what the gate has withdrawn: what people have set to `Archived`,
`Unlisted` or `Disposed` by hand is never brought back by this publisher.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from package_gate.core.artifact import Origin
from package_gate.publishers.codeartifact_api import CodeArtifactRepository, CodeArtifactSettings
from package_gate.publishers.codeartifact_archives import CodeArtifactArchives
from package_gate.publishers.codeartifact_attestations import CodeArtifactAttestations
from package_gate.publishers.codeartifact_pypi import CodeArtifactPyPI
from package_gate.publishers.interface import PublisherByOrigin

if TYPE_CHECKING:
    from mypy_boto3_codeartifact import CodeArtifactClient


class CodeArtifact(PublisherByOrigin):
    """Approved packages in a CodeArtifact repository; implements `Publisher`."""

    def __init__(
        self,
        settings: CodeArtifactSettings,
        client: "CodeArtifactClient",
        ask: Callable[[], None],
    ) -> None:
        """Publish to one repository.

        Args:
            settings: which one.
            client: of boto3.
            ask: raises `TurnError` when it is not this run's turn to publish.
        """
        repository = CodeArtifactRepository(
            client, settings.domain, settings.repository, settings.domain_owner
        )
        self._attestations = attestations = CodeArtifactAttestations(repository, ask)
        super().__init__(
            {
                Origin.PYPI: CodeArtifactPyPI(settings, repository, attestations, ask),
                Origin.ARCHIVE: CodeArtifactArchives(settings, repository, attestations, ask),
            }
        )

    def post_standing_list(self, content: bytes) -> None:
        """See `Publisher.post_standing_list`."""
        self._attestations.post(content)
