"""What must hold when a gate has been killed, and when another run has ended since."""

import json
import time
from collections import Counter

import msgspec

from package_gate.core.catalogue import package_state, request_state
from package_gate.core.decision import PackageDecision, RequestDecision, Verdict
from package_gate.core.evidence import Evidence
from package_gate.notifications.texts import notification_digest
from tests.kill.builds import Build
from tests.kill.processes import at_work_in
from tests.kill.signed import SignedStore

OWED_RESCAN = "owed/rescan.json"
STATUS = 1
"""Of every run that ends: a request is undecided and a line can't be read."""
VERDICTS = {
    "app": Verdict.APPROVED,
    "tool": Verdict.APPROVED,
    "holey": Verdict.REFUSED,
    "fresh": Verdict.UNDECIDED,
}
PACKAGES = {
    "app": Verdict.APPROVED,
    "dep": Verdict.APPROVED,
    "tool": Verdict.APPROVED,
    "holey": Verdict.REFUSED,
}
"""The undecided request's package is not even fetched."""
REQUESTERS = {"app": "jo@example.com", "tool": "", "holey": "kim@example.com", "fresh": ""}
DYING_SECONDS = 30
"""So long what a killed gate had started may take to end; a loaded machine is slow."""


def at_the_kill(build: Build) -> list[str]:
    """What is wrong just after a kill."""
    faults = build.store.faults(done=False)
    published = build.store.published()
    packages, requests, unreadable = _records(build)
    faults += unreadable
    if surplus := Counter(published) - Counter(build.store.expected()):
        faults.append(f"published, but not to be: {sorted(surplus)}")
    recorded = {
        artifact.sha256
        for package in packages
        if package.verdict is Verdict.APPROVED and package.published_at
        for artifact in package.artifacts
    }
    unrecorded = [name for name, digest in published if digest not in recorded]
    faults += [f"published and not recorded: {name}" for name in unrecorded]
    faults += _wrong_verdicts(packages, requests)
    return faults


def at_the_end(build: Build, status: int) -> list[str]:
    """What is wrong when a run has ended undisturbed."""
    faults = build.store.faults(done=True)
    if (errors := build.text("stderr")) or status != STATUS:
        faults.append(f"exit status {status}: {build.text('stdout')}{errors}")
    published = build.store.published()
    if published != build.store.expected():
        faults.append(f"published: {published}")
    faults += _record_faults(build)
    faults += [f"still owed: {key}" for key in build.store.documents() if key.startswith("owed/")]
    faults += _email_faults(Counter((mail.package, mail.verdict) for mail in build.store.emails()))
    faults += _report_faults(build)
    faults += _catalogue_faults(build)
    faults += _leftovers(build)
    return faults


def is_decided(build: Build, name: str) -> bool:
    """Whether there is a record of a request, which a plain run leaves as it is."""
    _, requests, _ = _records(build)
    return any(request.name == name for request in requests)


def of_broken_connections(fault: str) -> bool:
    """Whether this is no fault when the index may have closed connections: it was tried again."""
    return fault.endswith("'undecided')") or fault.startswith("history/requests/")


def is_refused(build: Build, name: str) -> bool:
    """Whether a package is recorded as refused."""
    packages, _, _ = _records(build)
    return any(p.name == name and p.verdict is Verdict.REFUSED for p in packages)


def still_published(build: Build, name: str) -> list[str]:
    """Where notebooks can install a package that is refused."""
    digest = getattr(build.store.digests, name)
    return [
        f"{name} can be installed: {file}" for file, d in build.store.published() if d == digest
    ]


def signing_faults(build: Build, *, done: bool) -> list[str]:
    """What is wrong with what is signed, where something is; see `SignedStore`."""
    store = build.store
    return store.signing_faults(done=done) if isinstance(store, SignedStore) else []


def overturned(build: Build, status: int, *, settled: bool) -> list[str]:
    """What is wrong when a run has ended since `dep` and so `app` were to be refused.

    Args:
        build: the build.
        status: the run's exit status.
        settled: whether so many runs have ended undisturbed that nothing is owed any more.
    """
    faults = [*still_published(build, "dep"), *signing_faults(build, done=True)]
    if status != STATUS:
        faults.append(f"exit status {status}: {build.text('stdout')}{build.text('stderr')}")
    _, _, unreadable = _records(build)
    faults += [fault for fault in unreadable if "overturned" not in fault]
    current = build.store.documents()
    verdicts = {
        decision.name: decision
        for key, document in current.items()
        if key.startswith("requests/")
        for decision in [msgspec.json.decode(document, type=RequestDecision)]
    }
    wanted = VERDICTS | {"app": Verdict.REFUSED}
    faults += [
        f"{name} is {verdicts[name].verdict}: {verdicts[name].reasons}"
        for name, verdict in wanted.items()
        if verdicts[name].verdict is not verdict
    ]
    faults += [
        f"{request.name}: told {request.notified}"
        for request in verdicts.values()
        if request.notified != {REQUESTERS[request.name]: notification_digest(request)}
    ]
    dep = msgspec.json.decode(current["packages/pypi/dep/1.5.json"], type=PackageDecision)
    if dep.verdict is not Verdict.REFUSED or dep.may_be_published:
        faults.append(f"dep is {dep.verdict}, published to {dep.published_to!r}")
    if build.store.expected_tool() not in build.store.published():
        faults.append("the archive is not published any more")
    said = [mail.verdict for mail in build.store.emails() if mail.package == "app"]
    if said[-1:] != ["refused"]:
        faults.append(f"app was told {said}")
    faults += _leftovers(build)
    if settled:
        faults += [f"still owed: {key}" for key in current if key.startswith("owed/")]
    return faults


