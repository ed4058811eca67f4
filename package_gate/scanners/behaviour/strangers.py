"""Secrets that code which runs by itself gives to anything, while it talks to a stranger's machine.

Nobody can name all functions that send something: a log, a line of a socket, a name that is looked
up, the address of a database. But who connects to a machine as soon as it is imported, which hardly
any honest package does, has no reason to hand secrets to anything then.
"""

import ast
import re
from collections.abc import Iterator

from package_gate.core.receivers import is_for_strangers
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.dataflow import Call, Flow, Label

Found = tuple[str, tuple[ast.expr, ...]]

_SENT = "sends-secrets"
_SECRETS = {Label.SECRET, Label.LOOT, Label.GATHERED}
_OF_THE_NETWORK = (
    *("socket.", "_socket.", "ssl.", "http.client.", "urllib.request.", "ftplib.", "smtplib."),
    *("poplib.", "imaplib.", "nntplib.", "telnetlib.", "xmlrpc.client.", "xml.sax.", "xml.dom."),
)
"""How the names of modules begin whose functions connect to what they are given."""
_CONNECTS = re.compile(
    r"(?:open|create)_(?:unix_)?connection|create_datagram_endpoint|connect(?:_ex|_tcp)?|sock_connect"
    r"|getfqdn|gethostby\w+|getaddrinfo|\w*(?:HTTP|SMTP|Socket|Datagram|SysLog)Handler"
)
_HOST = re.compile(r"(?:[\w-]+\.)+[a-z][\w-]*\w|\d{1,3}(?:\.\d{1,3}){3}", re.IGNORECASE)
_SECRET = re.compile(
    r"%[A-Z0-9_]*(?:TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_KEY)[A-Z0-9_]*%"
)
"""A variable of the environment that is a secret, as a text shows what is read from it."""
_AT_HOME = re.compile(r"localhost|127\.|0\.0\.0\.0|10\.|192\.168\.|::1|169\.254\.")
_AFTER = re.compile(r"[^\w.-]*\.((?:[\w-]+\.)+[a-z][\w-]*\w)$", re.IGNORECASE)
"""How a name ends of which the beginning is not known."""
_MAKES = re.compile(
    r"(?:.*\.)?(?:dict|list|tuple|set|frozenset|str|bytes|bytearray|repr|ascii|format|len|sorted|map"
    r"|filter|zip|enumerate|iter|next|any|all|bool|int|isinstance|getattr|hasattr|join|split\w*"
    r"|strip|encode|decode|hex|hexlify|quote\w*|urlencode|\w*dumps|\w*b(?:16|32|64|85)encode|get"
    r"|items|keys|values|copy|setdefault|pop|replace|lower|upper"
    r"|startswith|endswith|compress|getenv|expandvars|expanduser|Path|StringIO|BytesIO|sha\d+|md5)"
)
"""Functions that make something of what they are given, and keep it here."""


def of_secrets_beside_strangers(flow: Flow) -> Iterator[Found]:
    """Yield the calls that are given secrets in a file which connects to a stranger's machine."""
    far = [call for call in flow.calls if _names_a_stranger(call, flow)]
    if not far:
        return
    connects = any(_connects(call) for call in far)
    for call in flow.calls if connects else far:
        own = any(name in flow.expressions.functions for name in call.names)
        if own or (call.names and all(map(_MAKES.fullmatch, call.names))):
            continue
        given = _given_away(call)
        if flow.labels(*given) & _SECRETS if connects else any(_shows(e, flow) for e in given):
            yield _SENT, (call.node,)


def _given_away(call: Call) -> list[ast.expr]:
    """Give the arguments of a call but for the environment that a program is started in."""
    starts = call.does(tables.STARTS)
    named = [value for key, value in call.keywords if not (starts and key == "env")]
    return [*call.arguments, *named]


def _connects(call: Call) -> bool:
    last = call.last_names
    return (
        any(name.startswith(_OF_THE_NETWORK) for name in call.names)
        or any(map(_CONNECTS.fullmatch, last))
        or call.does_any(frozenset({tables.SENDS, tables.RECEIVES, tables.LOOKS_UP}))
    )


def _names_a_stranger(call: Call, flow: Flow) -> bool:
    """Whether a call is given an address on another machine, or with a connection its name."""
    if any(_is_far(each, flow) for each in call.everything):
        return True
    if not _connects(call):
        return False
    given = [e for each in call.everything for e in (each, *getattr(each, "elts", ()))]
    hosts = [host for each in given for host in flow.text(each).split("\n")]
    return any(
        (_HOST.fullmatch(host) and not _AT_HOME.match(host)) or _AFTER.search(host)
        for host in hosts
        if len(host) < 300
    )


def _shows(expression: ast.expr, flow: Flow) -> bool:
    """Whether a secret stands in an address."""
    lines = flow.text(expression).split("\n")
    return any("//" in line and is_for_strangers(line) and _SECRET.search(line) for line in lines)


def _is_far(expression: ast.expr, flow: Flow) -> bool:
    text = flow.text(expression)
    return "//" in text and is_for_strangers(text)
