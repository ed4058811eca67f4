"""What harms when nobody looks: on a day that stands in the code, or file by file."""

import ast
import re
from collections.abc import Iterator, Sequence
from datetime import date

from package_gate.core.folding import UNKNOWN
from package_gate.core.nodes import Function, children, last_name
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.dataflow import Call, Flow

Found = tuple[str, tuple[ast.expr, ...]]

_NOW = (
    *("time.time()", "time.time_ns()", "time.strftime()", "time.gmtime()", "time.localtime()"),
    *("datetime.datetime.now()", "datetime.datetime.utcnow()", "datetime.datetime.today()"),
    *("datetime.date.today()", "pandas.Timestamp.now()", "pendulum.now()", "arrow.utcnow()"),
)
_DAYS = {
    *("datetime.datetime()", "datetime.date()", "datetime.datetime.strptime()", "time.mktime()"),
    *("datetime.datetime.fromisoformat()", "datetime.date.fromisoformat()", "pandas.Timestamp()"),
    *("datetime.datetime.fromtimestamp()", "datetime.datetime.utcfromtimestamp()"),
    *("datetime.date.fromtimestamp()", "calendar.timegm()", "pendulum.datetime()"),
}
_DAY = re.compile(r"(?:19|20)\d\d-?(?:0\d|1[0-2])(?:-?[0-3]\d)?(?:[T ].*)?")
_SECONDS = range(1_500_000_000, 10_000_000_000)
"""Seconds since 1970 that are a day of these years."""
_YEARS = range(2020, 2100)
_ORDINALS = range(date(2018, 1, 1).toordinal(), date(2100, 1, 1).toordinal())
"""Days since the year 1."""
_DROPS = re.compile(
    r"\b(?:DROP\s+(?:TABLE|DATABASE|SCHEMA)|TRUNCATE\s+TABLE|DELETE\s+FROM)\b", re.IGNORECASE
)
_STOPS = re.compile(r"\b(?:shutdown|reboot|poweroff|halt|killall|pkill|kill\s+-)\b|\brm\s+-")
_REMOVES = {"unlink", "rmdir", "rmtree", "truncate"}
_LEAVES = ast.Return | ast.Raise | ast.Continue
_FINDS_FILES = {"rglob", "glob", "iterdir", "walk", "scandir", "listdir", "iglob"}
_READS = {"read", "read_text", "read_bytes", "readlines", "readline", "load"}
_NEUTRAL = ("", "/", "w", "wb", "r+b", "w+b", "utf-8")
_FAR = 60
"""Expressions that are looked at for one condition, and calls for what one comes to."""


def of_sabotage(flow: Flow) -> Iterator[Found]:
    """Yield what removes or ends something from a day on, and what overwrites all files."""
    calls: dict[int, Call] = {}
    for call in flow.calls:
        calls.setdefault(id(call.node), call)  # what it has called later comes after it
    left = _left_early(flow.nodes)
    for choice in flow.of_kind(ast.If):
        decided = [*choice.body, *choice.orelse, *left.get(id(choice), ())]
        if _is_on_a_day(choice.test, flow) and (harm := _harm(decided, flow, calls)):
            yield "waits-for-a-day", (harm, choice.test)
        elif _is_by_chance(choice.test, flow):
            harm = _harm(choice.body, flow, calls)
            if harm and calls[id(harm)].does(tables.ENDS):
                yield "waits-for-a-day", (harm, choice.test)
    loops: list[ast.For | ast.AsyncFor] = [*flow.of_kind(ast.For), *flow.of_kind(ast.AsyncFor)]
    for loop in loops:
        if written := _overwritten(loop, flow, calls):
            yield "destroys-files", (written,)


def _left_early(nodes: Sequence[ast.AST]) -> dict[int, list[ast.stmt]]:
    """Give what is only come to when a condition has not ended its block before, by its id."""
    return {
        id(each): block[number + 1 :]
        for node in nodes
        for name in ("body", "orelse", "finalbody")
        if isinstance(block := getattr(node, name, None), list)
        for number, each in enumerate(block)
        if isinstance(each, ast.If) and isinstance(each.body[-1], _LEAVES)
    }


def _is_on_a_day(test: ast.expr, flow: Flow) -> bool:
    """Whether a condition compares the time with a day that stands in the code."""
    for node in _leading_to(test, flow):
        if isinstance(node, ast.Compare):
            sides = [list(_leading_to(each, flow)) for each in (node.left, *node.comparators)]
            now = [any(_is_now(part, flow) for part in side) for side in sides]
            fixed = [any(_is_a_day(part, flow) for part in side) for side in sides]
            if any(now) and any(fixed):
                return True
    return False


def _is_by_chance(test: ast.expr, flow: Flow) -> bool:
    names = (flow.expressions.names(each) for each in ast.walk(test) if isinstance(each, ast.Call))
    return any(name.startswith(("random.", "secrets.")) for found in names for name in found)


