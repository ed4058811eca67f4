"""What somebody tells a package in confidence, and a package sends on without a word.

A client sends a password to its service, and says when that failed. Who sends one on the quiet
doesn't wait for the answer, and says nothing of errors. Nobody sends what a wallet or a card is
opened with.
"""

import ast
import re
from collections.abc import Iterable, Iterator

from package_gate.core.nodes import children, last_name
from package_gate.core.receivers import is_for_strangers
from package_gate.core.scopes import is_local, plain
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.dataflow import Flow

Found = tuple[str, tuple[ast.expr, ...]]

_TOLD = re.compile(
    r"_*(?:\w+_)?(?:pass(?:word|wd|code)s?|pwd?|private_?keys?|priv_?keys?|secret_?keys?|dsn"
    r"|conn(?:ection)?_?str(?:ing)?|credentials?|creds|otp|card_?number|pin_?code|login_?pass"
    r"|authori[sz]ation|auth|cookies?|headers|session_?id)",
    re.IGNORECASE,
)
_NEVER_SENT = re.compile(
    r"_*(?:\w+_)?(?:mnemonic|(?:seed|recovery|secret|backup)_?(?:phrase|words)|pass_?phrase"
    r"|cvv2?|cvc2?|wallet_?key|master_?password)",
    re.IGNORECASE,
)
"""What no service asks for, or only those that are made for it."""
_SEALS = re.compile(
    r"sign|seal|hash|hmac|digest|sha\d|md5|encrypt|derive|pbkdf|scrypt|argon|bcrypt|verify|check|len"
    r"|bool|isinstance|hasattr|from_key|from_mnemonic|load_\w*key|encode_jwt|b58|auth",
    re.IGNORECASE,
)
"""Functions that give something else than the secret that they are given."""
_TAKES_DATA = {"read_text", "read_bytes", "to_csv", "to_parquet", "to_feather", "to_records"}
_OPENED = {f"{opens}().{reads}" for opens in ("open", "io.open") for reads in ("read", "readlines")}
_OF_A_CLIENT = {"headers", "auth", "cookies", "cert", "verify", "timeout", "context", "proxies"}
"""The arguments of a request by which a client says who it is."""
_REQUESTS = {"urllib.request.Request", "urllib2.Request"}
_FAR = 200
"""Expressions that are followed back from one call."""


def of_confidences(flow: Flow) -> Iterator[Found]:
    """Yield what sends a secret that was told to it, to an address that stands in the code."""
    for call in flow.calls:
        if call.does(tables.SENDS) or call.does(tables.DELIVERS):
            given = list(_data(call.node, flow)) if is_for_strangers(flow.address(call)) else []
            quietly = given if given and id(call.node) in flow.quiet else []
        else:
            elsewhere = flow.done_elsewhere(call)
            given = elsewhere.get("sends there", [])
            quietly = elsewhere.get("sends on the quiet", [])
            quietly = given if given and id(call.node) in flow.quiet else quietly
        if (given and _told(given, flow)[1]) or (quietly and _told(quietly, flow)[0]):
            yield "sends-what-it-is-told", (call.node,)


def _told(given: Iterable[ast.AST], flow: Flow) -> tuple[bool, bool]:
    """Tell whether secrets are sent as data: such as clients send, and such as nobody does."""
    waiting: list[ast.AST] = list(given)
    seen = set(map(id, waiting))
    told = False
    for node in waiting:  # it grows meanwhile
        if len(waiting) > _FAR:
            break
        name = ""
        further: Iterable[ast.AST] = ()
        if isinstance(node, ast.Name):
            name = plain(node.id) if is_local(node.id) else ""
            further = flow.feeds(node.id)
        elif isinstance(node, ast.Attribute):
            name = node.attr
            own = isinstance(node.value, ast.Name) and plain(node.value.id) == "self"
            values = flow.expressions.values.get(f".{node.attr}", []) if own else []
            if values and all(isinstance(each, ast.Constant) for each in values):
                name = ""  # it is the package's own
            further = (*values, node.value)
        elif isinstance(node, ast.Call):
            called = last_name(node.func)
            if _SEALS.search(called):
                continue
            if called in _TAKES_DATA or _OPENED & flow.expressions.names(node.func):
                told = True  # what is in somebody's file, or table
            if called in ("get", "pop") and node.args and isinstance(node.args[0], ast.Constant):
                name = str(node.args[0].value)
            further = _data(node, flow)
        elif isinstance(node, ast.Subscript):
            name = str(getattr(node.slice, "value", ""))
            further = children(node)
        elif not isinstance(node, ast.Compare | ast.Lambda | ast.IfExp):
            further = children(node)
        elif isinstance(node, ast.IfExp):
            further = (node.body, node.orelse)
        if _NEVER_SENT.fullmatch(name):
            return True, True
        told = told or _TOLD.fullmatch(name) is not None
        new = [each for each in further if id(each) not in seen]
        seen.update(map(id, new))
        waiting += new
    return told, False


def _data(call: ast.Call, flow: Flow) -> Iterator[ast.expr]:
    """Yield what a call is given, but for what tells who a client is."""
    given = call.args
    if _REQUESTS & flow.expressions.names(call.func):
        given = given[:2]
    yield from given
    yield from (each.value for each in call.keywords if each.arg not in _OF_A_CLIENT)
    if isinstance(call.func, ast.Attribute):
        yield call.func.value  # `text.encode()`
