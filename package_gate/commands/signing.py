"""Who signs: the options for it, and what they mean."""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path

from package_gate.attestations.attestor import DEFAULT_DAYS, DEFAULT_VERIFIER, Attestor
from package_gate.attestations.interface import Signer
from package_gate.aws.session import AWSSession
from package_gate.commands.options import Arguments, TakesArguments

FILE, KMS = "file:", "kms:"
KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:key/[a-z0-9-]+")
URI = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]{1,200}", re.IGNORECASE)
MAX_DAYS = 90


def add_signing(parser: TakesArguments, environ: Mapping[str, str]) -> None:
    """Add `--signer`, `--verifier` and `--standing-days`."""
    given = Arguments(parser, environ)
    add_signer(given)
    given.add(
        "--standing-days",
        DEFAULT_DAYS,
        _days,
        "for how many days notebooks may go by a standing list (default: %(default)s)",
    )


def add_signer(given: Arguments) -> None:
    """Add `--signer` and `--verifier`."""
    given.add(
        "--signer",
        "",
        _signer,
        "who signs verdicts: kms:ARN of a key on P-256 in AWS KMS, or file:PATH of a PEM file "
        "(default: nobody)",
    )
    given.add(
        "--verifier",
        DEFAULT_VERIFIER,
        _uri,
        "in whose name, a URI (default: %(default)s)",
    )


def signer_of(text: str) -> Signer:
    """Make a signer of what `--signer` says.

    Raises:
        ConfigurationError: there is no such key, or it can't be used.
    """
    from package_gate.attestations.signers import FileSigner, KMSSigner  # takes a while

    if text.startswith(FILE):
        return FileSigner(Path(text.removeprefix(FILE)))
    arn = text.removeprefix(KMS)
    found = KEY_ARN.fullmatch(arn)
    return KMSSigner(arn, AWSSession(found[1] if found else "").client("kms"))


def attestor_of(options: argparse.Namespace, repository: str) -> Attestor | None:
    """Make what signs verdicts about packages of a repository; None when nobody is to.

    Raises:
        ConfigurationError: as `signer_of`.
    """
    if not options.signer or getattr(options, "dry_run", False):
        return None
    signer = signer_of(options.signer)
    return Attestor(signer, repository, options.verifier, options.standing_days)


def _signer(text: str) -> str:
    named = text.startswith(FILE) and len(text) > len(FILE)
    if text and not named and not (text.startswith(KMS) and KEY_ARN.fullmatch(text[len(KMS) :])):
        raise argparse.ArgumentTypeError(f"{text!r} is neither kms:ARN-OF-A-KEY nor file:PATH")
    return text


def _uri(text: str) -> str:
    if not URI.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no URI, such as {DEFAULT_VERIFIER}")
    return text


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 1 to {MAX_DAYS}")
    return int(text)
