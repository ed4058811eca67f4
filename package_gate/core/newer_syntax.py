"""Rewrites syntax of newer Pythons in such a way that an older one can parse it.

The gate judges packages for Pythons that may be newer than its own. What they have added since 3.11
can be said in older words, for whoever looks for what is called with what: type parameters are left
out (PEP 695, 696), f-strings and template strings become sums of their parts (PEP 701, 750),
`except A, B` gets its parentheses (PEP 758), `lazy` is left out (PEP 810), and so is the star of
what a comprehension unpacks (PEP 798). Lines keep their numbers.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

NEWEST = (3, 15)
"""The newest Python whose syntax is known here."""

_GAP = r"[ \t\f]*(?:\\\n[ \t\f]*)*"
_NEW = (
    ((3, 12), rf"\btype\b{_GAP}[^\W\d]\w*{_GAP}[=\[]|\b(?:def|class)\b{_GAP}[^\W\d]\w*{_GAP}\["),
    ((3, 14), r"\bexcept\b(?:\\\n|[^\n])*\blambda\b"),
    ((3, 15), rf"\blazy\b{_GAP}(?:from|import)\b"),
)
"""What is in every text that a Python of this version reads, even when it is rewritten, and none
before it does. It stands in others, too. What has a comma behind `except` or unpacks in a
comprehension is rewritten exactly, and is not in here: too much for Python 2 looks like it."""
_NEW_STRINGS = (((3, 12), "f"), ((3, 14), "t"))


def _newer(table: Iterable[tuple[tuple[int, int], str]]) -> list[str]:
    return [pattern for version, pattern in table if version > sys.version_info[:2]]


_CODE = re.compile("|".join(_newer(_NEW)) or r"(?!)")
_LETTERS = "".join(_newer(_NEW_STRINGS))
_STRING = re.compile(rf"\br?[{_LETTERS}]r?['\"]" if _LETTERS else r"(?!)", re.IGNORECASE)
_TOKEN = re.compile(
    r"(?P<gap>[ \t\f]+|\\\n)|(?P<line>\n)|(?P<comment>\#[^\n]*)"
    r"|(?P<prefix>(?:[rbuft]|br|rb|fr|rf|tr|rt)?)(?P<quote>'''|\"\"\"|'|\")"
    r"|(?P<name>[^\W\d]\w*)|(?P<number>[\d.]*\d\w*)|(?P<sign>:=|!=|==|<=|>=|->|\*\*|.)",
    re.IGNORECASE | re.DOTALL,
)
_OPEN, _CLOSE = "([{", ")]}"
_MAX_DEPTH = 100


class _NoCodeError(Exception):
    """No Python reads this."""


@dataclass(slots=True)
class _Token:
    kind: str
    text: str
    line: int = 0
    template: str = ""
    """`f` or `t` for what became of such a string."""


def may_be_newer(text: str, lines: int) -> bool:
    """Whether a Python newer than the running one may parse what this one can't.

    If not, none that is known here does.

    Args:
        text: a file that can't be parsed, not even in older syntax.
        lines: what the parser has read before it gave up.
    """
    read = "\n".join(text.split("\n", lines)[:lines])
    if _CODE.search(read):
        return True
    if not _STRING.search(read):
        return False
    try:
        tokens, end = _tokens(text, 0, 0, "")
    except _NoCodeError:
        return True
    new = (token.template and token.template in _LETTERS for token in tokens if token.line <= lines)
    return end != len(text) or any(new)


def in_older_syntax(text: str) -> str:
    r"""Rewrite a file; lines must end in `\n`.

    What isn't new, or can't be understood, stays as it is.
    """
    try:
        tokens, end = _tokens(text, 0, 0, "")
    except _NoCodeError:
        return text
    return _written(tokens) if end == len(text) else text


def _tokens(text: str, start: int, depth: int, closing: str) -> tuple[list[_Token], int]:
    """Read code up to one of the characters `closing` that stands outside of brackets."""
    if depth > _MAX_DEPTH:
        raise _NoCodeError
    tokens: list[_Token] = []
    brackets, at, line = 0, start, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _NoCodeError
        if match["quote"]:
            token, at = _string(text, match, depth)
            token.line = line
            line += text.count("\n", match.start(), at)
            tokens.append(token)
            continue
        kind, sign = match.lastgroup or "", match[0]
        if kind == "sign":
            colon = sign == ":=" and ":" in closing
            if brackets == 0 and closing and (colon or (len(sign) == 1 and sign in closing)):
                return tokens, at
            brackets += (sign in _OPEN) - (sign in _CLOSE)
        tokens.append(_Token(kind, sign))
        line += sign.count("\n")
        at = match.end()
    return tokens, at


def _string(text: str, match: re.Match[str], depth: int) -> tuple[_Token, int]:
    prefix, quote = match["prefix"].lower(), match["quote"]
    if "f" in prefix or "t" in prefix:
        pieces, end = _pieces(text, match.end(), depth, quote, raw="r" in prefix)
        whole = text[match.start() : end]
        joined = "+".join(pieces) or '""'
        # As many lines as before: what follows must keep its line's number.
        lines = "\n" * (whole.count("\n") - joined.count("\n"))
        kind = "f" if "f" in prefix else "t"
        return _Token("string", f"({joined}{lines})", template=kind), end
    at = match.end()
    while at < len(text) and not text.startswith(quote, at):
        if text[at] == "\n" and len(quote) == 1:
            raise _NoCodeError
        at += 2 if text[at] == "\\" else 1
    if at >= len(text):
        raise _NoCodeError
    return _Token("string", text[match.start() : at + len(quote)]), at + len(quote)


def _pieces(
    text: str, at: int, depth: int, quote: str, *, raw: bool, in_format: bool = False
) -> tuple[list[str], int]:
    """Read an f-string up to its end, or the format of a field up to its brace.

    The rules are those of Python's tokenizer (`tok_get_fstring_mode`).

    Returns:
        The parts, each an expression, and where the text goes on.
    """
    pieces: list[str] = []
    literal = ""
    while at < len(text):
        char, after = text[at], text[at + 1 : at + 2]
        if text.startswith(quote, at) or (in_format and char == "}"):
            break
        if char == "\n" and len(quote) == 1:
            raise _NoCodeError
        if char == "\\" and after not in ("{", "}"):
            named = re.compile(r"\\N\{[^}]*\}").match(text, at) if not raw else None
            length = len(named[0]) if named else 2
            literal, at = literal + text[at : at + length], at + length
        elif char in "{}" and char == after and not in_format:
            literal, at = literal + char, at + 2
        elif char == "{":
            pieces += _literal(literal, quote, raw=raw)
            literal = ""
            found, at = _field(text, at + 1, depth + 1, quote, raw=raw)
            pieces += found
        else:
            literal, at = literal + char, at + 1
    if at >= len(text):
        raise _NoCodeError
    end = at + len(quote) if text.startswith(quote, at) and not in_format else at
    return [*pieces, *_literal(literal, quote, raw=raw)], end


def _field(text: str, start: int, depth: int, quote: str, *, raw: bool) -> tuple[list[str], int]:
    """Read a replacement field up to after its closing brace."""
    tokens, at = _tokens(text, start, depth, "}:!")
    significant = [token for token in tokens if token.kind not in ("gap", "line", "comment")]
    if significant and significant[-1].text == "=":
        significant[-1].text = " "
    pieces = [f"({_written(tokens)})"]
    conversion = re.compile(r"![ \t]*\w*\s*").match(text, at)
    if conversion:
        at = conversion.end()
    if text.startswith(":", at):
        spec, at = _pieces(text, at + 1, depth, quote, raw=raw, in_format=True)
        pieces += spec
    if not text.startswith("}", at):
        raise _NoCodeError
    return pieces, at + 1


def _literal(literal: str, quote: str, *, raw: bool) -> Iterator[str]:
    if not literal:
        return
    value = literal
    if not raw and "\\" in literal:
        odd = (len(literal) - len(literal.rstrip("\\"))) % 2
        try:
            value = str(ast.literal_eval(quote + literal + "\\" * odd + quote))
        except (SyntaxError, ValueError):
            value = literal
    yield repr(value)


def _written(tokens: list[_Token]) -> str:
    """Put tokens together again, without what is newer."""
    kept = [token for token in tokens if token.kind not in ("gap", "comment")]
    places = {id(token): place for place, token in enumerate(tokens)}
    depth = 0
    begins, extras = True, []
    for number, token in enumerate(kept):
        if token.kind == "sign":
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
        rest = kept[number + 1 : number + 3]
        names = [each.text for each in rest]
        if token.text in ("def", "class") and names[1:] == ["["]:
            extras += _leave_out_parameters(tokens, places[id(rest[1])])
        elif begins and token.text == "type" and names[1:] in (["="], ["["]):
            if rest[0].kind == "name":
                token.text = "pass;"
            if rest[0].kind == "name" and names[1] == "[":
                extras += _leave_out_parameters(tokens, places[id(rest[1])])
        elif begins and token.text == "lazy" and names[:1] in (["from"], ["import"]):
            token.text = "pass;"
        elif begins and token.text == "except":
            _add_parentheses(kept, number)
        elif token.text in _OPEN and token.kind == "sign" and _unpacks(kept, number):
            rest = [each for each in kept[number + 1 :] if each.kind != "line"]
            rest[0].text = " " * len(rest[0].text)
        begins = (token.kind == "line" and depth == 0) or token.text in (";", ":")
    _join_strings(tokens)
    code = "".join(token.text for token in tokens)
    return code + "".join(f"\n({extra})" for extra in extras) if extras else code


def _leave_out_parameters(tokens: list[_Token], start: int) -> list[str]:
    """Blank the type parameters from the bracket on, and give their bounds and defaults."""
    depth, parts = 0, [""]
    for token in tokens[start:]:
        if token.kind == "sign":
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
        if depth == 1 and token.text in (",", ":", "="):
            parts.append("" if token.text == "," else "=")
        elif depth > 0 and token.kind not in ("line", "comment"):
            parts[-1] += token.text
        lines = token.text.count("\n")
        token.text = "\\\n" * lines
        token.kind = "gap"
        if depth == 0:
            break
    return [part[1:].strip() for part in parts if part.startswith("=") and part[1:].strip()]


def _add_parentheses(tokens: list[_Token], start: int) -> None:
    depth, commas = 0, False
    for number in range(start + 1, len(tokens)):
        token = tokens[number]
        if token.kind == "line" and depth == 0:
            return
        if token.kind != "sign":
            if depth == 0 and token.text in ("lambda", "as"):
                return
            continue
        depth += (token.text in _OPEN) - (token.text in _CLOSE)
        commas = commas or (depth == 0 and token.text == ",")
        if depth == 0 and token.text == ":":
            if commas:
                first = tokens[start + 1]
                first = tokens[start + 2] if first.text == "*" else first
                first.text = f"({first.text}"
                token.text = ")" + token.text
            return


def _unpacks(tokens: list[_Token], start: int) -> bool:
    """Whether this bracket opens a comprehension whose element has a star."""
    depth, first = 0, ""
    for token in tokens[start:]:
        if token.kind == "sign":
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
        if depth == 0:
            return False
        if token is not tokens[start] and token.kind != "line":
            first = first or token.text
            if first not in ("*", "**"):
                return False
            if depth == 1 and token.text == "for":
                return True
    return False


def _join_strings(tokens: list[_Token]) -> None:
    """Put a plus between strings that stand side by side, when one of them is a sum now."""
    depth, run = 0, list[_Token]()
    for token in (*tokens, _Token("line", "\n"), _Token("end", "")):
        if token.kind == "sign":
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
        if token.kind == "string":
            run.append(token)
        elif token.kind not in ("gap", "comment") and not (token.kind == "line" and depth > 0):
            if len(run) > 1 and any(each.template for each in run):
                for each in run[1:]:
                    each.text = f"+{each.text}"
                run[0].text = f"({run[0].text}"
                run[-1].text = f"{run[-1].text})"
            run = []
