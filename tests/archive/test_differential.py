"""What the gate lets through leaves the same files whichever reader unpacks it.

The long run is `./shell/run-benchmark.sh differential`.
"""

from pathlib import Path
from random import Random

import pytest

from tests.archive.differential import MAKERS, differences

QUICK = {"tar": 100, "zip": 100, "wheel": 60}
"""Archives of each kind."""
WITH_UV = 10
"""uv, a program that starts anew each time, reads one in so many."""


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_let_through_is_the_same_for_every_reader(kind: str, tmp_path: Path) -> None:
    make, readers = MAKERS[kind]
    let_through = 0
    for seed in range(QUICK[kind]):
        filename, data = make(Random(seed))
        used = {name: read for name, read in readers.items() if name != "uv" or not seed % WITH_UV}
        found = differences(filename, data, used, tmp_path)
        assert not found, (seed, found)
        let_through += found is not None
    assert let_through >= QUICK[kind] // 10
