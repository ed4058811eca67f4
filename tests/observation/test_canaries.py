"""Canaries are found again however they are sent."""

import base64
import gzip
import zlib
from collections.abc import Callable
from urllib.parse import quote

import pytest

from package_gate.observation import canaries

VALUES = canaries.make()
SECRET = VALUES["aws"].encode()

ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda text: text,
    "base64": base64.b64encode,
    "base64 within a text": lambda text: b'{"a": "' + base64.b64encode(b"xy" + text) + b'"}',
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(b"\xff\xfe" + text),
    "base32": base64.b32encode,
    "hexadecimal": lambda text: text.hex().encode(),
    "hexadecimal with colons": lambda text: text.hex(":").encode(),
    "percent": lambda text: "".join(f"%{byte:02X}" for byte in text).encode(),
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "gzip in base64": lambda text: base64.b64encode(gzip.compress(text)),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(text)),
    "base64 in an address": lambda text: quote(base64.b64encode(text), safe="").encode(),
    "backwards": lambda text: text[::-1],
    "XORed by a byte": lambda text: bytes(byte ^ 0x5A for byte in text),
    "small letters": bytes.lower,
    "lines of base64": lambda text: base64.encodebytes(b"x" * 50 + text),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_canary_is_found_in_what_is_sent(encoding: str) -> None:
    sent = b"head " + ENCODINGS[encoding](b"key=" + SECRET + b";") + b" tail"

    assert canaries.within(sent, VALUES) == {"aws"}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_nothing_is_found_where_none_is(encoding: str) -> None:
    assert canaries.within(ENCODINGS[encoding](b"A" * 200 + bytes(range(256))), VALUES) == set()


def test_values_stand_nowhere_else() -> None:
    assert len({*VALUES.values(), *canaries.make().values()}) == 2 * len(VALUES)


def test_each_file_is_its_canarys() -> None:
    for path, text in canaries.files(VALUES).items():
        owner = canaries.owner(f"{canaries.HOME}/{path}")

        assert owner is not None
        assert VALUES[owner] in text
    assert canaries.owner("/etc/passwd") is None


def test_a_bomb_of_decodings_ends() -> None:
    bomb = gzip.compress(gzip.compress(bytes(50_000_000)))

    assert canaries.within(bomb * 20, VALUES) == set()
