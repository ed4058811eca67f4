"""Ways that data takes without an assignment that names it.

A buffer that a function fills, a parameter's default, an exception, a pattern, a generator that is
sent something, a function that another one calls with it, and what Python itself hands to the
methods of a class: operators, items, attributes, subclasses. Which of a class's methods gets what
is not told apart: all that nothing calls by name get all of it.
"""

import ast
import builtins
import sys
from collections.abc import Iterable, Iterator

from package_gate.core.import_time import parameters_given
from package_gate.core.nodes import Function, last_name
from package_gate.scanners.behaviour.expressions import Expressions, defaults_of, targets

Way = tuple[str, ast.expr]
"""A key of a flow, and an expression whose labels it takes on."""

_BUFFERS = ("list", "dict", "set", "bytearray", "io.StringIO", "io.BytesIO", "array.array")
_FILL = sys.stdlib_module_names | frozenset(dir(builtins))
_FILL_NOTHING = {"subprocess", "logging", "isinstance", "len", "getattr"}
_BUFFER_MODULES = ("collections.", "queue.", "tempfile.", "sqlite3.", "contextvars.")
_TELL_ERRORS = (".exc_info()", ".format_exc()", ".format_exception()", "format_exc()", "exc_info()")
_SENDS_IN = {"send", "asend", "throw"}
_PRINTS = {"print", "pprint", "pp", "write", "writelines"}
_REDIRECTS = ("contextlib.redirect_stdout()", "contextlib.redirect_stderr()")


