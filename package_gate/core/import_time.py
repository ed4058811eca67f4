"""What of a Python file runs by itself: when its package is installed, imported, or Python starts.

Malicious packages run before anybody calls them; honest ones do the same things, but in functions.
Which files run by themselves, `running_files` says.
"""

import ast
import builtins
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeGuard

from package_gate.core.calls_by_text import (
    ByText,
    called_by_text,
    members_of,
    method_called,
    names_in_code,
    stands_for_a_module,
    stands_for_the_module,
)
from package_gate.core.families import OF_A_METACLASS, Families, bases_given
from package_gate.core.implicit_calls import (
    OF_WHAT_IS_GIVEN,
    given_by,
    is_property,
    methods_called_by,
)
from package_gate.core.nodes import Function, children, last_name
from package_gate.core.scopes import plain
from package_gate.core.syntax import NotPythonError, TooHardError, parse

_BUILTINS = frozenset(dir(builtins))
STARTED = "__main__"
"""Stands for the statements that wait for a file to be started as a program."""
_ONLY_WRAP = {"property", "staticmethod", "classmethod", "super"}
RUN_WITH_A_CLASS = {
    *("__init__", "__new__", "__post_init__", "__set_name__", "__del__"),
    *("__attrs_post_init__", "__attrs_pre_init__", "model_post_init"),
    *("run", "find_spec", "find_module", "create_module", "exec_module", "load_module"),
    "_missing_",
}
"""Methods that run when a class is called, when a thread is started (`threading.Thread.run`) or
something is imported (import hooks); others are followed by their names."""
_Container = ast.Dict | ast.List | ast.Tuple | ast.Set
_RUN_WITH_AN_OBJECT = {
    *("default", "observe", "observe_compat", "validate", "validates", "validator"),
    *("field_validator", "model_validator", "root_validator", "reconstructor"),
}
"""Decorators of attrs, pydantic, SQLAlchemy and traitlets for methods that run when an object is
made or its attributes are read or set."""
_RUN_IT = {"main", "callback", "invoke", "apply", "fn", "func", "py_func", "__wrapped__"}
"""Attributes by which a command, a task or the like that was made of a function is run; a runner
such as Click's `invoke` is given it."""
_MAKES_AN_ACCESSOR = re.compile(r"register_\w*accessor")
"""Decorators of classes whose objects are made when an attribute is read."""
_KEEPS = re.compile(
    r"update|append|extend|insert|add|setdefault|register\w*|set_defaults|\w*(?:[dD]ict|Map|Proxy\w*|List"
    r"|Tuple|Set|deque|Enum)"
)
"""Functions that keep what is in a container, and call none of it."""
GIVEN = "__given__"
"""What runs of an object (`Class.__given__`) that another module's function is given."""
_CALLS_NOTHING = re.compile(
    r"ABC|Protocol|Generic|NamedTuple|namedtuple|TypedDict|\w*(?:Enum|Flag|Meta|Metaclass|EnumType"
    r"|Error|Exception|Warning)"
)
"""Classes that call no methods of those that inherit from them, but the special ones."""
SUBCLASSED = "__init_subclass__"
"""What runs when something inherits from a class, its metaclass's part in that too."""
NEXT_VALUE = "_generate_next_value_"
"""What an enumeration runs where it, or one that inherits from it, is defined."""
CREATED = "()"
"""What a class's metaclass does when the class is called."""
_PASSIVE = {"abc", "collections", "typing", "enum", "types", "numbers", "datetime", "decimal"}
"""Modules whose classes call no methods of their heirs, but special ones."""
OF_A_MODULE = ("__getattr__", "__dir__")
"""What Python calls of a module that is asked for a name, as it is by every `from … import`."""
_DEFINE = {ast.Import, ast.ImportFrom, ast.arg, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef}
_COMMAND_LINES = {"click", "typer", "rich_click", "asyncclick"}
_CALL_LATER = {
    "atexit",
    "register",
    "threading",
    "multiprocessing",
    "concurrent",
    "asyncio",
    "sched",
}

_MAKE_PROTOCOLS = {
    *("create_connection", "create_datagram_endpoint", "create_server", "create_unix_connection"),
    *("create_unix_server", "subprocess_exec", "subprocess_shell", "connect_read_pipe"),
}
"""Functions that make an object of a class, whose methods the event loop calls then."""


def running_nodes(
    module: ast.Module, *, whole: bool, called: Collection[str] = (), handed_over: bool = True
) -> list[ast.AST]:
    """Give the nodes that run by themselves: see `running_code`.

    Args:
        module: a parsed file.
        whole: all functions are taken to run.
        called: functions and classes that something outside calls; `STARTED` when the file is
            started as a program.
        handed_over: functions that are given to another module's are taken to run.
    """
    reach = reach_of(module)
    return reach.nodes if whole else reach.follow(called, handed_over=handed_over)


