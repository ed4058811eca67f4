"""Where the nodes of a module belong, and what gives a name its value."""

import ast
from collections.abc import Iterable, Sequence

from package_gate.core.import_time import reach_of
from package_gate.core.nodes import Function
from package_gate.core.scopes import plain

ONLY_SAY = {"print", "warn", "debug", "info", "warning", "error", "exception", "critical", "log"}
"""Methods that leave their object as it is."""


class Statements:
    """Where the nodes of a module belong, and what gives a name its value."""

    def __init__(self, module: ast.Module, running: Iterable[ast.AST] | None = None) -> None:
        """Take a module; with `running`, only what these nodes do gives names their values."""
        self.module = module
        self.statement: dict[int, ast.stmt] = {}
        """Node → the statement that it is a part of."""
        self.around: dict[int, list[ast.stmt]] = {}
        """Statement → those that it stands in, the innermost first."""
        self.before: dict[int, list[ast.stmt]] = {}
        """Statement → what comes before it in its block."""
        self.stores: dict[str, list[ast.stmt]] = {}
        """Name or `.attribute` → the statements that may change its value."""
        self.functions: dict[str, list[Function | ast.ClassDef]] = {}
        """Name or `.method` → what is defined with it."""
        self.calls: dict[str, list[ast.stmt]] = {}
        """Name or `.method` → the statements that call it."""
        self.imports: dict[str, list[str]] = {}
        """Name → the dotted names that are imported as it."""
        self.own_calls: dict[str, list[ast.stmt]] = {}
        """Method → the statements that call it by `self` or `cls`."""
        self._place(module.body, [])
        for node in reach_of(module).nodes if running is None else running:
            self._note(node)

    def _place(self, body: Sequence[ast.stmt], around: list[ast.stmt]) -> None:
        waiting: list[tuple[Sequence[ast.stmt], list[ast.stmt]]] = [(body, around)]
        while waiting:
            block, outer = waiting.pop()
            for number, statement in enumerate(block):
                self.around[id(statement)] = outer
                self.before[id(statement)] = list(block[:number]) if outer else []
                inner = [statement, *outer]
                for each in blocks_of(statement):
                    waiting.append((each, inner))
                parts: list[ast.AST] = [statement]
                while parts:
                    part = parts.pop()
                    self.statement[id(part)] = statement
                    parts += (each for each in ast.iter_child_nodes(part) if not is_block(each))

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            self._store(node.id, node)
        elif isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            if isinstance(node, ast.Attribute):
                self._store(f".{node.attr}", node)
            for each in ast.walk(node.value):
                if isinstance(each, ast.Name):
                    self._store(each.id, node)
        elif isinstance(node, Function | ast.ClassDef):
            self.functions.setdefault(node.name, []).append(node)
            if isinstance(node, ast.ClassDef):
                for each in node.body:
                    if isinstance(each, Function):
                        self.functions.setdefault(f".{each.name}", []).append(each)
                    for target in getattr(each, "targets", [getattr(each, "target", None)]):
                        if isinstance(target, ast.Name):
                            self.stores.setdefault(f".{target.id}", []).append(each)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            base = ""
            if isinstance(node, ast.ImportFrom):
                base = "." * node.level + (node.module or "")
                base += "" if base.endswith(".") or not base else "."
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                whole = f"{base}{alias.name}" if base or alias.asname else bound
                self.imports.setdefault(bound, []).append(whole)
        elif isinstance(node, ast.Call):
            self._note_call(node)

    def _note_call(self, node: ast.Call) -> None:
        statement = self.statement.get(id(node))
        if statement is None:
            return
        name = ""
        if isinstance(node.func, ast.Name):
            name = node.func.id
        elif isinstance(node.func, ast.Attribute):
            name = f".{node.func.attr}"
            if isinstance(node.func.value, ast.Name):
                if plain(node.func.value.id) in ("self", "cls"):
                    self.own_calls.setdefault(node.func.attr, []).append(statement)
                elif node.func.attr not in ONLY_SAY:
                    self._store(node.func.value.id, node)  # a method may change its object
        self.calls.setdefault(name, []).append(statement)
        for each in (*node.args, *(keyword.value for keyword in node.keywords)):
            if isinstance(each, ast.Name | ast.Attribute):
                # Whatever is given it may change it, or call it.
                handed = each.id if isinstance(each, ast.Name) else f".{each.attr}"
                self.calls.setdefault(handed, []).append(statement)
                if name.lstrip(".") not in ONLY_SAY and isinstance(each, ast.Name):
                    self._store(each.id, node)

    def _store(self, name: str, node: ast.AST) -> None:
        statement = self.statement.get(id(node))
        if statement is not None:
            self.stores.setdefault(name, []).append(statement)

    def function_of(self, statement: ast.stmt) -> Function | None:
        """Give the function that a statement stands in."""
        return next((e for e in self.around[id(statement)] if isinstance(e, Function)), None)

    def callers(self, function: Function) -> list[ast.stmt]:
        """Give the statements that call a function; a method's by `self` or with its class."""
        owner = self.class_of(function)
        if owner is None:
            return self.calls.get(function.name, [])
        found = list(self.own_calls.get(function.name, ()))
        return [*found, *self.calls.get(owner.name, ())]

    def results_of(self, function: Function) -> list[ast.stmt]:
        """Give the statements with which a function gives something back."""
        return [
            each
            for each in self.inside(function)
            if isinstance(each, ast.Return)
            or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Yield | ast.YieldFrom))
        ]

    def inside(self, function: Function) -> list[ast.stmt]:
        """Give a function's statements, but for those of functions in it."""
        found: list[ast.stmt] = []
        waiting = list(function.body)
        while waiting:
            each = waiting.pop()
            found.append(each)
            if not isinstance(each, Function | ast.ClassDef):
                waiting += (inner for block in blocks_of(each) for inner in block)
        return found

    def class_of(self, statement: ast.stmt) -> ast.ClassDef | None:
        """Give the class whose method this is."""
        around = self.around[id(statement)]
        return around[0] if around and isinstance(around[0], ast.ClassDef) else None


def blocks_of(statement: ast.AST) -> list[list[ast.stmt]]:
    """Give the blocks of statements that a statement holds."""
    blocks = [getattr(statement, name, None) for name in ("body", "orelse", "finalbody")]
    found = [each for each in blocks if isinstance(each, list)]
    for each in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        found.append(each.body)
    return found


def is_block(node: ast.AST) -> bool:
    """Whether this belongs to a block of another statement."""
    return isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case)
