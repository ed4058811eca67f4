"""The addresses that stand in a text: whom code sends something to, or fetches it from."""

import re
from functools import cache

from publicsuffixlist import PublicSuffixList

from package_gate.core.finding import fingerprint_of

_URL = re.compile(r"//(?:[^/\s'\"<>?#@]*@)?([^\s'\"<>?#()\[\]{},;`\\|]*)")
_NUMBERS = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?![\w.])")
"""An address of IPv4. Three numbers are a version, like the package's own."""
_BARE = re.compile(
    r"(?:\A|(?<=['\"]))((?:[a-z0-9_-]{1,63}\.){1,9}(?:com|net|org|info|biz|xyz|top|site|online|live|link|click"
    r"|cloud|tech|shop|store|space|icu|club|dev|app|pro|work|world|today|life|fun|website|host"
    r"|example|test|invalid|onion|(?!py\b|md\b|js\b|gz\b|so\b|db\b|sh\b|rs\b|ts\b|in\b|id\b)[a-z]{2}))"
    r"(?=\Z|['\":/])",
    re.IGNORECASE,
)
"""A text, or one in quotes, that begins with a host's name. Domains that are endings of files as
well need a `//` before them."""
_QUOTED = re.compile(
    r"""(?<=['"])(?:\w{1,20}:)?//[^\s'"]{1,300}|(?<=['"])[\w.-]{4,255}(?=['":/])"""
)
"""What begins a text in quotes and may be an address."""
_SHARED = re.compile(
    r"(?:[\w-]+\.)*(?:github\.com|githubusercontent\.com|gitlab\.com|bitbucket\.org|s3[\w.-]*\.amazonaws\.com"
    r"|googleapis\.com|google\.com|huggingface\.co|hf\.co|kaggle\.com|pypi\.org|pythonhosted\.org"
    r"|npmjs\.(?:org|com)|unpkg\.com|jsdelivr\.net|docker\.(?:io|com)|ghcr\.io|quay\.io|pastebin\.com|paste\.[\w.]+|rentry\.\w+"
    r"|hastebin\.com|telegram\.org|t\.me|discord(?:app)?\.com|slack\.com|webhook\.site|dropbox\w*\.com"
    r"|transfer\.sh|file\.io|0x0\.st|termbin\.com|gofile\.io|anonfiles?\.\w+|tmpfiles\.org|oshi\.at|catbox\.moe"
    r"|temp\.sh|filebin\.net|pixeldrain\.com|ipfs\.io|imgur\.com|notion\.\w+|airtable\.com|formspree\.io"
    r"|zapier\.com|ifttt\.com|ntfy\.sh|pushover\.net|pushbullet\.com|sendgrid\.com|mailgun\.net"
    r"|sentry\.io|posthog\.com|mixpanel\.com|amplitude\.com|segment\.(?:io|com)|google-analytics\.com"
    r"|datadoghq\.\w+|supabase\.\w+|firebaseio\.com|cloudinary\.com|archive\.org|bit\.ly|tinyurl\.com"
    r"|gmail\.com|outlook\.com|office\.com|live\.com|yahoo\.com)(?::\d+)?",
    re.IGNORECASE,
)
"""Hosts where anybody may have an account, a page or a mailbox of their own."""
_PAGES = re.compile(
    r"(?:www\.)?(?:github\.com|arxiv\.org|doi\.org|[\w-]+\.wikipedia\.org|[\w-]+\.readthedocs\.io"
    r"|stackoverflow\.com|(?:docs\.)?python\.org)(?:/.*)?",
    re.IGNORECASE | re.DOTALL,
)
"""What people are sent to, to read on: nobody keeps what is sent there."""
_SENTENCE = 3
"""Words; more are meant for people."""
_FOLDERS = 4
"""Parts of a path that say whose place it is on such a host."""


def addresses_in(text: str) -> set[str]:
    """Give the addresses of a text, in lower case but for paths.

    A host stands for all that is on it. On one that many share the first parts of the path count as
    well, since another path is somebody else's. What is not known of an address is left as it
    stands.
    """
    found = {address for each in _URL.findall(text) if (address := _place(each))}
    found.update(_NUMBERS.findall(text))
    found.update(each.lower() for each in _BARE.findall(text))
    return found


def addresses_in_code(code: str) -> set[str]:
    """Give the addresses with which texts of code begin.

    Remarks don't count: anybody can have a name that only stood in an example.
    """
    return {each for text in _QUOTED.findall(code) for each in addresses_in(text)}


def is_to_read(address: str) -> bool:
    """Whether an address is one of a page, and nothing that is sent there reaches anybody."""
    return _PAGES.fullmatch(address) is not None


def addresses_given(text: str) -> set[str]:
    """Give the addresses of a text, but for those that a sentence tells its reader."""
    words = text.split()
    return addresses_in(words[0] if len(words) > _SENTENCE else text)


def has_one_owner(address: str) -> bool:
    """Whether all that is at an address is one owner's, whatever the path."""
    return not _SHARED.fullmatch(address.partition("/")[0])


def owner_of(address: str) -> str:
    """Give what of an address its owner has registered: all hosts below that are the owner's.

    Below some domains anybody can have a host: the Public Suffix List knows them. What many share
    stays as it is, and so does a number.
    """
    host = address.partition("/")[0].partition(":")[0]
    if "/" in address or host.rpartition(".")[2].isdigit() or not has_one_owner(address):
        return address
    return _suffixes().privatesuffix(host) or address


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def receiver_fingerprint(address: str) -> str:
    """Identify a place in code by whom it leads to; see `core.precedent`."""
    return fingerprint_of(("leads to", owner_of(address)))


def _place(rest: str) -> str:
    """Shorten what stands behind the `//` of an address."""
    host, _, path = rest.partition("/")
    host = host.rstrip(".:").lower()
    if not ("." in host.strip(".") or host[:1].isdigit()):  # nobody can have it, or it is unknown
        return ""
    if not _SHARED.fullmatch(host):
        return host
    return "/".join((host, *[each for each in path.split("/") if each][:_FOLDERS]))
