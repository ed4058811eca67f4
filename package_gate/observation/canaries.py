"""Canaries: credentials that open nothing and stand nowhere else, and finding them again."""

import base64
import binascii
import re
import secrets
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import pairwise
from urllib.parse import unquote_to_bytes

HOME = "/home/jovyan"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_MOST_BYTES = 1 << 20
_MOST_READ_BYTES = 16 << 20
"""Of all that something sent may mean."""
_DEPTH = 4
_MISSING = 4
"""How many characters of a value may be missing at an end."""
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}[:\s]?){8,}")
_BASE32 = re.compile(rb"[A-Za-z2-7]{16,}")

FILES = {
    "aws": (
        ".aws/credentials",
        "[default]\naws_access_key_id = AKIA{short}\naws_secret_access_key = {value}\n",
    ),
    "ssh": (
        ".ssh/id_ed25519",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{value}\n-----END OPENSSH PRIVATE KEY-----\n",
    ),
    "pip": (
        ".config/pip/pip.conf",
        "[global]\nextra-index-url = https://build:{value}@packages.corp.example/simple\n",
    ),
    "pypirc": (".pypirc", "[pypi]\nusername = __token__\npassword = pypi-{value}\n"),
    "git": (".git-credentials", "https://build:{value}@git.corp.example\n"),
    "netrc": (".netrc", "machine git.corp.example login build password {value}\n"),
    "npm": (".npmrc", "//registry.corp.example/:_authToken={value}\n"),
    "kube": (
        ".kube/config",
        "apiVersion: v1\nusers:\n- name: admin\n  user:\n    token: {value}\n",
    ),
    "docker": (".docker/config.json", '{{"auths": {{"corp.example": {{"auth": "{value}"}}}}}}\n'),
    "browser": (".mozilla/firefox/default/logins.json", '{{"logins": ["{value}"]}}\n'),
    "chrome": (".config/google-chrome/Default/Login Data", "SQLite format 3 {value}\n"),
    "wallet": (".bitcoin/wallet.dat", "{value}\n"),
    "ethereum": (".ethereum/keystore/key.json", '{{"crypto": "{value}"}}\n'),
    "history": (".bash_history", "export DB_PASSWORD={value}\n"),
    "dotenv": (".env", "SECRET_KEY={value}\n"),
}
"""What a canary is → its file below the home folder, and what stands in it."""
VARIABLES = {
    "variable AWS_SECRET_ACCESS_KEY": "AWS_SECRET_ACCESS_KEY",
    "variable GITHUB_TOKEN": "GITHUB_TOKEN",
    "variable DATABASE_PASSWORD": "DATABASE_PASSWORD",
}
METADATA = "instance metadata"
HOST = "name of the host"


def make() -> dict[str, str]:
    """Make values, each by what it is; 32 characters, but for the host's name."""
    names = [*FILES, *VARIABLES, METADATA]
    values = {name: "".join(secrets.choice(_LETTERS) for _ in range(32)) for name in names}
    return {**values, HOST: f"nb-{secrets.token_hex(6)}"}


def files(values: Mapping[str, str]) -> dict[str, str]:
    """Give the files with canaries: path below the home folder → content."""
    return {
        path: text.format(value=values[name], short=values[name][:16])
        for name, (path, text) in FILES.items()
    }


def owner(path: str) -> str | None:
    """Say which canary stands in a file, by its absolute path."""
    for name, (below, _) in FILES.items():
        if path == f"{HOME}/{below}":
            return name
    return None


def within(sent: bytes, values: Mapping[str, str]) -> set[str]:
    """Say which canaries are in something that was sent, in the clear or encoded.

    Base64, base32, hexadecimal, percent, reversed, a byte XORed to all, and compressed, also one in
    the other.
    """
    sought = {name: value.encode().lower() for name, value in values.items()}
    found: set[str] = set()
    for text in _readings(sent[:_MOST_BYTES]):
        low = text.lower()
        found |= {name for name, value in sought.items() if _is_in(value, low)}
    return found | _xored(sent[:65536], sought)


def _is_in(value: bytes, text: bytes) -> bool:
    """Whether most of a value stands in a text: an encoding may lose an end of it."""
    return any(
        piece in text or piece[::-1] in text for piece in (value[:-_MISSING], value[_MISSING:])
    )


def _readings(sent: bytes) -> Iterator[bytes]:
    """Give the bytes, and all that they may mean."""
    seen: set[bytes] = set()
    left = _MOST_READ_BYTES
    level = [sent]
    for _ in range(_DEPTH):
        following: list[bytes] = []
        for text in level:
            if text in seen or left < 0:
                continue
            seen.add(text)
            left -= len(text)
            yield text
            following += _decodings(text)
        level = following


def _decodings(text: bytes) -> Iterator[bytes]:
    if b"%" in text:
        yield unquote_to_bytes(text.replace(b"+", b" "))
    for run in _BASE64.findall(text):
        # What stands before a text shifts it by up to three characters.
        for start in range(4):
            piece = run[start:].translate(bytes.maketrans(b"-_", b"+/"))
            with suppress(binascii.Error):
                yield base64.b64decode(_padded(piece, 4))
    joined = re.sub(rb"[\r\n]", b"", text)
    if joined != text:
        yield joined
    for run in _HEX.findall(text):
        with suppress(ValueError):
            digits = re.sub(rb"[:\s]", b"", run)
            yield bytes.fromhex(digits[: len(digits) // 2 * 2].decode())
    for run in _BASE32.findall(text):
        with suppress(binascii.Error):
            yield base64.b32decode(_padded(run, 8), casefold=True)
    yield from _unpacked(text)


def _padded(text: bytes, group: int) -> bytes:
    """Fill the last group up, or leave off what can't be one."""
    if (len(text) % group) in (1, 6):
        text = text[:-1]
    return text + b"=" * (-len(text) % group)


def _unpacked(text: bytes) -> Iterator[bytes]:
    for start in (
        match.start() for match in re.finditer(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]", text)
    ):
        bits = 31 if text[start] == 0x1F else 15
        with suppress(zlib.error):
            yield zlib.decompressobj(bits).decompress(text[start:], _MOST_BYTES)


def _xored(sent: bytes, sought: Mapping[str, bytes]) -> set[str]:
    """Look for a value of which each byte is XORed with the same one: differences stay."""
    differences = bytes(a ^ b for a, b in pairwise(sent))
    found = set()
    for name, value in sought.items():
        for spelled in (value, value.upper()):
            if bytes(a ^ b for a, b in pairwise(spelled)) in differences:
                found.add(name)
    return found
