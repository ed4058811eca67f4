"""Roundabout ways of calling something: named in settings, in a syntax tree, or by a text.

Libraries call what a text names. Where the text names what starts programs or runs code, nobody
wrote it that way who had not something to hide.
"""

import ast
import re
from collections.abc import Iterator

from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.dataflow import Call, Flow, Label

Found = tuple[str, tuple[ast.expr, ...]]

_CONFIGURES = "logging.config.dictConfig"
_FACTORY = "()"
_NAMES_OF_TREES = tables.Table(("ast.Name", "ast.Attribute"))
_BAD_NAMES = {"__import__", "exec", "eval", "system", "popen", "Popen", "check_output"}
_METHOD_CALLER = tables.Table(("operator.methodcaller",))
_BAD_METHODS = {"system", "popen", "Popen", "execv", "spawnl"}
"""Not `eval`: frames have it. What is called with `builtins` is seen anyway."""
_BUILTINS = {"vars()", "__dict__", "__builtins__"}
"""The names of `vars(builtins)` and the like, without `builtins.`, which goes without saying."""
_COMPILES = tables.Table(
    (
        *("torch.utils.cpp_extension.load_inline", "cppyy.cppdef", "cppyy.cppexec"),
        *("cffi.FFI().verify", "scipy.weave.inline", "rpy2.robjects.r", "rpy2.robjects.r()"),
        *("julia.Main.eval", "juliacall.Main.seval", "juliacall.Main.eval", "js2py.eval_js"),
        *("lupa.LuaRuntime().execute", "lupa.LuaRuntime().eval", "oct2py.octave.eval"),
        *("hy.eval", "hy.read*"),
    )
)
_TAKES_A_FUNCTION = tables.Table(
    (
        *("sqlite3.connect().create_*", "sqlite3.Connection().create_*"),
        *("tkinter.Tcl().createcommand", "tkinter.Tk().createcommand"),
    )
)
"""Calls that give a language of its own a function, which a text in it calls."""
_FOREIGN_STARTS = re.compile(
    r"\b(?:system2?|shell|popen|os\.execute|execl[pe]?|execvp?e?|execSync|require)\s*\(|\brun\(`"
    r"|\(\s*(?:os|subprocess)\.(?:system|popen|run|call|Popen)\b"
)
"""How programs are started in C, R, Julia, Lua, Octave and JavaScript, and in Hy."""
_EVALUATES = {"query", "eval", "evaluate", "from_string", "format_map"}
"""Methods that evaluate a text in a language of their own."""
_LEAVES = re.compile(
    r"__(?:import|globals|builtins|subclasses|class|mro|loader|code|dict)__"
    r"|@[\w.]*\b(?:os|sys|subprocess|builtins|posix|shutil|importlib)\."
)
"""How such a text comes to what it isn't given."""
_SQL = tables.Table(("duckdb.*",))
_SQL_LOADS = re.compile(r"\bINSTALL\b.{0,80}\bFROM\s+'https?://", re.IGNORECASE | re.DOTALL)
_SQL_SENDS = re.compile(r"\bTO\s+'(?:https?|s3|gs|gcs|r2|azure)://", re.IGNORECASE)
_RENDERS = {"render", "render_async", "generate", "stream"}
_MODULES_THAT_START = {"os", "subprocess", "builtins", "importlib", "shutil", "posix", "pty"}
_GIVES_SOURCE = {"get_source", "get_data", "source_to_code"}


def of_roundabout_calls(flow: Flow) -> Iterator[Found]:
    """Yield the calls of a file that call something in a roundabout way."""
    runs = any(call.does(tables.RUNS) for call in flow.calls)
    for call in flow.calls:
        if (call.does(_NAMES_OF_TREES) and runs and _names(call, flow) & _BAD_NAMES) or (
            (call.does(_METHOD_CALLER) and _names(call, flow) & _BAD_METHODS)
            or (_CONFIGURES in call.names and _has_bad_factory(call, flow))
            or (call.does(_COMPILES) and _FOREIGN_STARTS.search(flow.text(*call.everything)))
            or (call.does(_TAKES_A_FUNCTION) and _gives_a_bad_function(call, flow))
            or _is_looked_up_decoded(call, flow)
            or _evaluates_what_leaves(call, flow)
            or _gives_a_module_away(call, flow)
        ):
            yield "hides-what-it-calls", (call.node,)
        if call.does(_SQL):
            text = flow.text(*call.arguments[:1])
            if _SQL_LOADS.search(text):
                yield "runs-downloaded-code", (call.node,)
            if _SQL_SENDS.search(text) and Label.SECRET in flow.labels(*call.arguments):
                yield "sends-secrets", (call.node,)
    yield from _of_loaders(flow)


def _names(call: Call, flow: Flow) -> set[str]:
    return {text for each in call.everything[:2] for text in flow.text(each).split("\n")}


def _gives_a_bad_function(call: Call, flow: Flow) -> bool:
    names = {name for each in call.everything for name in flow.expressions.names(each)}
    return bool({tables.STARTS, tables.RUNS} & tables.with_any(names))


def _has_bad_factory(call: Call, flow: Flow) -> bool:
    """Whether settings of `logging` have something made by what starts programs or runs code."""
    waiting: list[ast.AST] = [
        value
        for each in call.everything
        for value in (flow.feeds(each.id) if isinstance(each, ast.Name) else [each])
    ]
    for node in (inner for each in waiting for inner in ast.walk(each)):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == _FACTORY:
                    named = {flow.text(value), *flow.expressions.names(value)}
                    if {tables.STARTS, tables.RUNS} & tables.with_any(named):
                        return True
    return False


def _evaluates_what_leaves(call: Call, flow: Flow) -> bool:
    """Whether this is `frame.query("a == @os.system('…')")`."""
    function = call.node.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in _EVALUATES
        and _LEAVES.search(flow.text(*call.arguments[:1])) is not None
    )


def _gives_a_module_away(call: Call, flow: Flow) -> bool:
    """Whether a template is rendered with a module that starts programs."""
    function = call.node.func
    if not (isinstance(function, ast.Attribute) and function.attr in _RENDERS):
        return False
    names = {name for _, value in call.keywords for name in flow.expressions.names(value)}
    return not names.isdisjoint(_MODULES_THAT_START)


def _is_looked_up_decoded(call: Call, flow: Flow) -> bool:
    """Whether this is `vars(builtins)[name[::-1]](…)`."""
    function = call.node.func
    return (
        isinstance(function, ast.Subscript)
        and bool(_BUILTINS & flow.expressions.names(function.value))
        and Label.DECODED in flow.labels(function.slice)
    )


def _of_loaders(flow: Flow) -> Iterator[Found]:
    """Yield what an importer of its own gives as source code, when that was decoded or fetched."""
    if not any(name.startswith("importlib.") for name in flow.expressions.imports.values()) and (
        "importlib" not in flow.expressions.imports
    ):
        return
    for name in _GIVES_SOURCE:
        for value in flow.feeds(f".{name}()"):
            labels = flow.labels(value)
            if Label.DOWNLOADED in labels:
                yield "runs-downloaded-code", (value,)
            elif Label.DECODED in labels:
                yield "runs-decoded-code", (value,)
            elif Label.OWN_FILE in labels:
                yield "runs-own-data", (value,)
