"""What is signed: statements on packages, and the standing list."""

import hashlib
import json
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature

from package_gate.attestations.envelope import pre_authentication_encoding
from package_gate.attestations.statement import record_digest, resource_uri
from package_gate.core.artifact import Origin
from package_gate.core.decision import Verdict
from package_gate.core.finding import ScannerInfo
from package_gate.core.standing_list import Withdrawn
from tests.attestations.signed import DECIDED, REPOSITORY, attestor, decision, opened


def test_the_encoding_is_that_of_the_specification() -> None:
    assert (
        pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_a_statement_names_the_files_the_repository_the_policy_and_the_record(
    tmp_path: Path,
) -> None:
    by = attestor(tmp_path)
    made = decision(files=2)
    document = opened(by.attest(made), by.signer)
    predicate = document.pop("predicate")
    assert document == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": f"idna-3.7-{n}-py3-none-any.whl", "digest": {"sha256": f"{n:064x}"}}
            for n in (0, 1)
        ],
        "predicateType": "https://slsa.dev/verification_summary/v1",
    }
    facts = predicate.pop("urn:package-gate:facts:v1")
    assert predicate == {
        "verifier": {"id": "urn:package-gate", "version": {"package-gate": "0.2"}},
        "timeVerified": "2026-06-01T12:00:00Z",
        "resourceUri": "pkg:pypi/idna@3.7?repository_url=https://packages.example/simple",
        "policy": {"uri": "urn:package-gate:policy", "digest": {"sha256": "ab" * 32}},
        "inputAttestations": [
            {"uri": "packages/pypi/idna/3.7.json", "digest": {"sha256": record_digest(made)}}
        ],
        "verificationResult": "PASSED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_UNEVALUATED", "APPROVED_BY_PACKAGE_GATE"],
    }
    assert facts["verdict"] == "approved"
    assert facts["evidence"] == "cd" * 32


def test_a_refusal_is_signed_as_one(tmp_path: Path) -> None:
    by = attestor(tmp_path)
    predicate = opened(by.attest(decision(Verdict.REFUSED)), by.signer)["predicate"]
    assert (predicate["verificationResult"], predicate["verifiedLevels"]) == ("FAILED", ["FAILED"])
    assert predicate["urn:package-gate:facts:v1"]["reasons"] == ["because"]


def test_an_archive_has_a_generic_purl() -> None:
    made = replace(decision(), origin=Origin.ARCHIVE, name="My-Tool", version="sha256-0a")
    assert resource_uri(made, "x:y") == "pkg:generic/my-tool@sha256-0a?repository_url=x:y"


def test_what_is_noted_after_the_signature_does_not_change_the_records_digest() -> None:
    made = decision()
    noted = replace(made, published_to="there", published_at=DECIDED, withdrawn_at=DECIDED)
    assert record_digest(noted) == record_digest(made)
    assert record_digest(replace(made, reasons=())) != record_digest(made)


@pytest.mark.skipif(not shutil.which("jq"), reason="there is no jq")
def test_an_auditor_gets_the_records_digest_with_jq(tmp_path: Path) -> None:
    made = replace(decision(), reasons=("\u00e4 \u2013 \u2028",), published_to="there")
    (tmp_path / "record.json").write_bytes(msgspec.json.format(msgspec.json.encode(made)))
    fields = "del(.attestation, .published_to, .published_at, .withdrawn_at, .withdrawn_by_gate)"
    canonical = subprocess.run(
        ["jq", "-cjS", fields, str(tmp_path / "record.json")], capture_output=True, check=True
    )
    assert hashlib.sha256(canonical.stdout).hexdigest() == record_digest(made)


def test_a_statement_holds_while_key_names_and_decision_are_the_same(tmp_path: Path) -> None:
    by = attestor(tmp_path)
    made = decision()
    signed = replace(made, attestation=by.attest(made))
    assert by.holds(signed)
    assert by.holds(replace(signed, published_to="there"))
    assert not by.holds(made)
    assert not by.holds(replace(signed, reasons=()))
    assert not replace(by, repository="https://other.example").holds(signed)
    assert not replace(by, verifier="urn:other").holds(signed)
    assert not attestor(tmp_path, "other.pem").holds(signed)


def test_a_changed_payload_has_no_valid_signature(tmp_path: Path) -> None:
    by = attestor(tmp_path)
    one, other = by.attest(decision()), by.attest(decision(Verdict.REFUSED))
    with pytest.raises(InvalidSignature):
        opened(msgspec.structs.replace(one, payload=other.payload), by.signer)


def test_a_standing_list_says_what_is_withdrawn_and_until_when_it_counts(tmp_path: Path) -> None:
    by = attestor(tmp_path)
    gone = Withdrawn(Origin.PYPI, "idna", "3.7", ("aa", "bb"), DECIDED)
    advisories = [ScannerInfo("osv", "1", "2026-05-30", "all.zip")]
    now = DECIDED + timedelta(hours=1)
    envelope = by.list_standing([gone], advisories, now)
    assert envelope.payload_type == "application/vnd.package-gate.standing-list+json"
    assert opened(envelope, by.signer) == {
        "type": "urn:package-gate:standing-list:v1",
        "verifier": "urn:package-gate",
        "repository": REPOSITORY,
        "issued": "2026-06-01T13:00:00Z",
        "validUntil": "2026-06-08T13:00:00Z",
        "advisories": [{"name": "osv", "data": "all.zip", "date": "2026-05-30"}],
        "withdrawn": [
            {"sha256": sha256, "package": "idna 3.7", "since": "2026-06-01T12:00:00Z"}
            for sha256 in ("aa", "bb")
        ],
    }


def test_an_envelope_is_json_as_other_tools_read_it(tmp_path: Path) -> None:
    by = attestor(tmp_path)
    document = json.loads(by.attest(decision()).content)
    assert document.keys() == {"payloadType", "payload", "signatures"}
    assert document["payloadType"] == "application/vnd.in-toto+json"
    assert [each.keys() for each in document["signatures"]] == [{"keyid", "sig"}]
