"""Which files code runs that are data by their names: `exec(open("notes.txt").read())`.

What such a call reads is named in the code, or not at all. Whether the name is one of the package's
files depends on the artifact; so the names are gathered here, and looked up by `OwnFiles`.
"""

import ast
import fnmatch
import hashlib
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeGuard

from package_gate.core import pickles
from package_gate.core.folding import UNKNOWN
from package_gate.core.scopes import is_local
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.dataflow import Call, Flow, Label
from package_gate.scanners.behaviour.handed_over import only_shows
from package_gate.scanners.behaviour.scripts import harm_in

_MOST = 2000
"""Expressions that are looked at for one call."""
_MAX_NAME = 4096
"""Characters of a path; Linux opens none that is longer."""
_MAX_SCRIPT = 1024 * 1024
_MAX_ODD_SCRIPT = 64 * 1024
"""Bytes of a script whose name says nothing of it."""
_LANGUAGES = {"hy": ".hy", "pyximport": ".pyx", "coconut": ".coco"}
"""Package → files that Python imports as modules once the package is there."""
_READS = {
    *("read", "read_text", "read_bytes", "readlines", "readline", "get_data", "open_text"),
    *("open_binary", "read_binary", "getline", "getlines", "resource_string", "open"),
}
_LISTS = {
    *("listdir", "scandir", "iterdir", "walk", "fwalk", "contents", "resource_listdir"),
    *("glob", "iglob", "rglob", "namelist", "getnames"),
}
"""Functions and methods that give what is in a folder, or in an archive."""
_DATABASES = {"sqlite3.connect"}
_BY_PATTERN = {"glob", "iglob", "rglob"}
_OF_TREES = ("ast.", "libcst.", "lib2to3.", "email.", "networkx.")
"""How the names of functions begin that walk through something else than folders."""
_NEITHER = re.compile(r"\.(?:so|pyd|dll|dylib|a|lib|o)(?:\.[\d.]+)?$|\.(?:dist|egg)-info/", re.I)
_LIBRARY = re.compile(r"\.(?:so|dll|dylib|pyd)(?:\.[\d.]+)?$", re.IGNORECASE)
_LOADER = "ExtensionFileLoader"
_SUFFIX_ALONE = re.compile(r"^(?:__file__|[^.\n]*)$", re.MULTILINE)
_MODULES = (".py", ".pyw", ".pyi")
_LOADS_BY_SUFFIX = {"importlib.util.spec_from_file_location"}
_NO_LOADERS = ("name", "location", "submodule_search_locations")
"""What it may be given besides a loader. Without one it chooses it by the file's suffix."""
_MORE_SUFFIXES = re.compile(rb"_SUFFIXES\b\s*(?:\.\s*(?:append|insert|extend)\b|\+=|\[)")
"""What lets it choose one for other suffixes as well."""
_SHELL_SCRIPTS = ("", ".sh", ".bash", ".zsh", ".command")
_SHELL = r"(?:ba|z|da|k|a|c|tc|fi|xon)?sh(?:\.exe)?"
_PYTHON = r"python[\d.]*w?(?:\.exe)?"
_OTHERS = (
    r"(?:perl|ruby|node|nodejs|deno\s+run|bun|php|rscript|lua|tclsh|wish|expect|osascript|guile"
    r"|gawk\s+-f|mawk\s+-f|sed\s+-f|gdb\s+-x|busybox\s+sh|pwsh|powershell)[\d.]*(?:\.exe)?"
)
_MAKE = r"(?:g|n|d)?make"
_OTHER_SCRIPTS = (
    *(".pl", ".pm", ".rb", ".js", ".mjs", ".cjs", ".php", ".awk", ".r", ".lua", ".tcl", ".exp"),
    *(".scm", ".sed", ".gdb", ".ps1", ".ts", ".scpt", ".sh", ""),
)
_SCRIPTS = tuple(filter(None, (*_SHELL_SCRIPTS, *_OTHER_SCRIPTS)))
_CHANGES_PLACES = {"insert", "reverse", "sort", "pop", "clear", "__setitem__", "remove"}
_ANY = ("*",)
"""Of files that may have any suffix."""
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_BEFORE = r"(?:^|[\s/;&|(\"'`=!])"
_RUN_BY_OPTION = (
    r"(?:\bcore\.(?:sshcommand|fsmonitor|editor|pager|askpass|gitproxy|alternaterefscommand)"
    r"|\bcredential\.helper|\b(?:diff|filter|merge|gpg|pager|alias|sequence)\.[\w.]+"
    r"|\b(?:proxy|local)command|--(?:upload-pack|receive-pack|rsh|to-command|use-compress-program)"
    r"|--checkpoint-action=exec)"
)
"""Settings of git, ssh, tar and rsync that say what these start."""
_FILE = r"([^\s;&|<>()\"'`-][^\s;&|<>()\"'`]*)"
_RUN_BY: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern, re.MULTILINE | re.IGNORECASE), suffixes)
    for pattern, suffixes in (
        (rf"{_BEFORE}{_PYTHON}\s+(?:-[^\sm]\S*\s+)*{_FILE}", _MODULES),
        (rf"{_BEFORE}{_SHELL}\s+(?:-[^\sc]\S*\s+)*{_FILE}", _SHELL_SCRIPTS),
        (rf"(?:^|[\s;&|(\"'`])(?:\.|source)\s+['\"]?{_FILE}", _SHELL_SCRIPTS),
        (rf"{_BEFORE}{_SHELL}\b[^|;&\n]*<\s*{_FILE}", _SHELL_SCRIPTS),
        (rf"{_BEFORE}{_PYTHON}\b[^|;&\n]*<\s*{_FILE}", _MODULES),
        (rf"\bcat\s+{_FILE}[^|;&]*\|\s*(?:sudo\s+)?(?:\S*/)?{_SHELL}\b", _SHELL_SCRIPTS),
        (rf"\bcat\s+{_FILE}[^|;&]*\|\s*(?:sudo\s+)?(?:\S*/)?{_PYTHON}\b", _MODULES),
        (rf"(?:\beval\b|-c\b)[^\n]*?(?:\$\(|`)\s*(?:cat\s+|<\s*){_FILE}", _SHELL_SCRIPTS),
        (rf"{_BEFORE}{_OTHERS}\s+(?:-\S+\s+)*{_FILE}", _OTHER_SCRIPTS),
        (rf"{_BEFORE}{_OTHERS}\b[^|;&\n]*<\s*{_FILE}", _OTHER_SCRIPTS),
        (rf"{_BEFORE}[gmn]?awk\b[^|;&\n]*?\s(?:-f|--file=)\s*{_FILE}", _OTHER_SCRIPTS),
        (rf"{_BEFORE}{_SHELL}\b[^|;&\n]*?\s--(?:rcfile|init-file)[\s=]+{_FILE}", _SHELL_SCRIPTS),
        (rf"{_RUN_BY_OPTION}\s*[\s=]\s*['\"!]*{_FILE}", _SHELL_SCRIPTS),
        (rf"{_BEFORE}{_MAKE}\b[^|;&\n]*?\s(?:-f|--(?:make)?file=)\s*{_FILE}", _ANY),
    )
)  # fmt: skip
"""How a command has an interpreter run a file, and what files of its kind are called."""
_MAKES = re.compile(
    rf"(?:^|[;&|(]\s*|\b(?:sudo|env|exec|nice|time)\s+|/){_MAKE}(?=\s|$)(?![^;&|]*\s-f)",
    re.IGNORECASE,
)
"""A command that reads the Makefile of its folder."""
_TAKE_ALL = re.compile(
    r"os\.(?:exec|spawn|posix_spawn)\w*|asyncio\.(?:.*\.)?(?:create_)?subprocess_exec"
)
"""What is given a program's words one by one."""
_HELD_BY_CODE = {"__doc__", "__defaults__", "__kwdefaults__", "co_consts"}
_LOOKED_AT = {"exec", "eval"}
_UNSAFE = {"allow_pickle": True, "weights_only": False, "safe_mode": False}
"""What NumPy, torch and Keras are told when they may run what a file holds."""
_UNPICKLE = {
    f"{module}.{name}"
    for module in ("pickle", "_pickle")
    for name in ("load", "loads", "Unpickler")
}
_LOADS_A_LIBRARY = {
    *("ctypes.CDLL", "ctypes.PyDLL", "ctypes.cdll.LoadLibrary", "ctypes.pydll.LoadLibrary"),
    *("importlib.machinery.ExtensionFileLoader", "sqlite3.connect().load_extension"),
}
_PROGRAM = b"\x7fELF"
_LIBRARIES = (
    _PROGRAM,
    b"MZ",
    b"\xfe\xed\xfa",
    b"\xca\xfe\xba\xbe",
    b"\xce\xfa\xed",
    b"\xcf\xfa\xed",
)
"""How libraries of Linux, Windows and macOS begin."""
_START = 4
_LOCATES = "locate_file"
_METADATA = re.compile(r"\.(?:dist|egg)-info\b|^(?:METADATA|PKG-INFO|RECORD)$")