def calls_later(name: str) -> bool:
    """Whether a function of the standard library, by its dotted name, calls what it is given."""
    return name.partition(".")[0] in _CALL_LATER or name in _BUILTINS


def _all_nodes(module: ast.Module) -> list[ast.AST]:
    nodes: list[ast.AST] = [module]
    for node in nodes:  # it grows meanwhile
        nodes += children(node)
    return nodes


def running_code(source: bytes, *, whole: bool, called: Collection[str] = ()) -> bytes:
    """Blank the lines of a Python file that don't run by themselves; the others keep their number.

    What runs when a module is imported is everything outside of functions, and the functions and
    classes that such code calls, hands over to a call, stores in an attribute, or has decorated by
    something that may call them, as far as it does so by their names and in the same module.
    Comments and strings that stand by themselves never run, nor does what waits for the file to be
    started as a program. What can't be parsed is taken to run.

    Args:
        source: the file's code, as `read_source` gives it.
        whole: all functions are taken to run.
        called: see `running_nodes`.
    """
    lines = source.split(b"\n")
    try:
        module = parse(source.decode("utf-8", "replace"))
        idle = _docstring_lines(module) | (set() if whole else reach_of(module).idle_lines(called))
    except (NotPythonError, TooHardError, RecursionError, MemoryError):
        idle = set()
    return b"\n".join(
        b"" if number in idle or line.lstrip().startswith(b"#") else line
        for number, line in enumerate(lines, start=1)
    )


