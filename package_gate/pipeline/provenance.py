"""Who has attested a package, as a part of its standing: asked only where the policy asks.

It is asked whenever a package is decided, as advisories are. A re-evaluation asks no index, so
there what the record says stands.
"""

from package_gate.core.artifact import ResolvedPackage
from package_gate.core.decision import PackageDecision
from package_gate.core.ecosystem import ecosystem_of
from package_gate.core.errors import SourceError, SourceRefusedError
from package_gate.core.finding import ScannerInfo
from package_gate.core.policy import Provenance
from package_gate.core.provenance import PROVENANCE, judge_provenance
from package_gate.core.standing import Standing
from package_gate.sources.interface import Attestations

_NOTHING = Standing((), ())


def provenance_of(
    package: ResolvedPackage,
    earlier: PackageDecision | None,
    attestations: Attestations | None,
    policy: Provenance,
) -> Standing:
    """Give what is known of who has attested a package's files.

    Args:
        package: what it is, with the digests of its files. An archive has no index that would
            offer anything.
        earlier: its decision, which counts when nobody can be asked.
        attestations: who is asked; None for nobody.
        policy: what is asked for.
    """
    if policy.require == "never" or not ecosystem_of(package.origin).looked_up_by_name:
        return _NOTHING
    if attestations is None:
        return _recorded(earlier) if earlier else _NOTHING
    files = {file.filename: file.sha256 or "" for file in package.files}
    try:
        said = attestations.provenance(package.name, files)
    except (SourceError, SourceRefusedError) as error:
        return Standing((), (), (f"Who has attested its files can't be known: {error}.",))
    judged = judge_provenance(said, policy.publishers_of(package.name))
    info = ScannerInfo(PROVENANCE, attestations.version)
    return Standing(judged.findings, (info,), judged.failures, judged.note)


def _recorded(earlier: PackageDecision) -> Standing:
    return Standing(
        tuple(each.finding for each in earlier.findings if each.finding.scanner == PROVENANCE),
        tuple(each for each in earlier.scanners if each.name == PROVENANCE),
        provenance=earlier.provenance,
    )
