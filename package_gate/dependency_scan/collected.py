"""What is gathered from a repository's dependency files, with everything wrong about them."""

from package_gate.dependency_scan.models import Problem, RequirementSet, ScannedClosure
from package_gate.dependency_scan.repository import Checkout

MAX_PROBLEMS = 100
"""Told of one file; more are counted."""


class Collected:
    """What a repository asks for."""

    def __init__(self, repository: Checkout) -> None:
        self.repository = repository
        self.files: list[str] = []
        """Dependency files that were read."""
        self.projects: set[str] = set()
        """Paths of the `pyproject.toml` among the dependency files."""
        self.says_what_is_installed = False
        """Whether any file does, be it that nothing is."""
        self.sets: list[RequirementSet] = []
        self.locks: list[ScannedClosure] = []
        self.notes: list[str] = []
        self._problems: dict[str, dict[Problem, None]] = {}

    @property
    def problems(self) -> list[Problem]:
        """Each once, at most `MAX_PROBLEMS` for each file."""
        told: list[Problem] = []
        for path, problems in self._problems.items():
            told += list(problems)[:MAX_PROBLEMS]
            if (more := len(problems) - MAX_PROBLEMS) > 0:
                told.append(Problem(path, None, f"There are {more:,} more such lines."))
        return told

    def add_problems(self, *problems: Problem) -> None:
        """Remember what can't be determined."""
        for problem in problems:
            self._problems.setdefault(problem.path, {})[problem] = None

    def read(self, path: str) -> bytes | None:
        """Read a file of the repository; None, and a problem told, when it can't be."""
        data = self.repository.read(path)
        if isinstance(data, Problem):
            self.add_problems(data)
            return None
        self.files.append(path)
        return data