def _docstring_lines(module: ast.Module) -> set[int]:
    return {
        line
        for node in reach_of(module).nodes
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


@lru_cache(maxsize=8)
def reach_of(module: ast.Module) -> "Reach":
    """Give what follows the calls of a module; the same for the same module."""
    return Reach(module)


class Reach:
    """Follows calls by name within a module."""

    def __init__(self, module: ast.Module) -> None:
        self.nodes = _all_nodes(module)
        """All nodes of the module, outer ones before inner ones."""
        self._body = module.body
        self._functions: list[Function] = []
        self._named: dict[str, list[Function]] = {}
        """Function, class (what runs with it), or `Class.method`."""
        self._methods: dict[str, list[tuple[str, Function]]] = {}
        """Method → each class that has one of this name, with the method."""
        self._classes: set[str] = set()
        self._decorators: set[int] = set()
        """Calls that make a decorator."""
        self._guards = True
        self._imported: set[str] = set()
        """Names that are imported, and nothing else: what is called by them stands elsewhere."""
        self._of_python: set[str] = set()
        """Names of what is imported from the standard library."""
        self._modules: set[str] = set()
        self._command_lines: set[str] = set()
        """The modules that make commands of functions, as far as nothing else has their names."""
        assigned: set[str] = set()
        renamed: set[str] = set()
        classes: list[ast.ClassDef] = []
        in_classes: set[int] = set()
        for node in self.nodes:
            kind = type(node)
            if kind is ast.Name or kind is ast.Constant:
                self._guards = self._guards and not _changes_main(node)
                if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                    assigned.add(node.id)
            elif kind not in _DEFINE:
                continue
            elif isinstance(node, ast.ImportFrom):
                names = [each.asname or each.name for each in node.names]
                self._imported.update(names)
                if not node.level and _is_of_python(node.module or ""):
                    self._of_python.update(names)
            elif isinstance(node, ast.Import):
                for each in node.names:
                    bound = each.asname or each.name.partition(".")[0]
                    self._modules.add(bound)
                    if _is_of_python(each.name):
                        self._of_python.add(bound)
                self._command_lines.update(each.name for each in node.names if not each.asname)
                renamed.update(each.asname for each in node.names if each.asname)
            elif isinstance(node, ast.arg):
                assigned.add(node.arg)
            elif isinstance(node, Function):
                self._functions.append(node)
                self._decorators.update(map(id, node.decorator_list))
                if id(node) not in in_classes:
                    self._named.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.ClassDef):
                self._classes.add(node.name)
                classes.append(node)
                self._decorators.update(map(id, node.decorator_list))
                methods = [item for item in node.body if isinstance(item, Function)]
                in_classes.update(map(id, methods))
                for item in methods:
                    self._named.setdefault(f"{node.name}.{item.name}", []).append(item)
                    self._methods.setdefault(item.name, []).append((node.name, item))
                by_itself = [item for item in methods if _runs_with_its_class(item)]
                self._named.setdefault(node.name, []).extend(by_itself)
                if of_given := [each for each in methods if each.name in OF_WHAT_IS_GIVEN]:
                    self._named.setdefault(f"{node.name}.{GIVEN}", []).extend(of_given)
        self._imported -= assigned
        self._command_lines &= _COMMAND_LINES - assigned - renamed - self._imported
        self._families = Families(self.nodes, classes, assigned)
        self._heirs = {
            each.name: f"{each.name}.{GIVEN}"
            for each in classes
            if any(map(self._calls_back, each.bases))
        }
        """Classes whose bases stand elsewhere, and may call any method → when these do."""
        self._inherit()
        self._reached: set[int] = set()
        self._guarded: list[ast.If] = []
        self._steps: dict[int, _Step] = {}

    def _inherit(self) -> None:
        """Name what classes have of others: `Class.method`, and what runs with them."""
        own = {name: list(functions) for name, functions in self._named.items()}

        def methods(name: str, method: str, owners: Collection[str]) -> list[Function]:
            return [each for owner in owners for each in own.get(f"{owner}.{method}", ())]

        if self._heirs:
            self._find_heirs()
            for method, owners_of in self._methods.items():
                for owner, function in owners_of if method not in RUN_WITH_A_CLASS else ():
                    if owner in self._heirs:
                        self._named.setdefault(self._heirs[owner], []).append(function)
        for name in self._families.names():
            metaclasses = [self._families.inherited(m) for m in self._families.metaclasses(name)]
            inherited = self._families.inherited(name)
            if not self._families.bases(name) and not metaclasses:
                continue
            for method, owners in inherited.items():
                if name not in owners:
                    found = methods(name, method, owners)
                    self._named[f"{name}.{method}"] = found
                    by_itself = [each for each in found if _runs_with_its_class(each)]
                    if by_itself:
                        self._named.setdefault(name, []).extend(by_itself)
                    elif name in self._heirs:
                        self._named.setdefault(self._heirs[name], []).extend(found)
                    elif method in OF_WHAT_IS_GIVEN:
                        self._named.setdefault(f"{name}.{GIVEN}", []).extend(found)
            for of_metaclass in metaclasses:
                for method in (*OF_A_METACLASS, "__call__"):
                    found = methods(name, method, of_metaclass.get(method, ()))
                    of_call = (name, f"{name}.{CREATED}")
                    for key in of_call if method == "__call__" else (f"{name}.{SUBCLASSED}",):
                        if found:
                            self._named.setdefault(key, []).extend(found)

    def _find_heirs(self) -> None:
        """Find all classes that have something of a class that stands elsewhere.

        Python's own classes call their methods when an object is made or used at all, such as
        `HTMLParser.feed`; what others do is taken to need that the object is given to something.
        """
        direct = set(self._heirs)
        for name in self._families.names():
            above = self._families.above(name)
            if not direct.isdisjoint(above):
                bases = {base for each in above for base in self._families.bases(each)}
                at_once = not self._of_python.isdisjoint(bases)
                self._heirs[name] = name if at_once else f"{name}.{GIVEN}"

    def _calls_back(self, base: ast.expr) -> bool:
        """Whether a base may call methods of what inherits from it, which others can't see."""
        if isinstance(base, ast.Subscript):  # `Base[T]`
            base = base.value
        root = base.func if isinstance(base, ast.Call) else base
        name = root.attr if isinstance(root, ast.Attribute) else getattr(root, "id", "")
        known = isinstance(root, ast.Name) and (name in self._classes or name in _BUILTINS)
        return not known and not _CALLS_NOTHING.fullmatch(name)

    def callable_names(self) -> Collection[str]:
        """Name all functions and classes, and `Class.method` for what classes have."""
        return self._named.keys()

    def idle_lines(self, called: Collection[str] = ()) -> set[int]:
        """Give the lines of functions that the module's own statements don't reach."""
        self.follow(called)
        idle: set[int] = set()
        # `nodes` has outer functions before inner ones: the innermost has the last word.
        for function in self._functions:
            end = function.body[-1].end_lineno or 0
            lines = range(function.body[0].lineno, end + 1)
            if id(function) in self._reached:
                idle.difference_update(lines)
            else:
                idle.update(lines)
        for guard in self._guarded:
            idle.update(range(guard.body[0].lineno, (guard.body[-1].end_lineno or 0) + 1))
        return idle

    def follow(self, called: Collection[str] = (), *, handed_over: bool = True) -> list[ast.AST]:
        """Give the nodes that are reached from the module's own statements.

        Args:
            called: functions, classes and methods (`Class.method`) that something outside calls.
            handed_over: functions that are given to another module's are taken to run.
        """
        self._reached, self._guarded = set(), []
        nodes: list[ast.AST] = []
        waiting: list[ast.AST] = list(self._body)
        uses = _Uses(set(self._classes) if called else set())
        guards = self._guards and STARTED not in called

        def reach(functions: Iterable[Function]) -> None:
            for function in functions:
                if id(function) not in self._reached:
                    self._reached.add(id(function))
                    waiting.extend(function.body)

        for name in called:
            uses.classes.add(name.partition(".")[0])
            functions = self._named.get(name, ())
            reach(functions)
            reach(each for function in functions for each in _returned(function))
        for name in OF_A_MODULE:
            if name in self._named:
                reach(_of_the_module(self._body, name))
        while waiting:
            node = waiting.pop()
            nodes.append(node)
            self._note(node, uses, handed_over=handed_over)
            if isinstance(node, Function):
                reach(self._decorated(node, uses))
            if guards and _is_main_guard(node):
                self._guarded.append(node)
                waiting += node.orelse
            else:
                waiting += _running_children(node)
            if not waiting:
                reach(self._put_to_use(uses))
        return nodes

    def leads_to(self, name: str, lines: Collection[int]) -> bool:
        """Whether a function, class or method, when it is called, comes to one of these lines."""
        waiting = list(self._named.get(name, ()))
        seen = set(map(id, waiting))
        for function in waiting:  # it grows meanwhile
            step = self._step(function)
            if not step.lines.isdisjoint(lines):
                return True
            new = [each for each in step.functions if id(each) not in seen]
            seen.update(map(id, new))
            waiting += new
        return False

    def _step(self, function: Function) -> "_Step":
        """Give what a function does itself."""
        step = self._steps.get(id(function))
        if step is None:
            step = self._steps[id(function)] = _Step(set(), [])
            uses = _Uses(self._classes, of_one_function=True)  # which objects there are, others say
            waiting: list[ast.AST] = list(function.body)
            while waiting:
                node = waiting.pop()
                if isinstance(node, ast.expr | ast.stmt):
                    step.lines.add(node.lineno)
                self._note(node, uses, handed_over=True)
                if self._guards and _is_main_guard(node):
                    waiting += node.orelse
                else:
                    waiting += _running_children(node)
            step.functions.extend(self._put_to_use(uses))
            step.functions.extend(_returned(function))  # who calls it may call them
        return step

    def _put_to_use(self, uses: "_Uses") -> Iterator[Function]:
        """Yield the functions of this module that run when all this is done."""
        for name in uses.functions_called():
            yield from self._named.get(name, ())
            for by_text in uses.by_text.get(name, ()):
                yield from self._by_text(by_text, uses)
        for by_text in uses.called_by_text:
            yield from self._by_text(by_text, uses)
        for method in uses.methods:
            for owner, function in self._methods.get(method, ()):
                if owner in uses.classes:  # an object of no class that is used has no methods
                    yield function
        for attribute in uses.attributes & self._methods.keys():
            for owner, function in self._methods[attribute]:
                if owner in uses.classes and is_property(function):
                    yield function

    def _by_text(self, called: ByText, uses: "_Uses") -> Iterator[Function]:
        """Yield the functions of this module that something called by a text may be."""
        owner = called.owner
        made = owner.func if isinstance(owner, ast.Call) else owner
        name = made.id if isinstance(made, ast.Name) else _root(made) if made else ""
        of_a_module = name in uses.any_module and called.is_known
        if owner is None or of_a_module or name in uses.own_module:
            for key, functions in self._named.items():
                if "." not in key and called.name.fullmatch(key):
                    yield from functions
            return
        if called.is_item or name in self._imported or name in self._modules:
            return
        known = {name} & self._classes
        known = known or {each.partition(".")[0] for each in uses.made.get(name, ())}
        if not known and called.name.fullmatch(""):
            return  # any method of any object
        for each in known or uses.classes:
            for key, functions in self._named.items():
                of, _, method = key.partition(".")
                if of == each and method and called.name.fullmatch(method):
                    yield from functions

    def _note(self, node: ast.AST, uses: "_Uses", *, handed_over: bool) -> None:
        """Note what a node calls, hands over to a call or stores in an attribute."""
        if self._classes:
            uses.methods |= methods_called_by(node)
            for given in given_by(node):
                # A class makes no object of those that it inherits from.
                inherits = isinstance(node, ast.ClassDef) and isinstance(given, ast.Name)
                if not (inherits and getattr(given, "id", "") in self._classes):
                    self._note_given(given, uses)
            if isinstance(node, ast.Attribute):
                uses.attributes.add(node.attr)
        if isinstance(node, ast.Call):
            self._note_call(node, uses, handed_over=handed_over)
        elif isinstance(node, ast.Name):
            if node.id in self._classes:
                uses.classes.add(node.id)
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and not all(
                isinstance(target, ast.Name) or self._is_own(target) for target in node.targets
            )
        ):
            self._note_made(node.value, uses)
            self._note_given(node.value, uses)
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Name)
            and not all(isinstance(target, ast.Name) for target in node.targets)
        ):
            own = [target.attr for target in node.targets if _is_of_self(target)]
            if not own:
                uses.handed.add(node.value.id)
            for attribute in own:  # an object calls it when that is done to it
                uses.given.setdefault(f".{attribute}", set()).add(node.value.id)
            if not own or uses.of_one_function:
                uses.called.add(node.value.id)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._note_held(target, node.value, uses)
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            self._note_held(node.target, node.iter, uses)
            if members := members_of(node.iter):
                for each in ast.walk(node.target):
                    if isinstance(each, ast.Name):
                        uses.by_text.setdefault(each.id, []).append(members)
        elif isinstance(node, ast.NamedExpr | ast.AnnAssign) and node.value is not None:
            self._note_held(node.target, node.value, uses)
        elif isinstance(node, ast.ClassDef):
            self._note_class(node, uses)
        elif (
            isinstance(node, ast.Subscript)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "modules"
        ):
            uses.methods.add("__getattr__")  # an object takes the place of a module

    def _note_held(self, target: ast.expr, value: ast.expr, uses: "_Uses") -> None:
        """Note the functions that a name stands for, or that what it stands for holds."""
        if not isinstance(target, ast.Name):
            return
        held = value.values if isinstance(value, ast.Dict) else getattr(value, "elts", [value])
        names = {each.id for each in held if isinstance(each, ast.Name)}
        if names:
            uses.given.setdefault(target.id, set()).update(names)
            if target.id in OF_A_MODULE:
                uses.called |= names
        for each in held:
            if isinstance(each, ast.Call) and (made := self._objects_of(each)):
                uses.made.setdefault(target.id, set()).update(made)
            if by_text := called_by_text(each):
                uses.by_text.setdefault(target.id, []).append(by_text)
        if stands_for_the_module(value):
            uses.own_module.add(target.id)
        elif stands_for_a_module(value):
            uses.any_module.add(target.id)

    def _objects_of(self, call: ast.Call) -> set[str]:
        """Name what runs of the objects that a call makes, when those are given away."""
        if not isinstance(call.func, ast.Name):
            return set()
        name = call.func.id
        of_name = {f"{name}.{GIVEN}"}
        if name in self._classes or name not in self._named:
            return of_name
        return {
            f"{inner.id}.{GIVEN}"
            for function in self._named.get(name, ())
            for each in ast.walk(function)
            if isinstance(each, ast.Return) and isinstance(each.value, ast.Call)
            if isinstance(inner := each.value.func, ast.Name)
        }

    def _note_given(self, value: ast.expr, uses: "_Uses") -> None:
        """Note an object, or a class, that another module's function is given."""
        if isinstance(value, ast.Starred):
            value = value.value
        if isinstance(value, ast.Call):
            uses.called |= self._objects_of(value)
        elif isinstance(value, ast.Name):
            uses.handed.add(value.id)
            if self._heirs.get(value.id) == value.id:
                uses.called.add(value.id)
        elif isinstance(value, ast.List | ast.Tuple | ast.Set):
            for each in value.elts:
                self._note_given(each, uses)

    def _note_inherited(self, method: ast.Attribute, uses: "_Uses") -> None:
        """Note that a method is called which an object has of a class that stands elsewhere."""
        owner = method.value
        if not self._heirs or not isinstance(owner, ast.Call | ast.Name):
            return
        if isinstance(owner, ast.Call):
            names = self._objects_of(owner)
        else:
            names = uses.made.get(owner.id, set())
        for each in names:
            name = each.partition(".")[0]
            if name in self._heirs and f"{name}.{method.attr}" not in self._named:
                uses.called.add(each)

    def _is_own(self, kept: ast.expr) -> bool:
        """Whether this is a class of the module, or an attribute of one: who uses that calls it."""
        owner = kept.value if isinstance(kept, ast.Attribute) else kept
        return isinstance(owner, ast.Name) and owner.id in {*self._classes, "self", "cls"}

    def _note_made(self, maker: ast.Call, uses: "_Uses") -> None:
        """Note the functions that a function of this module makes, to be kept somewhere."""
        made = self._named.get(maker.func.id, ()) if isinstance(maker.func, ast.Name) else ()
        uses.called |= {inner.name for each in made for inner in _returned(each)}

    def _note_class(self, node: ast.ClassDef, uses: "_Uses") -> None:
        """Note what defining a class calls: of its bases, its metaclass, and its decorators."""
        uses.called |= {f"{base}.{SUBCLASSED}" for base in self._families.bases(node.name)}
        uses.called.add(f"{node.name}.{NEXT_VALUE}")
        for metaclass in self._families.metaclasses(node.name):
            uses.called.add(f"{metaclass}.{GIVEN}")
            uses.called |= {f"{metaclass}.{method}" for method in OF_A_METACLASS}
        for decorator in node.decorator_list:
            root = decorator.func if isinstance(decorator, ast.Call) else decorator
            own = self._named.get(root.id, []) if isinstance(root, ast.Name) else []
            if _MAKES_AN_ACCESSOR.fullmatch(last_name(root)):
                uses.called.add(node.name)
            if isinstance(decorator, ast.Call):
                own = [inner for each in own for inner in _returned(each)]
            for each in own:
                uses.called.add(each.name)
                for argument in (*each.args.posonlyargs, *each.args.args)[:1]:
                    uses.given.setdefault(argument.arg, set()).add(node.name)

    def _note_call(self, node: ast.Call, uses: "_Uses", *, handed_over: bool) -> None:
        uses.called |= {f"{base}.{SUBCLASSED}" for base in bases_given(node)}
        uses.called.update(names_in_code(node))
        if by_text := called_by_text(node.func) or method_called(node):
            uses.called_by_text.append(by_text)
        if isinstance(node.func, ast.Name):
            uses.called.add(node.func.id)
            if node.func.id == "setattr" and len(node.args) == 3 and not self._is_own(node.args[0]):
                made = node.args[2]
                if isinstance(made, ast.Call):
                    self._note_made(made, uses)
            elsewhere = node.func.id in self._imported or node.func.id in _BUILTINS
            if node.func.id not in self._named and not elsewhere:
                uses.methods.add("__call__")
            own = self._named.get(node.func.id, [])
            if node.func.id in self._classes:
                own = [each for each in own if each.name == "__init__"]
        else:
            if isinstance(node.func, ast.Attribute):
                self._note_inherited(node.func, uses)
                known = self._families.methods(node.func)
                if known is None:
                    uses.methods.add(node.func.attr)
                else:
                    uses.called |= known
                uses.called.add(f".{node.func.attr}")
                of_command = node.func.value
                if node.func.attr in _RUN_IT and isinstance(of_command, ast.Name):
                    uses.called.update({of_command.id} - self._classes)
            else:
                uses.methods.add("__call__")
            if not isinstance(node.func, ast.Attribute) or isinstance(node.func.value, ast.Call):
                # `{"linux": a, "win32": b}.get(sys.platform)()`, `(a if x else b)()`
                uses.called |= {
                    each.id for each in ast.walk(node.func) if isinstance(each, ast.Name)
                }
            own = []
        if own and not uses.of_one_function:
            # What becomes of it there shows what the function does with its parameter.
            for function in own:
                for parameter, value in parameters_given(function, node):
                    if isinstance(value, ast.Call):
                        uses.made.setdefault(parameter, set()).update(self._objects_of(value))
                    elif isinstance(value, ast.Name):
                        uses.given.setdefault(parameter, set()).add(value.id)
            return
        at_once = self._calls_at_once(node.func)
        if last_name(node.func) in _MAKE_PROTOCOLS:
            classes = {each.id for each in node.args if isinstance(each, ast.Name)} & self._classes
            uses.called |= {f"{name}.{GIVEN}" for name in classes}
        if self._classes:
            for each in (*node.args, *(keyword.value for keyword in node.keywords)):
                self._note_given(each, uses)
        if not at_once and (not handed_over or id(node) in self._decorators):
            return
        # Click and the like call a `callback` when somebody gives the command.
        kept = {"callback"} if not at_once else set()
        given = [keyword.value for keyword in node.keywords if keyword.arg not in kept]
        runs = last_name(node.func) in _RUN_IT
        for each in (*node.args, *given):
            if isinstance(each, _Container):
                self._note_contained(node, each, uses)
            # What is given a class keeps it, to make something of it when that is asked for.
            if isinstance(each, ast.Name) and (at_once or each.id not in self._classes):
                if at_once or runs or not self._is_command(each.id):
                    uses.called.add(each.id)
            elif _is_of_self(each):  # `Timer(9, self.beat)`
                uses.methods.add(each.attr)
            elif by_text := called_by_text(each):
                uses.called_by_text.append(by_text)

    def _note_contained(self, call: ast.Call, container: _Container, uses: "_Uses") -> None:
        """Note functions in a container that another module's function is given, as hooks are."""
        root = call.func
        while isinstance(root, ast.Attribute | ast.Call):
            root = root.value if isinstance(root, ast.Attribute) else root.func
        name = root.id if isinstance(root, ast.Name) else ""
        if name in _BUILTINS or name in self._named or _KEEPS.fullmatch(last_name(call.func)):
            return
        held = container.values if isinstance(container, ast.Dict) else container.elts
        for each in held:
            if isinstance(each, ast.Name) and each.id not in self._classes:
                if not self._is_command(each.id):
                    uses.called.add(each.id)
            elif isinstance(each, _Container):
                self._note_contained(call, each, uses)

    def _is_command(self, name: str) -> bool:
        """Whether Click or Typer have made a command of a function: it runs when that is given."""
        own = self._named.get(name, ())
        made = [
            root
            for each in own
            for decorator in each.decorator_list
            if isinstance(root := getattr(decorator, "func", decorator), ast.Attribute)
            and root.attr in ("command", "group")
        ]
        return bool(own) and len(made) == len(own) and all(map(self._is_of_click, made))

    def _is_of_click(self, decorator: ast.Attribute) -> bool:
        owner = decorator.value
        return isinstance(owner, ast.Name) and owner.id in self._command_lines

    def _decorated(self, function: Function, uses: "_Uses") -> Iterator[Function]:
        """Note what decorators of this module are given a function; yield it if one may call it.

        Most keep it, or wrap it: it runs when what they do with their parameter says so.
        """
        key = f"@{id(function)}"
        for decorator in function.decorator_list:
            if not self._calls_at_once(decorator):
                continue
            of_call = isinstance(decorator, ast.Call)
            root = decorator.func if isinstance(decorator, ast.Call) else decorator
            own = self._named.get(root.id, []) if isinstance(root, ast.Name) else []
            if of_call and own and all(map(self._gives_another_modules, own)):
                continue
            taking = [inner for each in own for inner in _returned(each)] if of_call else own
            known = taking and isinstance(root, ast.Name) and root.id not in self._classes
            if not known or uses.of_one_function:
                yield function
                continue
            self._named[key] = [function]
            for each in taking:
                uses.called.add(each.name)
                for argument in (*each.args.posonlyargs, *each.args.args)[:1]:
                    uses.given.setdefault(argument.arg, set()).add(key)

    def _gives_another_modules(self, function: Function) -> bool:
        """Whether a function returns only other modules' functions, which call nothing at once."""
        inside: list[ast.AST] = list(function.body)
        for node in inside:  # it grows meanwhile
            if not isinstance(node, Function | ast.ClassDef | ast.Lambda):
                inside += children(node)
        returned = [each.value for each in inside if isinstance(each, ast.Return) and each.value]
        return bool(returned) and all(
            not self._calls_at_once(each) and _root(each) in self._imported for each in returned
        )

    def _calls_at_once(self, decorator: ast.expr) -> bool:
        """Whether a decorator, or another function, may call what it is given there and then.

        Decorators of other packages don't (`functools.cache`, `pytest.mark`, `app.route`), but for
        a few of the standard library that call it later by themselves.
        """
        root: ast.expr = decorator
        named = False
        while isinstance(root, ast.Attribute | ast.Call):
            named = named or isinstance(root, ast.Attribute)
            root = root.value if isinstance(root, ast.Attribute) else root.func
        if not isinstance(root, ast.Name):
            return True
        if root.id in _ONLY_WRAP:
            return False
        if named and root.id in self._named and root.id not in self._classes:
            return False  # `@cli.command()`: what a decorator has made of a function
        return root.id in self._named or root.id in _CALL_LATER or root.id in _BUILTINS


