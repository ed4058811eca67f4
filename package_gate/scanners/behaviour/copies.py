"""What goes to somebody whom its sender doesn't know of: blind copies, and what is disguised."""

import ast
import re
from collections.abc import Iterator

from package_gate.core.folding import UNKNOWN
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.dataflow import Call, Flow, Label

Found = tuple[str, tuple[ast.expr, ...]]

_COPY = re.compile(r"b?cc(?:_?(?:recipients|addresses|emails?))?", re.IGNORECASE)
_MAILBOX = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PLAIN_HEADERS = re.compile(
    r"if-(?:none-)?match|if-(?:un)?modified-since|user-agent|referer|accept(?:-\w+)?|from|via"
    r"|x-forwarded-for",
    re.IGNORECASE,
)
"""Headers of requests whose values everybody can read."""
_LOGS_IN = tables.Table(
    tuple(
        f"{module}().login"
        for module in ("smtplib.SMTP", "smtplib.SMTP_SSL", "ftplib.FTP", "ftplib.FTP_TLS",
                       "imaplib.IMAP4_SSL")
    )
)  # fmt: skip
_CONNECTS = tables.Table(
    ("pymongo.MongoClient", "motor.motor_asyncio.AsyncIOMotorClient", "redis.from_url",
     "redis.Redis.from_url", "sqlalchemy.create_engine", "psycopg2.connect", "psycopg.connect",
     "asyncpg.connect", "pika.URLParameters")
)  # fmt: skip
_WITH_A_PASSWORD = re.compile(
    rf"\w://[^/\s:@%{UNKNOWN}]+:[^/\s@%{UNKNOWN}]{{4,}}@(?!localhost\b|127\.|0\.0\.)[\w-]+(?:\.[\w-]+)+"
)
"""An address elsewhere with a name and a password."""
_EVERYBODY = {"anonymous", "guest", "user", "test", "ftp"}
_SHORT = 4
_DOMAIN = re.compile(rf"{UNKNOWN}[^\s{UNKNOWN}]*\.[a-z0-9-]+\.[a-z]{{2}}")
"""Something unknown below a domain."""
_MAILS = {"sendmail": 1, "send_message": 2}
"""Method → where it is given whom it sends a message to."""
_RECEIVERS = {"to_addrs", "recipients", "receivers"}


def of_copies(flow: Flow) -> Iterator[Found]:
    """Yield what sends a copy to an address that stands in the code, or something in disguise."""
    sends = any(call.does(tables.SENDS) or call.does(tables.DELIVERS) for call in flow.calls)
    for name, value in _named(flow):
        text = flow.text(name)
        if _COPY.fullmatch(text) and _MAILBOX.search(flow.text(value)):
            yield "sends-to-a-drop", (value,)
        elif sends and _PLAIN_HEADERS.fullmatch(text) and Label.DISGUISED in flow.labels(value):
            yield "sends-in-disguise", (value,)
    encodes = any(
        call.does(tables.ENCODES) or getattr(call.node.func, "attr", "") == "hex"
        for call in flow.calls
    )
    for call in flow.calls:
        if _logs_in_as_its_author(call, flow):
            yield "sends-to-a-drop", (call.node,)
        if _has_a_receiver_more(call, flow):
            yield "sends-to-a-drop", (call.node,)
        asks = encodes and call.does(tables.LOOKS_UP)
        named = asks and _DOMAIN.search(flow.text(*call.everything))
        if named and Label.DISGUISED in flow.labels(*call.everything):
            yield "sends-in-disguise", (call.node,)
        if encodes and "print" in call.names:
            labels = flow.labels(*call.everything)
            if {Label.LOOT, Label.DISGUISED} <= labels:
                yield "shows-secrets", (call.node,)


def _named(flow: Flow) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield the fields of messages and requests: names with values."""
    for node in flow.of_kind(ast.Dict):
        yield from ((key, value) for key, value in zip(node.keys, node.values, strict=True) if key)
    for _, name, value in flow.items_set():
        yield name, value
    for call in flow.calls:
        function = call.node.func
        if isinstance(function, ast.Attribute) and function.attr in ("add_header", "putheader"):
            yield from [call.arguments[:2]] if len(call.arguments) > 1 else ()  # type: ignore[misc]
        for key, value in call.keywords:
            if _COPY.fullmatch(key):
                yield ast.copy_location(ast.Constant(key), value), value
    for assigned in flow.of_kind(ast.Assign):
        for target in assigned.targets:
            if isinstance(target, ast.Attribute) and _COPY.fullmatch(target.attr):
                yield ast.copy_location(ast.Constant(target.attr), target), assigned.value


def _logs_in_as_its_author(call: Call, flow: Flow) -> bool:
    """Whether the name and the password stand in the code, for a mailbox or a server elsewhere."""
    if call.does(_LOGS_IN) and len(call.arguments) > 1:
        name, password = map(flow.text, call.arguments[:2])
        known = UNKNOWN not in name + password and "%" not in name + password
        return known and len(password) > _SHORT and name.lower() not in _EVERYBODY
    if call.does(_CONNECTS):
        given = flow.text(
            *call.arguments[:1], *(v for k, v in call.keywords if k in ("host", "url"))
        )
        return _WITH_A_PASSWORD.search(given) is not None
    return False


def _has_a_receiver_more(call: Call, flow: Flow) -> bool:
    """Whether a message goes to those who were given, and to one who stands in the code."""
    function = call.node.func
    method = function.attr if isinstance(function, ast.Attribute) else ""
    if method not in _MAILS:
        return False
    place = _MAILS[method]
    given = [*call.arguments[place : place + 1]]
    given += [value for key, value in call.keywords if key in _RECEIVERS]
    for each in given:
        value = next(iter(flow.feeds(each.id)), each) if isinstance(each, ast.Name) else each
        parts = value.elts if isinstance(value, ast.List | ast.Tuple | ast.Set) else []
        if isinstance(value, ast.BinOp):
            parts = [value.left, value.right]
        fixed = [bool(_MAILBOX.search(flow.text(part))) for part in parts]
        if any(fixed) and not all(fixed):
            return True
    return False
