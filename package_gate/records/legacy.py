"""Records of gate 0.1, which held evidence and judgement in one: what of them is evidence.

Such a record names the scanners that finished and all that they found. Advisories and the index
are asked again, so what they said is left out. The versions of the scanners stay as they were, so
what has new rules since scans again.
"""

from dataclasses import replace

from package_gate.core.decision import PackageDecision, Verdict
from package_gate.core.evidence import Evidence, Scan

CONTENT_SCANNERS = {"archive", "codeguru", "guarddog", "ruff"}
BEHAVIOUR, GUARDDOG = "behaviour", "guarddog"
"""Gate 0.1 signed its own malware rules with the name of the scanner that ran them."""
BEHAVIOUR_RULES = {
    *("acts-at-every-start", "changes-other-packages", "destroys-files", "encrypts-files"),
    *("hides-what-it-calls", "installs-another-package", "listens-to-the-keyboard", "mines"),
    *("opens-a-reverse-shell", "publishes-packages", "runs-a-hidden-command"),
    *("runs-decoded-code", "runs-downloaded-code", "runs-encrypted-code", "runs-machine-code"),
    *("sends-host-facts", "sends-secrets", "sends-the-screen", "sends-what-it-intercepts"),
    *("starts-a-bundled-program", "starts-again-by-itself", "swaps-the-clipboard"),
}


def evidence_of(decision: PackageDecision) -> Evidence | None:
    """Give the evidence that a record of schema 1 holds, or None when it holds none."""
    if decision.schema != 1 or decision.verdict is Verdict.UNDECIDED or not decision.artifacts:
        return None
    found = [judged.finding for judged in decision.findings]
    scans: list[Scan] = []
    for scanner in decision.scanners:
        if scanner.name not in CONTENT_SCANNERS:
            continue
        own = [f for f in found if f.scanner == scanner.name]
        if scanner.name == GUARDDOG:
            behaviour = [replace(f, scanner=BEHAVIOUR) for f in own if f.rule in BEHAVIOUR_RULES]
            own = [f for f in own if f.rule not in BEHAVIOUR_RULES]
            as_behaviour = replace(scanner, name=BEHAVIOUR, version=decision.gate_version)
            scans.append(Scan(as_behaviour, tuple(behaviour), decision.decided_at))
        scans.append(Scan(scanner, tuple(own), decision.decided_at))
    return Evidence(
        name=decision.name,
        version=decision.version,
        origin=decision.origin,
        artifacts=decision.artifacts,
        scans=tuple(scans),
    )


def with_yanked(decision: PackageDecision) -> PackageDecision:
    """Note in the artifacts of a record of schema 1 what stood among its findings only."""
    found = [judged.finding for judged in decision.findings]
    if decision.schema != 1 or not any((f.scanner, f.rule) == ("index", "yanked") for f in found):
        return decision
    return replace(
        decision, artifacts=tuple(replace(each, yanked="") for each in decision.artifacts)
    )