@dataclass(slots=True)
class _Uses:
    """What code that runs puts to use."""

    classes: set[str] = field(default_factory=set)
    """Those of the module that are named."""
    called: set[str] = field(default_factory=set)
    """Names that are called, or that something is given which calls them."""
    methods: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    """Those that are read, set or deleted, which may be properties."""
    given: dict[str, set[str]] = field(default_factory=dict)
    """A function's parameter → names that it is given."""
    made: dict[str, set[str]] = field(default_factory=dict)
    """Name → what runs of the objects that it stands for when they are given away."""
    handed: set[str] = field(default_factory=set)
    """Names that other modules' functions are given."""
    own_module: set[str] = field(default_factory=set)
    """Names that stand for the file's own module, or all that it holds."""
    any_module: set[str] = field(default_factory=set)
    """Names that stand for a module that nobody knows."""
    by_text: dict[str, list[ByText]] = field(default_factory=dict)
    """Name → what it stands for."""
    called_by_text: list[ByText] = field(default_factory=list)
    of_one_function: bool = False
    """What others do with what they are given is not known: they are taken to call it."""

    def functions_called(self) -> set[str]:
        """Give the names that are called, those that a called parameter was given as well."""
        handed = list(self.handed)
        for name in handed:  # it grows meanwhile
            handed += self.given.get(name, set()).difference(handed)
        found = self.called.union(*(self.made.get(name, ()) for name in handed))
        if self.own_module or self.any_module:
            found |= {name[1:] for name in found if name.startswith(".")}
        waiting = list(found)
        for name in waiting:  # it grows meanwhile
            maker, _, of_objects = name.rpartition(".")
            new = self.given.get(name, set()) - found
            if of_objects == GIVEN:
                new = {f"{each}.{GIVEN}" for each in self.given.get(maker, ())} - found
            found |= new
            waiting += new
        return found


