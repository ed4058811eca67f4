"""The quick part of the fuzzing: the kept corpus, and mutations of it from a fixed seed.

The long part is `./shell/run-benchmark.sh fuzz`.
"""

import shutil
from collections.abc import Iterator

import pytest

from tests.fuzz import corpus
from tests.fuzz.mutations import mutations
from tests.fuzz.targets import ROOM, TARGETS

MUTATIONS = 150
"""For each target and each point of its weight."""


@pytest.fixture(scope="module", autouse=True)
def _room() -> Iterator[None]:
    yield
    shutil.rmtree(ROOM, ignore_errors=True)
    ROOM.mkdir()


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_what_was_found_before_holds(name: str) -> None:
    for data in (*TARGETS[name].seeds, *corpus.read(name)):
        TARGETS[name].run(data)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_mutations_of_it_hold(name: str) -> None:
    target = TARGETS[name]
    inputs = (*target.seeds, *corpus.read(name))
    for data in mutations(inputs, MUTATIONS * target.weight, seed=1, longest=target.longest):
        try:
            target.run(data)
        except Exception as error:
            raise AssertionError(f"{name} fails on {data!r}") from error


def test_the_corpus_is_small_and_belongs_to_targets() -> None:
    files = sorted(corpus.FOLDER.glob("*.txt"))

    assert {file.stem for file in files} <= set(TARGETS)
    assert sum(file.stat().st_size for file in files) < 200_000
