"""The kept corpus: inputs that once reached new code, or broke something; one base64 a line."""

import base64
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"


def read(target: str) -> list[bytes]:
    """Give a target's kept inputs."""
    path = FOLDER / f"{target}.txt"
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    return [base64.b64decode(line, validate=True) for line in lines]


def write(target: str, inputs: list[bytes]) -> None:
    """Keep these inputs, the shortest first."""
    lines = [base64.b64encode(each).decode() for each in sorted(set(inputs), key=_short_first)]
    (FOLDER / f"{target}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def _short_first(data: bytes) -> tuple[int, bytes]:
    return len(data), data
