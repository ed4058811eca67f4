"""Whom something is sent to, as far as the code says.

A container that shows its token to its own cluster, and a program that asks the machine that it
runs on, tell nobody anything. What proves to others which job this is may be shown to the services
that ask for it.
"""

import re

from package_gate.core.folding import UNKNOWN

_HOSTS = re.compile(r"//(?:[^/\s?#@]*@)?([^/\s?#]*)")
_HOME = re.compile(
    r"(?:\[?%KUBERNETES_SERVICE_HOST%\]?|kubernetes\.default(?:\.svc(?:\.cluster\.local)?)?|localhost"
    r"|127\.\d+\.\d+\.\d+|\[::1\]|169\.254\.169\.254|169\.254\.170\.2|metadata\.google\.internal)"
    r"(?::[^@]*)?",
    re.IGNORECASE,
)
"""This machine, the cluster that it is a part of, and its cloud's metadata service."""
_ASK_WHO_IT_IS = re.compile(
    r"(?:[\w-]+\.)*(?:pypi\.org|sigstore\.dev|sigstage\.dev|amazonaws\.com|googleapis\.com"
    r"|microsoftonline\.com|azure\.com|visualstudio\.com|github\.com|githubusercontent\.com"
    r"|gitlab\.com|anaconda\.org|npmjs\.org|crates\.io|rubygems\.org|kaggle\.com|huggingface\.co|hf\.co"
    r"|docker\.io|docker\.com|ghcr\.io|quay\.io|google\.com)(?::\d+)?",
    re.IGNORECASE,
)
"""Hosts of the services whose keys and identities these are."""


_NUMBERS = re.compile(
    r"(?!0|10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)"
    r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d+)?"
)
"""An address of the internet without a name."""


def has_no_name(address: str) -> bool:
    """Whether an address, or one of several, is a number: no service of good standing is."""
    return any(map(_NUMBERS.fullmatch, _HOSTS.findall(address)))


def stays_home(address: str) -> bool:
    """Whether an address is one of this machine or its own cluster; of several, each."""
    hosts = _HOSTS.findall(address)
    return bool(hosts) and all(map(_HOME.fullmatch, hosts))


def is_for_strangers(address: str) -> bool:
    """Whether an address stands in the code of somebody who has no use for a job's identity."""
    known = [each for each in _HOSTS.findall(address) if "." in each and "%" not in each]
    foreign = [each for each in known if UNKNOWN not in each and not _HOME.fullmatch(each)]
    return any(not _ASK_WHO_IT_IS.fullmatch(each) for each in foreign)