def repeated_emails(build: Build) -> int:
    """How many emails were sent again."""
    return sum(count - 1 for count in Counter(build.store.emails()).values())


def _records(build: Build) -> tuple[list[PackageDecision], list[RequestDecision], list[str]]:
    """Read all records."""
    packages, requests, faults = [], [], []
    evidence = set()
    for key, document in build.store.documents().items():
        kind = key.removeprefix("history/").partition("/")[0]
        try:
            if key.startswith("history/"):
                faults.append(f"{key} though nothing was overturned")
                continue
            if kind == "packages":
                packages.append(msgspec.json.decode(document, type=PackageDecision))
            elif kind == "requests":
                requests.append(msgspec.json.decode(document, type=RequestDecision))
            elif kind == "evidence":
                evidence.add(msgspec.json.decode(document, type=Evidence).digest)
            elif kind not in ("owed", "policies", "standing", "inventory.json", "inventory.html"):
                faults.append(f"a record of no kind: {key}")
        except msgspec.DecodeError as error:
            faults.append(f"{key}: {error}")
    faults += [f"no evidence for {p.name}" for p in packages if p.evidence not in evidence]
    return packages, requests, faults


def _wrong_verdicts(packages: list[PackageDecision], requests: list[RequestDecision]) -> list[str]:
    recorded: list[tuple[PackageDecision | RequestDecision, dict[str, Verdict]]] = [
        *((package, PACKAGES) for package in packages),
        *((request, VERDICTS) for request in requests),
    ]
    return [
        f"{decision.name} is {decision.verdict}: {decision.reasons}"
        for decision, wanted in recorded
        if decision.verdict is not wanted.get(decision.name)
    ]


def _record_faults(build: Build) -> list[str]:
    packages, requests, faults = _records(build)
    faults += _wrong_verdicts(packages, requests)
    for kind, names, wanted in (
        ("packages", [p.name for p in packages], PACKAGES),
        ("requests", [r.name for r in requests], VERDICTS),
    ):
        if sorted(names) != sorted(wanted):
            faults.append(f"{kind} recorded: {sorted(names)}")
    published = {digest for _, digest in build.store.published()}
    for package in packages:
        approved = package.verdict is Verdict.APPROVED
        places = bool(package.published_to), bool(package.published_at)
        if places != (approved, approved) or package.withdrawn_at:
            faults.append(f"{package.name}: {package.published_to!r}, {package.published_at}")
        if approved and not {a.sha256 for a in package.artifacts} <= published:
            faults.append(f"{package.name}: recorded files are not the published ones")
        if {scanner.name for scanner in package.scanners} != {"archive", "osv"}:
            faults.append(f"{package.name}: scanned by {package.scanners}")
    for request in requests:
        if bool(request.install_command) != (request.verdict is Verdict.APPROVED):
            faults.append(f"{request.name} is installed by {request.install_command!r}")
        if request.notified != {REQUESTERS[request.name]: notification_digest(request)}:
            faults.append(f"{request.name}: told {request.notified}")
    return faults


def _email_faults(sent: Counter[tuple[str, str]]) -> list[str]:
    wanted = {(name, verdict.value) for name, verdict in VERDICTS.items()}
    faults = [f"no email: {each}" for each in sorted(wanted - sent.keys())]
    faults += [f"an email too many: {each}" for each in sorted(sent.keys() - wanted)]
    return faults + [f"{n} emails: {each}" for each, n in sent.items() if n > 2]


def _report_faults(build: Build) -> list[str]:
    try:
        report = json.loads((build.output / "verdicts.json").read_bytes())
    except (OSError, ValueError) as error:
        return [f"verdicts.json: {error}"]
    verdicts = {request["name"]: request["verdict"] for request in report["requests"]}
    wanted = {name: verdict.value for name, verdict in VERDICTS.items()}
    return [] if verdicts == wanted else [f"reported: {verdicts}"]


def _catalogue_faults(build: Build) -> list[str]:
    """Whether the catalogue lists what is on record, as it is."""
    packages, requests, _ = _records(build)
    catalogue = json.loads((build.output / "inventory.json").read_bytes())
    listed = {
        kind: sorted((row["name"], row["state"]) for row in catalogue[kind].values())
        for kind in ("packages", "requests")
    }
    recorded = {
        "packages": sorted((each.name, package_state(each)) for each in packages),
        "requests": sorted((each.name, request_state(each)) for each in requests),
    }
    faults = [] if listed == recorded else [f"catalogue: {listed}, recorded: {recorded}"]
    if (build.output / "inventory.html").read_bytes().count(b"<script") != 2:
        faults.append("inventory.html is not the page")
    return faults


def _leftovers(build: Build) -> list[str]:
    """Processes, scratch, half-written files, a lease."""
    deadline = time.monotonic() + DYING_SECONDS
    while (running := at_work_in(build.run.folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    faults = [f"still running: {command}" for command in running]
    hidden = [p for p in build.output.rglob(".*") if p.name != ".lock"]
    kept = [*hidden, *build.temporary.iterdir()]
    faults += [f"left behind: {path.relative_to(build.run.folder)}" for path in sorted(kept)]
    if build.store.turn_taken():
        faults.append("the lease is held")
    return faults