@dataclass(frozen=True, slots=True)
class Named:
    """What a call reads and runs."""

    texts: tuple[str, ...]
    """What may name a file, in the call itself and in what leads to it."""
    reads: bool = False
    """Whether a file is read, or there is too much to follow."""
    suffixes: tuple[str, ...] = _MODULES
    """Of files that hold what the interpreter is for."""
    hidden: bool = False
    """Whether it is a text of the package's metadata, or of the very file (a comment)."""
    pickled: bool = False
    """Whether it is unpickled, which does nothing where a pickle holds data alone."""
    library: bool = False
    """Whether it is loaded as a library, which only a library can be."""
    by_suffix: bool = False
    """Whether it is loaded by what takes files only that are called like code."""
    listed: tuple[str, ...] = ()
    """Patterns of files that are found by listing a folder."""
    cut: bool = False
    """Whether there is too much to follow."""
    is_script: bool = False
    """Whether an interpreter that is no Python is told to run it."""


def named_by(call: Call, flow: Flow) -> Iterator[Named]:
    """Give the files that a call may run, as far as they are named."""
    if call.does(tables.RUNS_THE_FIRST):
        code = [value for key, value in call.keywords if key in ("cmd", "statement", "expr")]
        yield from _found(_Search(flow).of(call, [*call.arguments[:1], *code]))
    elif call.does(tables.RUNS) or call.does(tables.LOADS_A_FILE) or _unpickles(call):
        if _LOOKED_AT & call.names and _is_held_by_code(call, flow):
            yield Named((), hidden=True)
        found_here = _Search(flow).of(call, flow.run_by(call))
        yield from _found(
            found_here
            and replace(
                found_here,
                pickled=call.names <= _UNPICKLE and not _knows_objects_by_name(flow),
                library=call.names <= _LOADS_A_LIBRARY or _is_for_extensions(call, flow),
                by_suffix=call.names <= _LOADS_BY_SUFFIX
                and all(key in _NO_LOADERS for key, _ in call.keywords),
            )
        )
    elif call.does(tables.STARTS):
        words = call.arguments if any(map(_TAKE_ALL.match, call.names)) else call.arguments[:1]
        command = flow.text(*words)
        found = _run_by_command(command)
        yield from found
        if all(UNKNOWN in text for each in found for text in each.texts):  # it may be an option
            yield from _found(_read_by_a_shell(call, flow, command))
        if _MAKES.search(command.replace("\n", " ")):
            yield Named(_MAKEFILES, suffixes=_ANY, is_script=True)
    elif handed := _handed_command(call, flow):
        yield from _run_by_command(handed)
    elif (call.does(tables.PIPES) and _is_of_interpreter(call, flow)) or _unpacks_code(call, flow):
        yield from _found(_Search(flow).of(call, call.everything))