def _of_the_module(body: Sequence[ast.stmt], name: str) -> Iterator[Function]:
    """Yield the functions of a name that stand in no other function or class."""
    waiting: list[ast.AST] = list(body)
    for node in waiting:  # it grows meanwhile
        if isinstance(node, Function):
            if node.name == name:
                yield node
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            waiting += children(node)


def _is_of_python(module: str) -> bool:
    root = module.partition(".")[0]
    return root in sys.stdlib_module_names and root not in _PASSIVE


def _runs_with_its_class(method: Function) -> bool:
    """Whether a method runs when an object of its class is made, or used at all."""
    made_by = (getattr(each, "func", each) for each in method.decorator_list)
    return method.name in RUN_WITH_A_CLASS or any(
        last_name(each) in _RUN_WITH_AN_OBJECT for each in made_by
    )


def _root(expression: ast.expr) -> str:
    """Name what the attributes of an expression begin with; "" when that is no name."""
    while isinstance(expression, ast.Attribute):
        expression = expression.value
    return expression.id if isinstance(expression, ast.Name) else ""


def _is_of_self(node: ast.expr) -> TypeGuard[ast.Attribute]:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and plain(node.value.id) in ("self", "cls")
    )


def _returned(function: Function) -> list[Function]:
    """Give the functions in a function that it returns by their names."""
    names: set[str] = set()
    inner: list[Function] = []
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Function):
            inner.append(node)
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Name):
            names.add(node.value.id)
        elif not isinstance(node, ast.ClassDef):
            waiting += children(node)
    return [each for each in inner if each.name in names]