def _leading_to(expression: ast.expr, flow: Flow) -> Iterator[ast.AST]:
    """Yield the nodes of an expression, of what its names stand for, and of what is returned."""
    waiting: list[ast.AST] = [expression]
    seen = {id(expression)}
    for node in waiting:  # it grows meanwhile
        if len(waiting) > _FAR:
            return
        yield node
        further: list[ast.AST] = list(children(node))
        if isinstance(node, ast.Name):
            further += flow.expressions.values.get(node.id, ())
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            further += flow.expressions.values.get(f".{node.attr}", ())
        elif isinstance(node, ast.Call):
            method = getattr(node.func, "attr", "")
            own = getattr(node.func, "id", "")
            further += flow.expressions.values.get(f"{own}()" if own else f".{method}()", ())
        waiting += (each for each in further if id(each) not in seen)
        seen.update(map(id, further))


def _is_now(node: ast.AST, flow: Flow) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return any(name in _NOW for name in flow.expressions.names(node))


def _is_a_day(node: ast.AST, flow: Flow) -> bool:
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, str):
            return _DAY.fullmatch(value) is not None
        number = int(value) if isinstance(value, int | float) and abs(value) < 10**19 else 0
        return number in _ORDINALS or any(number // u in _SECONDS for u in (1, 1000, 10**9))
    if isinstance(node, ast.Tuple) and len(node.elts) > 1:
        year = getattr(node.elts[0], "value", None)
        return isinstance(year, int) and year in _YEARS
    if not isinstance(node, ast.Call) or not _DAYS & flow.expressions.names(node):
        return False
    return bool(node.args) and all(UNKNOWN not in flow.text(each) for each in node.args[:1])


def _harm(
    statements: Sequence[ast.stmt], flow: Flow, calls: dict[int, Call], depth: int = 0
) -> ast.expr | None:
    """Give what removes something, or ends the program at once, in these or what they call."""
    waiting: list[ast.AST] = list(statements)
    for node in waiting:  # it grows meanwhile
        if isinstance(node, Function | ast.ClassDef):
            continue
        waiting += children(node)
        call = calls.get(id(node))
        if call is None:
            continue
        if _harms(call, flow):
            return call.node
        for function in flow.expressions.called_here(call.node) if depth < 2 else ():
            if isinstance(function, Function) and _harm(function.body, flow, calls, depth + 1):
                return call.node
    return None


def _harms(call: Call, flow: Flow) -> bool:
    if call.does(tables.ENDS):
        asks_only = [each for each in call.arguments[1:2] if flow.text(each) == "0"]
        return not asks_only  # `os.kill(pid, 0)` asks whether it is there
    method = getattr(call.node.func, "attr", "")
    if call.does(tables.REMOVES) or method in _REMOVES:
        return True
    if method in ("execute", "executescript"):
        return _DROPS.search(flow.text(*call.arguments[:1])) is not None
    return call.does(tables.STARTS) and _STOPS.search(flow.text(*call.arguments[:1])) is not None


def _overwritten(
    loop: ast.For | ast.AsyncFor, flow: Flow, calls: dict[int, Call]
) -> ast.expr | None:
    """Give what writes the same into each file that a loop finds, whatever was in it."""
    if not any(
        last_name(each.func) in _FINDS_FILES
        for each in ast.walk(loop.iter)
        if isinstance(each, ast.Call)
    ):
        return None
    inside = [node for statement in loop.body for node in ast.walk(statement)]
    names = {each.id for each in ast.walk(loop.target) if isinstance(each, ast.Name)}
    for node in inside:
        if isinstance(node, ast.For) and names & _names(node.iter):
            names |= _names(node.target)
    made = [calls[id(node)] for node in inside if id(node) in calls]
    if any(getattr(call.node.func, "attr", "") in _READS for call in made):
        return None
    for call in made:
        method = getattr(call.node.func, "attr", "")
        path = flow.written_path(call)
        if method not in ("write", "write_text", "write_bytes") or path is None:
            continue
        content = call.arguments[0] if call.arguments else None
        if isinstance(content, ast.Constant) and content.value and _is_found(path, names, flow):
            return call.node
    return None


def _names(expression: ast.expr) -> set[str]:
    return {each.id for each in ast.walk(expression) if isinstance(each, ast.Name)}


def _is_found(path: ast.expr, found: set[str], flow: Flow) -> bool:
    """Whether a path is one that was found, and not one that is made of it."""
    values = flow.expressions.values.get(path.id, []) if isinstance(path, ast.Name) else []
    return any(
        found & _names(each)
        and not any(isinstance(n, ast.Constant) and n.value not in _NEUTRAL for n in ast.walk(each))
        for each in (path, *values)
    )
