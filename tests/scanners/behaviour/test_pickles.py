"""A pickle of data alone asks for nothing; whatever else there is counts as a program."""

import collections
import pickle
from pathlib import Path

import pytest

from package_gate.core.pickles import MAX_BYTES, is_no_pickle, is_plain_data
from package_gate.scanners.behaviour.own_files import Named, OwnFiles

DATA = {"a": [1, 2.5, None, True, "x" * 300, b"y"], ("b", 1): [{}, [], ()]}
DATA["itself"] = [DATA]


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
def test_data_is_plain(protocol: int) -> None:
    assert is_plain_data(pickle.dumps(DATA, protocol))


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(S'id'\ntR.",
        b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R.",
        pickle.dumps(collections.Counter("a")),
        pickle.dumps(print, 2),
        pickle.dumps(1) + pickle.dumps(print),
        pickle.dumps([1, 2])[:-1],
        pickle.dumps(DATA, 0),
        b"\x80\x04\x82\x01.",
        b"\x80\x04\x95",
        b"\x80",
        b"",
        b"\x80\x04" + b"N0" * (MAX_BYTES // 2) + b"N.",
    ],
    ids=range(12),
)
def test_anything_else_is_not(content: bytes) -> None:
    assert not is_plain_data(content)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"Scalars: a table of numbers\n",
        b"declare function load(): void;\n",
        b"tables of rows\n",
        b"b(cos\nsystem\n",
        b"Psomething\ncos\nsystem\n(S'id'\ntR.",
    ],
)
def test_what_ends_before_it_calls_anything_is_none(content: bytes) -> None:
    with pytest.raises((pickle.UnpicklingError, IndexError, AttributeError)):
        pickle.loads(content)
    assert is_no_pickle(content)


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(S'id'\ntR.",
        b"(S'id'\nios\nsystem\n.",
        b"N0(lp0\n0cos\nsystem\n(S'id'\ntR.",
        b"(dcos\nsystem\n(S'id'\ntR.",
        b"S'Scalars'\n0cos\nsystem\n(S'id'\ntR.",
    ],
)
def test_what_calls_something_later_may_be_one(content: bytes) -> None:
    assert not is_no_pickle(content)


def test_data_that_is_unpickled_is_no_program_and_a_program_is(tmp_path: Path) -> None:
    unpickled = Named(("table.dat",), pickled=True)

    def with_file(content: bytes) -> OwnFiles:
        (tmp_path / "table.dat").write_bytes(content)
        return OwnFiles(["table.dat"], tmp_path)

    data, program = with_file(pickle.dumps(DATA)), pickle.dumps(print)
    assert not data.has_run(unpickled, certainly=True)
    assert data.has_run(Named(("table.dat",)), certainly=True)
    other = with_file(program)
    assert other.has_run(unpickled, certainly=True)
    assert other.digest != with_file(pickle.dumps(DATA)).digest
