"""What a signature says of a package: an in-toto statement with SLSA's verification summary.

https://github.com/in-toto/attestation/blob/v1.1.0/spec/v1/statement.md
https://slsa.dev/spec/v1.0/verification_summary

Pure: the same decision gives the same bytes.
"""

import hashlib
from typing import Any

import msgspec
from packageurl import PackageURL

from package_gate.core.decision import PackageDecision, Verdict
from package_gate.core.ecosystem import ecosystem_of

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/verification_summary/v1"
FACTS = "urn:package-gate:facts:v1"
"""The field with what SLSA has no words for."""
POLICY = "urn:package-gate:policy"
APPROVED_LEVELS = ["SLSA_BUILD_LEVEL_UNEVALUATED", "APPROVED_BY_PACKAGE_GATE"]
REFUSED_LEVELS = ["FAILED"]
GENERIC = "generic"
"""The purl type of archives, which have none of their own."""
MAX_REASONS = 20
_PUBLICATION = (
    *("attestation", "published_to", "published_at", "withdrawn_at"),
    "withdrawn_by_gate",
)


def statement_of(decision: PackageDecision, verifier: str, repository: str) -> bytes:
    """Say what was decided about a package.

    Args:
        decision: approved or refused.
        verifier: who decided, a URI.
        repository: for which repository.

    Returns:
        The statement as JSON.
    """
    approved = decision.verdict is Verdict.APPROVED
    decided_at = f"{decision.decided_at:%Y-%m-%dT%H:%M:%SZ}"
    record = f"packages/{decision.origin}/{decision.name}/{decision.version}.json"
    return msgspec.json.encode(
        {
            "_type": STATEMENT_TYPE,
            "subject": [
                {"name": file.filename, "digest": {"sha256": file.sha256}}
                for file in decision.artifacts
            ],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "verifier": {"id": verifier, "version": {"package-gate": decision.gate_version}},
                "timeVerified": decided_at,
                "resourceUri": resource_uri(decision, repository),
                "policy": {"uri": POLICY, "digest": {"sha256": decision.policy_digest}},
                "inputAttestations": [
                    {"uri": record, "digest": {"sha256": record_digest(decision)}}
                ],
                "verificationResult": "PASSED" if approved else "FAILED",
                "verifiedLevels": APPROVED_LEVELS if approved else REFUSED_LEVELS,
                FACTS: _facts(decision),
            },
        }
    )


def resource_uri(decision: PackageDecision, repository: str) -> str:
    """Give the package's purl with its repository."""
    ecosystem = ecosystem_of(decision.origin)
    return PackageURL(
        ecosystem.purl_type or GENERIC,
        name=ecosystem.normalise_name(decision.name),
        version=decision.version,
        qualifiers={"repository_url": repository},
    ).to_string()


def record_digest(decision: PackageDecision) -> str:
    """Hash a record without what is noted later, of which a signature can know nothing.

    The same as of `jq -cjS 'del(.attestation, .published_to, .published_at, .withdrawn_at,
    .withdrawn_by_gate)'`.
    """
    record: dict[str, Any] = msgspec.to_builtins(decision)
    kept = {name: value for name, value in record.items() if name not in _PUBLICATION}
    return hashlib.sha256(msgspec.json.encode(kept, order="sorted")).hexdigest()


def _facts(decision: PackageDecision) -> dict[str, Any]:
    waivers = {
        (each.waiver.finding, each.waiver.expires): each.waiver
        for each in decision.findings
        if each.waiver is not None
    }
    return {
        "verdict": decision.verdict,
        "reasons": decision.reasons[:MAX_REASONS],
        "evidence": decision.evidence,
        "standing": decision.standing,
        "scanners": [
            {"name": each.name, "version": each.version, "dataDate": each.data_date}
            for each in decision.scanners
        ],
        "waivers": [
            {"finding": each.finding, "expires": each.expires, "approvedBy": each.approved_by}
            for _, each in sorted(waivers.items())
        ],
        "sampleAdvisories": decision.sample_advisories,
    }