class HiddenWays:
    """Those of one file's running nodes."""

    def __init__(self, nodes: Iterable[ast.AST], expressions: Expressions) -> None:
        self._expressions = expressions
        self._nodes = list(nodes)
        self._buffers: dict[str, bool] = {}
        self._calls = [each for each in self._nodes if isinstance(each, ast.Call)]
        self._classes = {each.name: each for each in self._nodes if isinstance(each, ast.ClassDef)}
        self._called = {
            each.func.attr for each in self._calls if isinstance(each.func, ast.Attribute)
        }

    def ways(self) -> Iterator[Way]:
        """Yield all of them."""
        handlers = [each.name for each in self._nodes if isinstance(each, ast.ExceptHandler)]
        told = [*filter(None, handlers), *_TELL_ERRORS]
        yielded = [
            key
            for node in self._nodes
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Yield)
            for target in node.targets
            for key in targets(target)
        ]
        for node in self._nodes:
            if isinstance(node, ast.arguments):
                yield from defaults_of(node)
            elif isinstance(node, ast.Match):
                yield from ((name, node.subject) for name in _captured(node))
            elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                yield from ((key, each) for key in told for each in _given(node.exc))
            elif isinstance(node, ast.With | ast.AsyncWith):
                yield from self._redirected(node)
            elif isinstance(node, ast.Assign):
                yield from self._of_globals(node)
                for target in node.targets:
                    if isinstance(target, ast.Subscript):  # `form.fields["a"] = …`
                        target = target.value
                    owner = target.value if isinstance(target, ast.Attribute) else None
                    if isinstance(owner, ast.Name) and self._is_kept(owner.id):
                        yield owner.id, node.value
        for call in self._calls:
            if getattr(call.func, "attr", "") in _SENDS_IN:
                yield from ((key, each) for key in yielded for each in call.args)
            yield from self._of_call(call)
        yield from self._of_objects()

    def _of_call(self, call: ast.Call) -> Iterator[Way]:
        given = [each for each in _given(call) if not isinstance(each, ast.Constant)]
        filled = call.func.value if isinstance(call.func, ast.Attribute) else None
        taking = (each for each in (*given, filled) if isinstance(each, ast.Name))
        buffers = [each for each in taking if self._is_buffer(each.id)]
        for buffer in buffers if buffers and self._may_fill(call) else ():
            yield from ((buffer.id, each) for each in given if each is not buffer)
            if filled is not None and filled is not buffer:  # `settings.write(buffer)`
                yield buffer.id, filled
        for function in self._expressions.called_here(call):
            for parameter, value in parameters_given(function, call):
                if isinstance(value, ast.Name) and self._is_buffer(value.id):
                    yield value.id, ast.copy_location(ast.Name(parameter, ast.Load()), value)
        for handed in given:
            for taken in self._parameters_of(handed):
                yield from ((taken, each) for each in given if each is not handed)
        names = self._expressions.names(call.func)
        if any(name.endswith("setattr") or name.endswith("__setattr__") for name in names):
            name = call.args[-2] if len(call.args) > 2 else None
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield f".{name.value}", call.args[-1]

    def _parameters_of(self, handed: ast.expr) -> Iterator[str]:
        """Give what a function takes that is handed to another one, which calls it."""
        functions: Iterable[Function | ast.Lambda] = ()
        if isinstance(handed, ast.Lambda):
            functions = (handed,)
        elif isinstance(handed, ast.Name):
            functions = self._expressions.functions.get(handed.id, ())
        for function in functions:
            yield from (each.arg for each in (*function.args.posonlyargs, *function.args.args))

    def _may_fill(self, call: ast.Call) -> bool:
        """Whether this is a function of the standard library, or a method of such an object."""
        roots = {
            each.partition(".")[0].partition("(")[0] for each in self._expressions.names(call.func)
        }
        return bool(roots & _FILL) and not roots & _FILL_NOTHING

    def _is_kept(self, name: str) -> bool:
        """Whether this is an object that something outside of the file has made."""
        values = self._expressions.values.get(name, ())
        made = [each.func for each in values if isinstance(each, ast.Call)]
        return any("." in each for func in made for each in self._expressions.names(func))

    def _is_buffer(self, name: str) -> bool:
        if name not in self._buffers:
            self._buffers[name] = self._may_be_buffer(name)
        return self._buffers[name]

    def _may_be_buffer(self, name: str) -> bool:
        for value in self._expressions.values.get(name, ()):
            if isinstance(value, ast.List | ast.Dict | ast.Set):
                return True
            if isinstance(value, ast.Call):
                made = self._expressions.names(value.func)
                if any(each in _BUFFERS or each.startswith(_BUFFER_MODULES) for each in made):
                    return True
        return False

    def _redirected(self, block: ast.With | ast.AsyncWith) -> Iterator[Way]:
        """Yield what is printed while something else stands in for the output."""
        for item in block.items:
            entered = item.context_expr
            if not (isinstance(entered, ast.Call) and entered.args):
                continue
            if not any(each in self._expressions.names(entered) for each in _REDIRECTS):
                continue
            for node in (inner for part in block.body for inner in ast.walk(part)):
                if isinstance(node, ast.Call):
                    called = last_name(node.func)
                    if called in _PRINTS:
                        keys = targets(entered.args[0])
                        yield from ((key, each) for key in keys for each in _given(node))

    def _of_globals(self, node: ast.Assign) -> Iterator[Way]:
        """Yield what is set as a name of the module: `globals()["x"] = …`."""
        for target in node.targets:
            if not (isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant)):
                continue
            if {"globals()", "vars()", "locals()"} & self._expressions.names(target.value):
                yield str(target.slice.value), node.value

    def _of_objects(self) -> Iterator[Way]:
        """Yield what the methods of a class are given that nothing calls by name."""
        if not self._classes:
            return
        for node in self._nodes:
            inherited = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            for owner, given in self._handed(node):
                for method in self._classes[owner].body:
                    if not isinstance(method, Function) or method.name in self._called:
                        continue
                    if inherited or method.name.endswith("_"):  # as Python's own do
                        taken = (*method.args.posonlyargs, *method.args.args)[1:]
                        names = [each.arg for each in taken]
                        if method.args.vararg:
                            names.append(method.args.vararg.arg)
                        yield from ((name, each) for name in names for each in given)

    def _handed(self, node: ast.AST) -> Iterator[tuple[str, list[ast.expr]]]:
        """Give what an operation hands to an object, with the name of the object's class."""
        subject: ast.expr | None = None
        given: list[ast.expr] = []
        if isinstance(node, ast.BinOp):
            subject, given = node.left, [node.right]
        elif isinstance(node, ast.Compare):
            subject, given = node.left, node.comparators
        elif isinstance(node, ast.Subscript):
            subject, given = node.value, [node.slice]
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute | ast.Subscript):
                    for owner in self._classes_of(target.value):
                        yield owner, [node.value]
                    # A descriptor stands in the class of the object, whatever that is.
                    for name, body in self._classes.items():
                        if any(getattr(each, "name", "") == "__set__" for each in body.body):
                            yield name, [node.value]
        elif isinstance(node, ast.ClassDef):
            for base in node.bases:
                if isinstance(base, ast.Name) and base.id in self._classes:
                    yield base.id, [each.value for each in node.keywords]
        elif isinstance(node, ast.Call):
            given = _given(node)
            if isinstance(node.func, ast.Attribute):
                for owner in self._classes_of(node.func.value):
                    known = (getattr(each, "name", "") for each in self._classes[owner].body)
                    if node.func.attr not in known:
                        yield owner, given
            elif isinstance(node.func, ast.Name) and node.func.id in self._classes:
                made = self._classes[node.func.id]
                yield made.name, given
                for keyword in made.keywords:
                    if isinstance(keyword.value, ast.Name) and keyword.value.id in self._classes:
                        yield keyword.value.id, given
        for owner in self._classes_of(subject) if subject is not None else ():
            yield owner, given

    def _classes_of(self, expression: ast.expr) -> set[str]:
        """Name the classes of this file that this may be, or be an object of."""
        waiting = [expression]
        if isinstance(expression, ast.Name):
            waiting += self._expressions.values.get(expression.id, ())
        found = set()
        for each in waiting:
            made = each.func if isinstance(each, ast.Call) else each
            if isinstance(made, ast.Name) and made.id in self._classes:
                found.add(made.id)
        return found


def _given(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(each.value for each in call.keywords)]


def _captured(match: ast.Match) -> Iterator[str]:
    """Give the names that the patterns of a `match` give to what they find."""
    for case in match.cases:
        for part in ast.walk(case.pattern):
            name = getattr(part, "rest" if isinstance(part, ast.MatchMapping) else "name", None)
            if isinstance(name, str):
                yield name