def _run_by_command(command: str) -> list[Named]:
    """Give the files that a command runs."""
    # One word a line is what a list of words looks like; `execlp("sh", "sh", …)` has one twice,
    # `spawnlp` a mode before it.
    found: dict[Named, None] = {}
    whole = command.replace("\n", " ")
    for line in (command, whole, *(whole.split(" ", n)[-1] for n in (1, 2))):
        for pattern, suffixes in _RUN_BY:
            for match in pattern.finditer(line):
                is_script = suffixes != _MODULES
                found[Named((match[1],), suffixes=suffixes, is_script=is_script)] = None
    return list(found)


def _handed_command(call: Call, flow: Flow) -> str:
    """Give a text by which an interpreter runs a file, and that any function is given; "" for none.

    Nobody can name all functions that start a program.
    """
    for each in call.everything:
        text = flow.text(each)
        first = text.split(maxsplit=1)[:1]
        if first and tables.INTERPRETERS.fullmatch(first[0]) and not only_shows(call, flow):
            return text
    return ""


def _is_for_extensions(call: Call, flow: Flow) -> bool:
    """Whether a loader is named that loads compiled modules alone."""
    loader = dict(call.keywords).get("loader")
    made = getattr(loader, "func", loader)
    names = flow.expressions.names(made) if isinstance(made, ast.expr) else ()
    named = {name.rpartition(".")[2] for name in names}
    return _LOADER in named or any(_LOADER in flow.bases.get(each, ()) for each in named)


def libraries_named_by(call: Call, flow: Flow) -> tuple[str, ...]:
    """Give the texts that may name the library which a call loads."""
    found = _Search(flow).of(call, call.everything)
    return found.texts if found else ()


