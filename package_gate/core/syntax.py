"""The syntax trees of Python files, and what it means that there is none.

The gate's own Python parses. What it can't parse may be too much for it, or written for a newer
Python; both would run in a notebook, and nobody has looked at it. Or no Python parses it, such as
test data, templates and files for Python 2, which then don't run either.
"""

import ast
import re
import sys
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice

from package_gate.core.lately import Lately
from package_gate.core.newer_syntax import in_older_syntax, may_be_newer
from package_gate.core.nodes import Function
from package_gate.core.scopes import tell_apart

_RECURSION = 5000
"""How deep an analysis may recurse; Python's own limit is too low for long sums of texts, and much
more than this could use the stack up while a tree is made."""
_MOST_TOKENS = 2_000_000
"""In one file; what has more takes minutes and gigabytes. A long text is one token."""
_TOKEN = re.compile(
    r"""\s*+(?:\#[^\n]*+|(?P<thrice>'''|\"\"\")(?:\\.|(?!(?P=thrice)).)*+(?:(?P=thrice)|\Z)"""
    r"""|(?P<once>['"])(?:\\.|(?!(?P=once))[^\n])*+(?:(?P=once)|$)|\w++|.)""",
    re.DOTALL | re.MULTILINE,
)
_TOO_DEEP = ("too many nested", "too many levels", "too complex", "too many statically nested")
_OF_THIS_PYTHON = (
    *("Exceeds the limit", "invalid character", "invalid non-printable character"),
    "(unicode error) 'unicodeescape' codec can't decode",
)
"""Messages about numbers that are longer than a setting allows, and letters that a newer Python
may know."""
_AT_THE_LAST_TOKEN = (
    *("invalid syntax", "Missing parentheses in call to", "leading zeros in decimal integer"),
    *("invalid digit", "invalid decimal literal", "invalid hexadecimal literal"),
    *("unindent does not match", "inconsistent use of tabs", "unexpected indent"),
)
"""Messages that come with the line of the last token which was read, or a later one. What stands
behind it can't make a file valid."""

_LETTER = re.compile(r"\bU\+([0-9A-F]+)")
_HOLDS_STATEMENTS = (ast.stmt, ast.ExceptHandler, ast.match_case)


class NotPythonError(Exception):
    """No Python parses this, so none runs it."""


class TooHardError(Exception):
    """This can't be parsed here, or not looked at, but a Python may run it. The text says why."""


_KEPT: Lately[tuple[str, bool], ast.Module | NotPythonError | TooHardError] = Lately(
    8 * 1024 * 1024
)
"""Trees, and why there is none. Enough for nearly all packages; a tree takes some fifty bytes a
letter."""


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Let an analysis follow what is nested a few thousand deep."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def parse(text: str, *, is_code: bool = True) -> ast.Module:
    r"""Parse without showing the package's own warnings about its escapes and the like.

    Variables of functions have names of their own: see `scopes`. Whoever looks at a file in several
    ways gets the same module again; it must not be changed.

    Args:
        text: code, in which `\n` ends a line.
        is_code: whether it is meant to be; of what isn't, and is clearly no Python, nothing more is
            tried, which may take long.

    Raises:
        NotPythonError, TooHardError: there is no tree.
    """
    kept = _KEPT.get((text, is_code))
    if kept is None:
        try:
            kept = _prepared(text, is_code=is_code)
        except (NotPythonError, TooHardError) as error:
            kept = type(error)(*error.args)
        _KEPT.keep((text, is_code), kept, len(text))
    if isinstance(kept, ast.Module):
        return kept
    raise type(kept)(*kept.args)


