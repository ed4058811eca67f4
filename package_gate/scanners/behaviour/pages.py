"""What web pages do that a package makes or brings: of JavaScript only what reaches for wallets,
for the token of Jupyter's page, or has a kernel start programs."""

import ast
import re
from collections.abc import Iterator

from package_gate.scanners.behaviour.dataflow import Flow

Found = tuple[str, tuple[ast.expr, ...]]

WORDS = (b"ethereum", b"solana", b"bc1", b"0x[a-f", b"0x[A-F", b"[13][a-k", b"eth_send", b"{40}")
"""One of these is in every page that the patterns match."""
_SHORT = 60
_ASKS = (
    r"(?:eth_requestAccounts|eth_sendTransaction|personal_sign|eth_signTypedData\w*|setApprovalForAll"
    r"|window\.(?:ethereum|solana|phantom)\b|sign(?:All)?Transactions?\b)"
)
_ELSEWHERE = (
    r"(?:\bto\s*:\s*['\"`](?:0x[0-9a-fA-F]{40}|[1-9A-HJ-NP-Za-km-z]{32,44})['\"`]"
    r"|\.src\s*=\s*['\"`]https?://[^'\"`]*['\"`])"
)
_TAKES = re.compile(rf"{_ASKS}.{{0,800}}?{_ELSEWHERE}|{_ELSEWHERE}.{{0,800}}?{_ASKS}", re.DOTALL)
"""Asks a wallet, and sends to an address that stands there, or loads a script from elsewhere."""
_LOOKS_FOR = (
    r"(?:0x\[[a-fA-F0-9\-]{6,}\]\{40\}|bc1\)?[\[|(]|bc1q?\[|\[13\]\)?\[[a-kA-H]|\[13\]\{1\}\[a-k|\(bc1\|"
    r"|0x\)?\[[a-fA-F0-9\-]{6,}\]\{40\})"
)
_SWAPS = re.compile(
    r"(?:window\.fetch|globalThis\.fetch|XMLHttpRequest\.prototype\.\w+|\bfetch)\s*=[^=]"
)
_ADDRESS_SOUGHT = re.compile(_LOOKS_FOR)
_WALLET = re.compile(r"^(?:0x[0-9a-fA-F]{40}|bc1[0-9a-z]{20,60}|[13][1-9A-HJ-NP-Za-km-z]{25,34})$")


_TOKEN = rb"(?:jupyter-config-data|PageConfig\.get\w+\(\s*['\"]token|document\.cookie)"
_AWAY = (
    rb"(?:\bfetch\s*\(|\.open\s*\(|sendBeacon\s*\(|\.src\s*=|location(?:\.href)?\s*=|WebSocket\s*\()"
    rb"[^;\n]{0,60}?(?:https?|wss?)://(?!localhost|127\.)[\w-]+(?:\.[\w-]+)*\.\w"
)
_GIVES_AWAY = re.compile(
    rb"%b[^\0]{0,400}?%b|%b[^\0]{0,200}?%b" % (_TOKEN, _AWAY, _AWAY, _TOKEN), re.IGNORECASE
)
"""Reads what proves to Jupyter who somebody is, and sends something to an address beside it."""
_BY_KERNEL = re.compile(
    rb"(?:kernel|session)\w*\.(?:execute|requestExecute)\s*\([^\n]{0,200}?"
    rb"\b(?:os\.system|os\.popen|subprocess|__import__|urlopen|exec\s*\()",
)
"""Has the kernel of a notebook start a program, or run more code."""


def harm_of_page(page: bytes) -> Iterator[tuple[str, str]]:
    """Give what a page does to the notebook that shows it: the rules, and where."""
    for rule, pattern in (("sends-secrets", _GIVES_AWAY), ("hands-over-a-command", _BY_KERNEL)):
        if found := pattern.search(page):
            yield rule, found[0].decode("utf-8", "replace")


def reaches_for_wallets(page: str) -> str:
    """Give where a page takes from wallets, or changes their addresses; "" when it does not."""
    if taken := _TAKES.search(page):
        return taken[0]
    swaps = _SWAPS.search(page)
    sought = _ADDRESS_SOUGHT.search(page)
    if swaps and sought and ".replace" in page:
        return page[sought.start() : sought.start() + 80]
    return ""


def of_pages(flow: Flow) -> Iterator[Found]:
    """Yield texts of pages that reach for wallets, and what changes their addresses in texts."""
    for node in flow.of_kind(ast.Constant):
        text = node.value if isinstance(node.value, str) else ""
        if len(text) > _SHORT and _has_words(text) and reaches_for_wallets(text):
            yield "reaches-for-wallets", (node,)
        if len(text) > _SHORT:
            yield from (
                (rule, (node,)) for rule, _ in harm_of_page(text.encode("utf-8", "replace"))
            )
    for call in flow.calls:
        if getattr(call.node.func, "attr", "") in ("sub", "subn"):
            pattern = flow.text(call.node.func, *call.arguments)
            if isinstance(call.node.func, ast.Attribute):
                made = flow.expressions.values.get(getattr(call.node.func.value, "id", ""), [])
                pattern += " ".join(flow.text(*m.args) for m in made if isinstance(m, ast.Call))
            texts = [flow.text(each) for each in call.arguments[:2]]
            if _ADDRESS_SOUGHT.search(pattern) and any(map(_WALLET.match, texts)):
                yield "reaches-for-wallets", (call.node,)


def _has_words(text: str) -> bool:
    return any(word.decode() in text for word in WORDS)