def of_another_language(node: ast.Import | ast.ImportFrom) -> Iterator[Named]:
    """Give the package's modules in a language that can be imported once this is."""
    module = node.module or "" if isinstance(node, ast.ImportFrom) and not node.level else ""
    names = [each.name for each in node.names] if isinstance(node, ast.Import) else [module]
    for name in names:
        if suffix := _LANGUAGES.get(name.partition(".")[0]):
            yield Named((f"{UNKNOWN}{suffix}",))


def _found(named: "Named | None") -> Iterator[Named]:
    if named is not None:
        yield named


def _is_held_by_code(call: Call, flow: Flow) -> bool:
    """Whether this runs a docstring, a default value or the like, which nobody reads as code."""
    given = list(call.arguments[:1])
    seen = set(map(id, given))
    for each in given:  # it grows meanwhile
        further: Sequence[ast.expr] = ()
        if isinstance(each, ast.Name):
            further = [value for value in flow.feeds(each.id) if not isinstance(value, ast.Name)]
        elif isinstance(each, ast.Call) and "compile" in flow.expressions.names(each.func):
            further = each.args[:1]
        # `code = compile(code, …)` leads back to itself.
        given += [value for value in further if id(value) not in seen]
        seen.update(map(id, further))
    held = set(_HELD_BY_CODE)
    if "exec" in call.names:  # types that are written as texts are evaluated by many
        held.add("__annotations__")
    return any(
        (isinstance(node, ast.Attribute) and node.attr in held)
        or (isinstance(node, ast.Name) and node.id == "__doc__")
        for each in given
        for node in _walk_what_runs(each, flow)
    )


def _walk_what_runs(expression: ast.expr, flow: Flow) -> Iterator[ast.AST]:
    """Yield the nodes of an expression that become code.

    What a code object is made of runs as code that was looked at, and what `%(name)r` puts into a
    text is a literal there.
    """
    waiting: list[ast.AST] = [expression]
    for node in waiting:  # it grows meanwhile
        yield node
        if isinstance(node, ast.Call) and "types.CodeType" in flow.expressions.names(node.func):
            continue
        literals = set(map(id, _literals_of(node)))
        waiting += (
            inner
            for each in ast.iter_child_nodes(node)
            for inner in _parts(each)
            if id(inner) not in literals
        )


def _parts(node: ast.AST) -> Iterable[ast.AST]:
    return node.values if isinstance(node, ast.Dict) else (node,)


