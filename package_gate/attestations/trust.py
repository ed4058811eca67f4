"""The trust file: which keys `notebook/verify.py` believes, from when until when.

It goes to notebooks with their lifecycle script, never through the repository that it is about.
"""

from datetime import datetime
from pathlib import Path

import msgspec

from package_gate.attestations.interface import Signer
from package_gate.core.errors import ConfigurationError


class TrustedKey(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A public key and when its signatures count."""

    keyid: str
    public_key: str
    """PEM."""
    not_before: datetime
    """UTC."""
    not_after: datetime


class Trust(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a notebook believes, about what."""

    verifier: str
    repository: str
    keys: tuple[TrustedKey, ...] = ()

    def with_key(self, signer: Signer, not_before: datetime, not_after: datetime) -> "Trust":
        """Add a key, or give one that is there another time; the others stay as they are."""
        key = TrustedKey(signer.key_id, signer.public_key, not_before, not_after)
        others = (each for each in self.keys if each.keyid != key.keyid)
        return msgspec.structs.replace(self, keys=(*others, key))

    @property
    def content(self) -> bytes:
        """The file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def read_trust(path: Path) -> Trust:
    """Read a trust file.

    Raises:
        ConfigurationError: there is none, or it is something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Trust)
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is no trust file: {error}.") from error