def parameters_given(
    function: Function | ast.Lambda, call: ast.Call
) -> Iterator[tuple[str, ast.expr]]:
    """Pair the parameters of a function with what a call gives it; a method's without `self`."""
    names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
    by_name = {plain(each): each for each in (*names, *(a.arg for a in function.args.kwonlyargs))}
    if names and plain(names[0]) in ("self", "cls"):
        names = names[1:]
    yield from zip(names, call.args, strict=False)
    if function.args.vararg:
        yield from ((function.args.vararg.arg, each) for each in call.args[len(names) :])
    for keyword in call.keywords:
        if keyword.arg in by_name:
            yield by_name[keyword.arg], keyword.value
        elif function.args.kwarg:
            yield function.args.kwarg.arg, keyword.value


@dataclass(frozen=True, slots=True)
class _Step:
    """What a function does itself."""

    lines: set[int]
    """Where its expressions and statements begin."""
    functions: list[Function]
    """Those of the same module that it has run."""


def _is_main_guard(node: ast.AST) -> TypeGuard[ast.If]:
    """Whether this is `if __name__ == "__main__":`, for which somebody must start the file."""
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__"
        and isinstance(node.test.ops[0], ast.Eq)
        and len(node.test.comparators) == 1
        and isinstance(node.test.comparators[0], ast.Constant)
        and node.test.comparators[0].value == "__main__"
    )


def _changes_main(node: ast.AST) -> bool:
    """Whether this could give `__name__` another value."""
    if isinstance(node, ast.Name):
        return node.id == "__name__" and not isinstance(node.ctx, ast.Load)
    return isinstance(node, ast.Constant) and node.value == "__name__"


def _running_children(node: ast.AST) -> Sequence[ast.AST]:
    """Give what runs when this node runs: of a function, its decorators and defaults."""
    if isinstance(node, Function):
        return [*node.decorator_list, node.args]
    return children(node)