def _literals_of(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what a template puts into its text as a literal."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod)):
        return
    template = getattr(node.left, "value", None)
    if isinstance(template, str) and isinstance(node.right, ast.Dict):
        for key, value in zip(node.right.keys, node.right.values, strict=True):
            name = getattr(key, "value", None)
            if isinstance(name, str) and set(
                re.findall(rf"%\({re.escape(name)}\)(.)", template)
            ) == {"r"}:
                yield value


def _is_of_interpreter(call: Call, flow: Flow) -> bool:
    """Whether the program that is given its input runs it."""
    node: ast.expr = call.node.func
    while isinstance(node, ast.Attribute):
        node = node.value
    started = flow.feeds(node.id) if isinstance(node, ast.Name) else [node]
    words = [flow.text(*each.args[:1]).split() for each in started if isinstance(each, ast.Call)]
    return any(each and tables.INTERPRETERS.fullmatch(each[0]) for each in words)


def _unpacks_code(call: Call, flow: Flow) -> bool:
    """Whether this writes a file of code that is made of something encoded or compressed."""
    path = flow.written_path(call)
    is_code = path is not None and tables.CODE_FILE.fullmatch(flow.text(path))
    return bool(is_code) and Label.DECODED in flow.labels(*call.everything)


def _knows_objects_by_name(flow: Flow) -> bool:
    """Whether an unpickler may be told which objects a pickle's own names stand for."""
    return any(
        "persistent_load" in (getattr(node, field, None) for field in ("attr", "name", "value"))
        for node in flow.of_kind(ast.Attribute, ast.FunctionDef, ast.Constant)
    )


def _unpickles(call: Call) -> bool:
    """Whether this loads what may be a pickle, or code: `numpy.load(…, allow_pickle=True)`."""
    return any(
        _UNSAFE.get(key or "") is value.value
        for key, value in call.keywords
        if isinstance(value, ast.Constant) and isinstance(value.value, bool)
    )


def _read_by_a_shell(call: Call, flow: Flow, command: str) -> Named | None:
    """Give the files that hold a command, or what an interpreter is given as its input."""
    words = command.split()
    into = [value for key, value in call.keywords if key in ("stdin", "input")]
    expressions = list(call.arguments[:1])
    if words and tables.INTERPRETERS.fullmatch(words[0]):
        expressions += into
    elif _only_gives_to(call, flow):
        return None
    search = _Search(flow)
    named = search.of(call, expressions)
    if named is None or not named.reads:
        return None
    # Of all that a command is made of, only what is read counts.
    return _Search(flow).of(call, search.read_from) if search.read_from else Named(())


def _only_gives_to(call: Call, flow: Flow) -> bool:
    """Whether a program that is named here, and runs nothing, is given its words one by one."""
    shells = [value for key, value in call.keywords if key == "shell"]
    if any(getattr(each, "value", True) is not False for each in shells):
        return False
    lists = [*_beginnings(call.arguments[0], flow)] if call.arguments else []
    programs = [each.elts[0] for each in lists if isinstance(each, ast.List | ast.Tuple)]
    names = [name for each in programs for name in flow.text(each).split("\n")]
    return len(programs) == len(lists) > 0 and all(
        UNKNOWN not in name
        and name.isprintable()
        and name != ""
        and not tables.INTERPRETERS.fullmatch(name)
        for name in names
    )


def _beginnings(words: ast.expr, flow: Flow, *, further: bool = True) -> Iterator[ast.expr]:
    """Yield what words begin with, whatever is added to them: lists that have some, or others."""
    while isinstance(words, ast.BinOp) and isinstance(words.op, ast.Add):
        words = words.left
    values = flow.expressions.values.get(words.id, []) if isinstance(words, ast.Name) else []
    if not (values and further) or _changes_its_first(words, flow):
        empty = isinstance(words, ast.List | ast.Tuple) and not words.elts
        yield ast.Constant("") if empty else words
        return
    added = {id(each.value) for each in flow.of_kind(ast.AugAssign)}
    for value in values:
        if id(value) not in added:
            yield from _beginnings(value, flow, further=False)


def _changes_its_first(words: ast.expr, flow: Flow) -> bool:
    """Whether something else may come to stand first in a list: an item that is set or inserted."""
    changed = [
        target.value
        for node in flow.of_kind(ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Subscript)
    ]
    changed += [
        call.node.func.value
        for call in flow.calls
        if isinstance(call.node.func, ast.Attribute) and call.node.func.attr in _CHANGES_PLACES
    ]
    return getattr(words, "id", "") in {getattr(each, "id", None) for each in changed}


class _Search:
    """Follows what a call is given."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._seen: set[int] = set()
        self._given: set[str] = set()
        """Parameters of functions that were followed from a call."""
        self._own: set[str] = set()
        """Parameters of the functions that the call is in."""
        self._reads = False
        self._hidden = False
        self._listed: dict[str, None] = {}
        self._locates = False
        """Whether a file of a distribution is looked for."""
        self.read_from: list[ast.expr] = []
        """The paths of what is read."""

    def of(self, call: Call, expressions: Iterable[ast.expr]) -> Named | None:
        texts: dict[str, None] = {}
        self._own = {
            argument.arg
            for function in self._flow.functions
            if function.lineno <= call.node.lineno <= (function.end_lineno or 0)
            for argument in ast.walk(function.args)
            if _is_argument(argument)
        }
        expressions = list(expressions)
        while expressions and len(self._seen) < _MOST:
            nodes = [node for each in expressions for node in self._walk(each, call)]
            texts.update(dict.fromkeys(self._texts(nodes)))
            expressions = list(self._further(nodes))
        if self._locates and any(map(_METADATA.search, texts)):
            self._hidden = True
        if expressions:
            return Named((), reads=True, cut=True)
        if not (texts or self._reads or self._hidden):
            return None
        listed = tuple(self._listed)
        return Named(tuple(texts), self._reads, hidden=self._hidden, listed=listed)

    def _walk(self, expression: ast.expr, call: Call) -> Iterator[ast.AST]:
        """Yield the nodes of an expression, but for where settings are that only give a path."""
        waiting: list[ast.AST] = [expression]
        for node in waiting:  # it grows meanwhile
            yield node
            if (
                isinstance(node, ast.Call)
                and call.does(tables.TAKES_A_PATH)
                and any(name in tables.PARSES for name in self._flow.expressions.names(node.func))
            ):
                self._reads = True
            elif _is_located(node):
                self._locates = True
                waiting += node.args
            else:
                waiting += ast.iter_child_nodes(node)

    def _texts(self, nodes: list[ast.AST]) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, ast.Call):
                self._note_listing(node)
                self._reads = self._reads or self._is_read(node)
            if isinstance(node, ast.Call | ast.BinOp | ast.JoinedStr | ast.Constant):
                for line in self._flow.expressions.text(node).split("\n"):
                    if line.strip(UNKNOWN) and len(line) <= _MAX_NAME:
                        yield line

    def _note_listing(self, call: ast.Call) -> None:
        """Note the pattern of the files that a call finds."""
        names = self._flow.expressions.names(call.func)
        if names and all(name.startswith(_OF_TREES) for name in names):
            return
        called = {name.rpartition(".")[2] for name in names}
        if isinstance(call.func, ast.Attribute):
            called.add(call.func.attr)
        if called & _LISTS:
            pattern = self._flow.text(*call.args[:1]) if called & _BY_PATTERN else ""
            self._listed[pattern.rpartition("/")[2] or "*"] = None

    def _is_read(self, call: ast.Call) -> bool:
        names = self._flow.expressions.names(call.func)
        self._hidden = self._hidden or self._reads_itself(call, names)
        is_method = isinstance(call.func, ast.Attribute) and call.func.attr in _READS
        is_method = is_method or any(name.rpartition(".")[2] in _READS for name in names)
        opens = any(name in tables.OPENS or name in _DATABASES for name in names)
        found = is_method or opens
        if found:
            self.read_from += call.args if is_method else call.args[:1]
            if isinstance(call.func, ast.Attribute):
                self.read_from.append(call.func.value)
        return found

    def _reads_itself(self, call: ast.Call, names: Collection[str]) -> bool:
        """Whether a call reads the file that it stands in, or the package's metadata."""
        if any(name in tables.HIDDEN_TEXTS for name in names):
            return not all(name.startswith("inspect.") for name in names) or self._is_own(call)
        opened: ast.expr | None = call.args[0] if call.args else None
        if isinstance(call.func, ast.Attribute) and call.func.attr in _READS:
            path = call.func.value
            is_path = isinstance(path, ast.Call) and path.args
            opened = path.args[0] if isinstance(path, ast.Call) and is_path else opened
        elif not any(name in tables.OPENS for name in names):
            return False
        return isinstance(opened, ast.Name) and opened.id == "__file__"

    def _is_own(self, call: ast.Call) -> bool:
        """Whether a call asks about something that stands here, and not only about what others
        give: compilers read the source code of their callers' functions."""
        asked = self._flow.expressions.names(call.args[0]) if call.args else ()
        return not asked or not all(map(is_local, asked))

    def _further(self, nodes: list[ast.AST]) -> Iterator[ast.expr]:
        """Give the values of names, and what functions return that are called."""
        for call in nodes:
            # What this call gives a function stands in it; what others give it doesn't matter here.
            for function in (
                self._flow.expressions.called_here(call) if isinstance(call, ast.Call) else ()
            ):
                self._given.update(
                    each.arg for each in ast.walk(function.args) if _is_argument(each)
                )
        for node in nodes:
            for key in _keys(node):
                if key in self._given - self._own:
                    continue
                for value in self._values(key, node):
                    if id(value) not in self._seen:
                        self._seen.add(id(value))
                        yield value

    def _values(self, key: str, node: ast.AST) -> list[ast.expr]:
        """Give what a name may hold here: in a `with` block, what it stands for there."""
        values = self._flow.feeds(key)
        line = getattr(node, "lineno", 0)
        around = [
            block.lineno
            for block in self._flow.blocks
            if block.lineno <= line <= (block.end_lineno or 0)
            and any(_is_name(item.optional_vars, key) for item in block.items)
        ]
        if not around:
            return values
        return [value for value in values if max(around) <= value.lineno <= line]


def _is_located(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether this is `distribution(name).locate_file(path)`."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == _LOCATES
    )


def _is_argument(node: ast.AST) -> TypeGuard[ast.arg]:
    return isinstance(node, ast.arg)


def _is_name(target: ast.expr | None, key: str) -> bool:
    return isinstance(target, ast.Name) and target.id == key


def _keys(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield f".{node.attr}"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield f"{node.func.id}()"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield f".{node.func.attr}()"


def _is_a_script(path: str) -> bool:
    """Whether a file is called like a script."""
    return path.endswith(_SCRIPTS) or "." not in path.rpartition("/")[2]


def _known_end(path: str) -> str:
    """Give the end of a path, as far as it is known."""
    known = path.replace("__file__", UNKNOWN).rpartition(UNKNOWN)[2].strip("\"'")
    return posixpath.normpath(known).lstrip("./").rstrip("/") if known else ""


class OwnFiles:
    """The files of one artifact."""

    def __init__(
        self,
        paths: Collection[str],
        tree: Path | None = None,
        name: str = "",
        *,
        is_pure: bool = False,
    ) -> None:
        """Take its files.

        Args:
            paths: relative to the tree. Compiled modules are left out, which are no code to be read
                anyway.
            tree: where they are; without it no script is looked into.
            name: the distribution's, normalised; "" when the artifact's file name does not have it.
            is_pure: it says that it has no compiled code.
        """
        self.name = name
        self.is_pure = is_pure
        self._libraries = [path for path in paths if _LIBRARY.search(path)] if is_pure else []
        self._tree = tree
        self._everything = sorted(paths)
        self._paths = sorted(path for path in paths if not _NEITHER.search(path))
        self._by_name: dict[str, list[str]] = {}
        for path in self._paths:
            self._by_name.setdefault(path.rpartition("/")[2], []).append(path)

    @cached_property
    def digest(self) -> str:
        """The same for the same files, and the same shell scripts, pickles and libraries.

        Raises:
            OSError: one can't be read.
        """
        said = f"{self.name} {self.is_pure} {self._has_more_suffixes}"
        digest = hashlib.sha256(said.encode())
        for path in self._paths:
            digest.update(path.encode("utf-8", "replace") + b"\0")
            if _is_a_script(path):
                digest.update(hashlib.sha256(self._script(path)).digest())
            elif not path.endswith(_MODULES):
                content = self._pickle(path)
                is_pickle = content.startswith(pickles.START)
                digest.update(hashlib.sha256(content if is_pickle else b"").digest())
                digest.update(b"no pickle" if pickles.is_no_pickle(content) else b"")
                is_library = self._is_library(path)
                odd = b"library" if is_library else self._script(path, _MAX_ODD_SCRIPT)
                digest.update(hashlib.sha256(odd).digest())
        return digest.hexdigest()

    @cached_property
    def _has_more_suffixes(self) -> bool:
        """Whether one of its modules may have Python load modules of other suffixes."""
        if self._tree is None:
            return True
        modules = (Path(self._tree, path) for path in self._everything if path.endswith(_MODULES))
        return any(_MORE_SUFFIXES.search(module.read_bytes()) for module in modules)

    def _is_a_program(self, path: str) -> bool:
        return self._tree is not None and self._start_of(path) == _PROGRAM

    def _is_library(self, path: str) -> bool:
        return self._tree is None or self._start_of(path).startswith(_LIBRARIES)

    def _start_of(self, path: str) -> bytes:
        with Path(self._tree or "", path).open("rb") as file:
            return file.read(_START)

    def _pickle(self, path: str) -> bytes:
        """Give a file that may be a pickle; the start of any other, and of a large one."""
        if self._tree is None:
            return b""
        with Path(self._tree, path).open("rb") as file:
            start = file.read(pickles.START_BYTES)
            may_be = start.startswith(pickles.START)
            return start + file.read(pickles.MAX_BYTES) if may_be else start

    def _script(self, path: str, most: int = _MAX_SCRIPT) -> bytes:
        if self._tree is None:
            return b""
        with Path(self._tree, path).open("rb") as file:
            return file.read(most)

    def has_library(self, texts: Collection[str]) -> bool:
        """Whether one of the package's compiled libraries is named by a text.

        Raises:
            OSError: a file can't be read.
        """
        ends = {each.rpartition(UNKNOWN)[2].rpartition("/")[2] for each in texts}
        ends -= {"", *(_SUFFIX_ALONE.findall("\n".join(ends)))}
        named = [path for path in self._libraries if any(path.endswith(each) for each in ends)]
        return any(map(self._is_library, named))

    def has(self, text: str) -> bool:
        """Whether a text names one of the package's files, a library or another."""
        tail = _known_end(text)
        return bool(tail) and any(f"/{path}".endswith(f"/{tail}") for path in self._everything)

    def holds(self, folder: str) -> bool:
        """Whether a text names one of the package's folders."""
        tail = _known_end(folder)
        return bool(tail) and any(f"/{tail}/" in f"/{path}" for path in self._everything)

    def names_in(self, folder: str) -> frozenset[str]:
        """Give the names of the files in a folder of the package that a text names."""
        below = self._below(folder)
        return frozenset(each.rpartition("/")[2] for each in below)

    def has_library_below(self, folder: str) -> bool:
        """Whether there are libraries in a folder that a text names.

        Raises:
            OSError: a file can't be read.
        """
        return any(_LIBRARY.search(each) and self._is_library(each) for each in self._below(folder))

    def _below(self, folder: str) -> list[str]:
        tail = _known_end(folder)
        if not tail:
            return []
        return [
            each for each in self._everything if f"/{each.rpartition('/')[0]}".endswith(f"/{tail}")
        ]

    def harm_of(self, named: Named) -> Iterator[tuple[str, str, str]]:
        """Give what shell scripts do that are run: the rule, the command, and a fingerprint.

        And what can't be told.

        Raises:
            OSError: a script can't be read.
        """
        if named.cut:
            yield "unreadable-code", "what it runs leads too far", ""
        if not named.is_script:
            return
        for path in (path for text in named.texts for path in self._called(text)):
            if not self._is_code(path, named):
                continue
            content = self._script(path, _MAX_SCRIPT if _is_a_script(path) else _MAX_ODD_SCRIPT)
            text = content.decode("utf-8", "replace")
            for rule, command in harm_in(text, is_makefile=named.suffixes == _ANY):
                identity = hashlib.sha256(rule.encode() + b"\0script\0" + content).hexdigest()
                yield rule, command, identity

    def has_run(self, named: Named, *, certainly: bool) -> list[str] | None:
        """Give the files that are run although they are no code by their names.

        Args:
            named: what a call reads and runs.
            certainly: leave out the files that are read from where nobody can tell.

        Returns:
            Their paths, [] when it is not known which; None when none is run.

        Raises:
            OSError: a file can't be read.
        """
        if named.hidden:
            return []
        if named.by_suffix and not self._has_more_suffixes:
            return None
        if named.is_script and certainly:  # which nobody has looked at, and needs no reason
            return sorted({path for text in named.texts for path in self._called(text)}) or None
        called = {path for text in named.texts for path in self._called(text)}
        found = {path for path in called if not self._is_harmless(path, named)}
        listed = {path for pattern in named.listed for path in self._listed(pattern, named)}
        for path in listed - called:
            no_pickle = (
                named.pickled
                and self._tree is not None
                and pickles.is_no_pickle(self._pickle(path))
            )
            if not (no_pickle or self._is_harmless(path, named)):
                found.add(path)
        names_a_module = any(text.endswith(_MODULES) for text in named.texts)
        unknown = named.reads and not names_a_module and not certainly
        return sorted(found) if found or unknown else None

    def mark_of(self, path: str) -> str:
        """Give a file's SHA-256, but of compiled code, which is another in each release, its path.

        Raises:
            OSError: it can't be read.
        """
        if self._tree is None:
            return ""
        if self._is_library(path):
            return path
        with Path(self._tree, path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _is_harmless(self, path: str, named: Named) -> bool:
        """Whether a file is code by its name, or can't be what the call makes of it."""
        if self._is_code(path, named):
            return True
        if named.library and not self._is_library(path):
            return True
        if not (named.reads or named.library or named.is_script) and self._is_a_program(path):
            return True  # nothing has read it, and no Python runs it as it is
        return named.pickled and pickles.is_plain_data(self._pickle(path))

    def _listed(self, pattern: str, named: Named) -> list[str]:
        """Give the files that are found by listing a folder; of all in it, only what is read."""
        name = pattern.rpartition(UNKNOWN)[2]
        name = f"*{name}" if name != pattern else name
        if not name.strip("*?") and not named.reads:
            return []
        return [path for path in self._paths if fnmatch.fnmatch(path.rpartition("/")[2], name)]

    @staticmethod
    def _is_code(path: str, named: Named) -> bool:
        return named.suffixes == _ANY or posixpath.splitext(path)[1].lower() in named.suffixes

    def _called(self, text: str) -> list[str]:
        """Give the files that a path may mean, of which the beginning may be unknown."""
        known = text.replace("__file__", UNKNOWN).rpartition(UNKNOWN)
        tail = known[2].replace("\\", "/")
        if known[1] and tail and not tail.startswith("/"):
            return [path for path in self._paths if path.endswith(tail)] if len(tail) > 2 else []
        at_home = tail.startswith("~")
        tail = posixpath.normpath(tail.strip()).lstrip("./") if tail.strip() else ""
        same = self._by_name.get(tail.rpartition("/")[2], [])
        found = [path for path in same if f"/{path}".endswith(f"/{tail}")]
        return found or ([] if at_home else same)
