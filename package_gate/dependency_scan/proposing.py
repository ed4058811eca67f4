"""Proposed dependency files: other versions where something refuses, checked by another scan."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from package_gate.core.decision import Verdict
from package_gate.core.finding import Location
from package_gate.dependency_scan.closures import Closures
from package_gate.dependency_scan.collected import Collected
from package_gate.dependency_scan.fixing import Fixed, Fixer, rewritten_to
from package_gate.dependency_scan.looking_up import LookUp
from package_gate.dependency_scan.models import (
    Change,
    Direct,
    PackageKey,
    Proposal,
    ScannedClosure,
    ScannedPackage,
    Unfixed,
)
from package_gate.dependency_scan.rewriting import rewrite_pyproject, rewrite_requirements
from package_gate.inventory.formats.requirements import shown

_LOCK_COMMANDS = {
    "uv.lock": "uv lock {}",
    "poetry.lock": "poetry update {}",
    "pdm.lock": "pdm update {}",
    "pipfile.lock": "pipenv update {}",
}


class Proposer:
    """Collects what fixes each closure, and writes the files that say so."""

    def __init__(
        self,
        fixer: Fixer,
        closures: Closures,
        look_up: LookUp,
        collected: Collected,
        collect_again: Callable[[Mapping[str, bytes]], Collected],
    ) -> None:
        """`collect_again` reads the repository with some files' contents replaced."""
        self._fixer = fixer
        self._closures = closures
        self._look_up = look_up
        self._collected = collected
        self._collect_again = collect_again
        self._changes: dict[Location, tuple[Direct, str, tuple[str, ...]]] = {}
        self._hashes: dict[Location, tuple[str, ...]] = {}
        self._added: dict[str, dict[str, Change]] = {}
        self.unfixed: list[Unfixed] = []

    def propose(
        self, closures: Sequence[ScannedClosure], packages: Mapping[PackageKey, ScannedPackage]
    ) -> list[Proposal]:
        """Propose a file for each that can be fixed; `unfixed` says why others can't."""
        fixed: list[ScannedClosure] = []
        for closure in closures:
            refused = [
                packages[package.key]
                for package in closure.packages
                if packages[package.key].verdict is Verdict.REFUSED
            ]
            if not refused:
                continue
            if closure.locked:
                self._explain_lock(closure, refused)
                continue
            if not closure.targets:
                text = "It could not be resolved, so better versions could not be looked for."
                self._give_up(closure, text)
                continue
            result = self._fixer.fix(closure, [package.key for package in refused])
            if isinstance(result, str):
                self._give_up(closure, f"Can't be fixed: {result}.")
            else:
                self._take(closure, result, refused)
                fixed.append(closure)
        proposals = self._write()
        return proposals if self._confirmed(proposals, fixed) else []

    def _take(
        self, closure: ScannedClosure, fixed: Fixed, refused: Sequence[ScannedPackage]
    ) -> None:
        source = closure.source
        directs = (*source.requirements, *source.constraints) if source else ()
        for direct in directs:
            if source and (version := rewritten_to(direct, source, fixed)):
                self._change(closure, direct, version, _fixes(direct, refused))
            if direct.hashes and (new := fixed.hashes.get(direct.name)):
                self._hashes[direct.place] = new
        for name, version in fixed.added.items():
            rules = tuple(
                judged.finding.rule
                for package in refused
                if package.name == name
                for judged in package.refusing
            )
            parents = ", ".join(fixed.needed_by.get(name, ())) or "nothing else"
            why = f"needed by {parents}" + (f"; fixes {', '.join(rules[:5])}" if rules else "")
            hashes = "".join(f" \\\n    --hash={each}" for each in fixed.hashes.get(name, ()))
            line = f"{name}=={version}{hashes}\n    # {why}" if hashes else ""
            change = Change(
                Location(closure.path), name, "", line or f"{name}=={version}  # {why}", rules
            )
            self._added.setdefault(closure.path, {}).setdefault(name, change)

    def _change(
        self, closure: ScannedClosure, direct: Direct, version: str, fixes: tuple[str, ...]
    ) -> None:
        known = self._changes.get(direct.place)
        if known and known[1] != version and known[0].name == direct.name:
            text = (
                f"{shown(str(direct))!r} would have to be {known[1]} for one of the files that "
                f"share it and {version} for another. Split them."
            )
            self._give_up(closure, text)
        else:
            self._changes[direct.place] = (direct, version, fixes)

    def _write(self) -> list[Proposal]:
        proposals = []
        paths = {place.path for place in self._changes} | set(self._added)
        for path in sorted(paths):
            mine = {p: each for p, each in self._changes.items() if p.path == path}
            added = list(self._added.get(path, {}).values())
            changes = [
                Change(place, direct.name, str(direct), f"{direct.name}=={version}", fixes)
                for place, (direct, version, fixes) in sorted(
                    mine.items(), key=lambda item: item[0].line or 0
                )
            ]
            content = self._content(path, mine, added)
            if content is None:
                wanted = ", ".join(change.after.partition("  #")[0] for change in changes + added)
                text = f"The file can't be rewritten by itself. Ask for {wanted}."
                self.unfixed.append(Unfixed(path, path, text))
            else:
                proposals.append(Proposal(path, content, (*changes, *added)))
        return proposals

    def _content(
        self,
        path: str,
        changes: Mapping[Location, tuple[Direct, str, tuple[str, ...]]],
        added: Sequence[Change],
    ) -> bytes | None:
        data = self._collected.repository.read(path)
        if not isinstance(data, bytes):
            return None
        if PurePosixPath(path).suffix.lower() in (".yml", ".yaml", ".py"):
            return None
        if PurePosixPath(path).name.lower() == "pyproject.toml":
            if added:
                return None
            return rewrite_pyproject(
                data, [(direct, version) for direct, version, _ in changes.values()]
            )
        return rewrite_requirements(
            data,
            {place.line or 0: version for place, (_, version, _) in changes.items()},
            {place.line or 0: hashes for place, hashes in self._hashes.items() if place in changes},
            [change.after for change in added],
        )

    def _confirmed(self, proposals: Sequence[Proposal], fixed: Iterable[ScannedClosure]) -> bool:
        """Scan the proposed files as if they stood in the repository."""
        if not proposals:
            return False
        again = self._collect_again({each.path: each.content for each in proposals})
        names = {closure.name for closure in fixed}
        for asked in again.sets:
            if asked.name not in names:
                continue
            outcome = self._closures.resolve(asked)
            before = next(closure for closure in fixed if closure.name == asked.name)
            looked = self._look_up.look_up(package.key for package in outcome.closure.packages)
            bad = [
                f"{name} {version}"
                for (name, version), each in looked.items()
                if each.judgement.verdict is not Verdict.APPROVED
            ]
            if bad or (outcome.problems and before.targets):
                text = "; ".join([*bad, *(problem.text for problem in outcome.problems)])
                self._give_up(
                    before, f"The proposed files did not resolve to what is clean: {text}"
                )
                return False
        return True

    def _explain_lock(self, closure: ScannedClosure, refused: Sequence[ScannedPackage]) -> None:
        names = dict.fromkeys(package.name for package in refused)
        name = PurePosixPath(closure.path).name.lower()
        flag = "--upgrade-package " if name == "uv.lock" else ""
        wanted = " ".join(f"{flag}{shown(each)}" for each in names)
        command = _LOCK_COMMANDS.get(name, "").format(wanted)
        how = f"Run `{command}`, after" if command else "Lock again, after"
        text = f"A lock is not rewritten here. {how} raising what the project asks for if need be."
        self.unfixed.append(Unfixed(closure.name, closure.path, text))

    def _give_up(self, closure: ScannedClosure, text: str) -> None:
        self.unfixed.append(Unfixed(closure.name, closure.path, text))


def _fixes(direct: Direct, refused: Iterable[ScannedPackage]) -> tuple[str, ...]:
    """Name the findings of the packages that a requirement brings in."""
    rules = [
        judged.finding.rule
        for package in refused
        if package.name == direct.name
        or any(chain.direct.place == direct.place for chain in package.chains)
        for judged in package.refusing
    ]
    return tuple(dict.fromkeys(rules))