def _prepared(text: str, *, is_code: bool) -> ast.Module:
    """Parse as `parse`, anew."""
    if len(text) > _MOST_TOKENS and next(islice(_TOKEN.finditer(text), _MOST_TOKENS, None), None):
        raise TooHardError(f"it has more than {_MOST_TOKENS:,} names, numbers and signs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            module = _tree(text, is_code=is_code)
            run_annotations(module, items="__class_getitem__" in text)
            if "classmethod" in text:
                name_own_class(module)
            tell_apart(module)
        except (RecursionError, MemoryError) as error:
            raise TooHardError("it is nested too deeply, or too large") from error
    return module


def _is_something_else(text: str, error: SyntaxError) -> bool:
    """Whether this is clearly no Python, by where it can't be parsed."""
    if not (error.lineno and (error.msg or "").startswith(_AT_THE_LAST_TOKEN)):
        return False
    read = "\n".join(text.split("\n", error.lineno)[: error.lineno])
    return in_older_syntax(read) == read and not may_be_newer(read, error.lineno)


def run_annotations(module: ast.Module, *, items: bool = False) -> None:
    """Let annotations that call something stand as statements too: they run when they are met.

    Those with `items` (`A[int]`) call something where a class says what these are.

    Those of a function do when it is defined, those of variables in modules and classes at once
    (language reference, "Annotated assignment statements"); only a newer Python leaves them be
    until somebody asks for them. Plain types are left out: they do nothing.
    """
    waiting: list[ast.AST] = [module]
    while waiting:
        node = waiting.pop()
        for _, block in ast.iter_fields(node):
            if not isinstance(block, list) or not block:
                continue
            if isinstance(block[0], ast.stmt):
                called = {index: _called(each, items=items) for index, each in enumerate(block)}
                for index in sorted(called, reverse=True):
                    block[index:index] = [
                        ast.copy_location(ast.Expr(each), each) for each in called[index]
                    ]
            waiting += (each for each in block if isinstance(each, _HOLDS_STATEMENTS))


def name_own_class(module: ast.Module) -> None:
    """Let a class that a method of it calls as `cls` be called by its name."""
    for owner in (each for each in ast.walk(module) if isinstance(each, ast.ClassDef)):
        for method in owner.body:
            if not isinstance(method, Function):
                continue
            names = [each.arg for each in (*method.args.posonlyargs, *method.args.args)]
            decorators = {each.id for each in method.decorator_list if isinstance(each, ast.Name)}
            if not names or "classmethod" not in decorators:
                continue
            nodes = [*ast.walk(method)]
            own = [each for each in nodes if isinstance(each, ast.Name) and each.id == names[0]]
            if all(isinstance(each.ctx, ast.Load) for each in own):
                called = {id(each.func) for each in nodes if isinstance(each, ast.Call)}
                for each in own:
                    if id(each) in called:
                        each.id = owner.name


def _called(statement: ast.stmt, *, items: bool) -> list[ast.expr]:
    """Give the annotations of a statement that call something."""
    if isinstance(statement, ast.AnnAssign):
        annotations = [statement.annotation]
    elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        given = statement.args
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        found = [each.annotation for each in every if each] + [statement.returns]
        annotations = [each for each in found if each]
    else:
        return []
    called = [each for each in annotations if _calls(each, items=items)]
    return called + [each for whole in annotations for each in _in_texts(whole)]


def _calls(annotation: ast.expr, *, items: bool = False) -> bool:
    return not isinstance(annotation, ast.Name | ast.Constant | ast.Attribute) and any(
        isinstance(part, ast.Call) or (items and isinstance(part, ast.Subscript))
        for part in ast.walk(annotation)
    )


def _in_texts(annotation: ast.expr) -> Iterator[ast.expr]:
    """Yield what calls something in an annotation's texts: whoever asks for types runs those."""
    if isinstance(annotation, ast.Name | ast.Attribute):
        return
    for part in ast.walk(annotation):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and "(" in part.value:
            with suppress(SyntaxError, ValueError):
                inside = ast.parse(part.value.strip(), mode="eval").body
                for each in ast.walk(inside) if _calls(inside) else ():
                    if isinstance(each, ast.expr | ast.keyword):
                        ast.copy_location(each, part)
                yield from [inside] if _calls(inside) else []


def _tree(text: str, *, is_code: bool) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        if not is_code and _is_something_else(text, error):
            raise NotPythonError from error
        return _parse_newer(text, error)
    except UnicodeError as error:
        raise NotPythonError from error
    except ValueError as error:
        raise TooHardError("it has NUL characters") from error


def _parse_newer(text: str, error: SyntaxError) -> ast.Module:
    """Parse what is no Python, or too much for this one."""
    if "\0" in text:
        raise TooHardError("it has NUL characters") from error
    try:
        older = in_older_syntax(text)
        if older != text:
            return ast.parse(older)
    except SyntaxError as another:
        error = another  # of the same lines
    except ValueError as failed:
        raise TooHardError("it can't be parsed, but a newer Python may") from failed
    message = error.msg or ""
    if message.startswith(_TOO_DEEP):
        raise TooHardError("it is nested too deeply") from error
    if message.startswith(_OF_THIS_PYTHON) and _may_be_known(message):
        raise TooHardError("it can't be parsed, but another Python may") from error
    known = message.startswith(_AT_THE_LAST_TOKEN) and error.lineno
    if may_be_newer(text, error.lineno or 0 if known else text.count("\n") + 1):
        raise TooHardError("it can't be parsed, but a newer Python may") from error
    raise NotPythonError from error


def _may_be_known(message: str) -> bool:
    """Whether the sign that a message is about may be a part of names in a newer Unicode.

    It isn't when it is a quotation mark, a dash, a space, a symbol or the mark of UTF-8. Unicode
    15.1 added U+30FB, which looks like punctuation.
    """
    if shown := _LETTER.search(message):
        sign = chr(int(shown[1], 16))
        kind = unicodedata.category(sign)
        return kind[0] in "LMN" or (kind in ("Cn", "Co", "Cf", "Po") and sign != "\ufeff")
    return "Exceeds" in message or "unknown Unicode character name" in message
