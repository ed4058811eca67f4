"""Whether a line of a `.pth` file that Python executes leaves alone where Python imports from.

What such a line does besides is read by the scanners, as code that runs at each start. Here only
plain forms pass, since `sys.path` can be reached in many ways: imports, calls and conditions that
use no more of `sys` than what it tells about Python, and the lines that setuptools writes for
namespaces. Honest wheels have no others: coverage, pytest-cov, hunter, pywin32, setuptools itself.
"""

import ast
import copy
import re

from package_gate.core.syntax import NotPythonError, TooHardError, parse

_OF_SYS = frozenset(
    {"argv", "base_prefix", "byteorder", "dont_write_bytecode", "exec_prefix", "executable"}
    | {"flags", "hexversion", "implementation", "maxsize", "platform", "prefix", "stderr"}
    | {"stdout", "version", "version_info", "warnoptions"}
)
"""What tells about Python, and moves nothing."""
_OF_PATHS = frozenset(
    {"abspath", "basename", "dirname", "exists", "expanduser", "isdir", "isfile", "join"}
    | {"normpath", "realpath", "sep"}
)
"""What of `os.path` may be used."""
_REACH_ALL = frozenset(
    {"builtins", "code", "ctypes", "gc", "imp", "importlib", "inspect", "operator", "pickle"}
    | {"pkgutil", "runpy", "site", "types", "zipimport"}
)
"""Modules that give others by name, or change how they are found."""
_BY_NAME = frozenset(
    {"compile", "delattr", "eval", "getattr", "globals", "locals", "setattr", "vars"}
    # Of the module `site`, among whose names such a line runs.
    | {"abs_paths", "addpackage", "addsitedir", "addsitepackages", "addusersitepackages"}
    | {"execsitecustomize", "execusercustomize", "known_paths", "main", "makepath"}
    | {"removeduppaths", "venv"}
)
_FRAMES = frozenset({"f_back", "f_builtins", "f_globals", "f_locals", "sys"})
_QUOTED = re.compile(r"'([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)'")
_KNOWN = frozenset({"sitedir", "__path__", "importlib.util", "importlib.machinery"})
_NAMESPACE = frozenset(
    {
        "importsys,types,os",
        "has_mfs=sys.version_info>(3,5)",
        "pep420=sys.version_info>(3,3)",
        "p=os.path.join(sys._getframe(1).f_locals['sitedir'],*(N,))",
        "ie=os.path.exists(os.path.join(p,'__init__.py'))",
        "importlib=has_mfsand__import__('importlib.util')",
        "has_mfsand__import__('importlib.machinery')",
        "m=has_mfsandsys.modules.setdefault(N,importlib.util.module_from_spec("
        "importlib.machinery.PathFinder.find_spec(N,[os.path.dirname(p)])))",
        "m=morsys.modules.setdefault(N,types.ModuleType(N))",
        "m=notieandsys.modules.setdefault(N,types.ModuleType(N))",
        "m=notieandnotpep420andsys.modules.setdefault(N,types.ModuleType(N))",
        "mp=(mor[])andm.__dict__.setdefault('__path__',[])",
        "(pnotinmp)andmp.append(p)",
        "mandsetattr(sys.modules[N],N,m)",
    }
)
"""The statements of setuptools' `-nspkg.pth` files, without spaces; N is a name in quotes."""
_PUTS_FIRST = re.compile(
    r"\bsys\s*\.\s*path\s*(=(?!=)|\[[^\]\n]*\]\s*=(?!=)|\.\s*(insert|sort|reverse|__\w+__)\b)"
)


def is_plain(line: str) -> bool:
    """Whether a line that `site` executes is of a form that moves no path."""
    if _is_of_namespace(line):
        return True
    try:
        tree = parse(line.strip())
    except NotPythonError:
        return True  # it doesn't run
    except (TooHardError, RecursionError, MemoryError):
        return False
    return _is_plain(tree)


def code_of(line: str) -> str:
    """Give what a line executes, without texts of several words, which are for people."""
    try:
        tree = copy.deepcopy(parse(line.strip()))
    except (NotPythonError, TooHardError, RecursionError, MemoryError):
        return line
    executed = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="exec"), args=[ast.Constant(value=str(text))]):
                executed.append(code_of(text))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            node.value = ""
    return "\n".join([ast.unparse(tree), *executed])


def imported(line: str) -> set[str]:
    """Name the modules that a line imports, and the packages that they are in."""
    try:
        nodes = list(ast.walk(parse(line.strip())))
    except (NotPythonError, TooHardError, RecursionError, MemoryError):
        return set()
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    parts = [name.split(".") for name in found if name]
    return {".".join(each[:length]) for each in parts for length in range(1, len(each) + 1)}


def puts_folders_first(source: str) -> bool:
    """Whether a module that is imported at each start changes where Python looks first."""
    return _PUTS_FIRST.search(source) is not None


def _is_of_namespace(line: str) -> bool:
    named = _QUOTED.sub(lambda each: each[0] if each[1] in _KNOWN else "N", line)
    plain = re.sub(r"\s", "", named)
    statements = re.sub(r"\*\(N(,N)*,?\)", "*(N,)", plain).split(";")
    return all(not each or each in _NAMESPACE for each in statements)


def _is_plain(tree: ast.AST) -> bool:
    nodes = list(ast.walk(tree))
    fine: set[int] = set()
    """Parts of nodes that have been judged with them."""
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id="sys") as name, attr=attr) if attr in _OF_SYS:
                fine.add(id(name))
            case ast.Attribute(
                value=ast.Attribute(value=ast.Name(id="os"), attr="path") as path, attr=attr
            ) if attr in _OF_PATHS:
                fine.add(id(path))
            case ast.Call(func=ast.Name(id="exec") as name, args=[ast.Constant(value=str(text))]):
                if is_plain(text):
                    fine.add(id(name))
            case ast.Call(
                func=ast.Name(id="__import__") as name, args=[ast.Constant(value=str(text))]
            ) if _is_harmless_module(text) and text != "sys":
                fine.add(id(name))
    return all(id(node) in fine or _is_harmless(node) for node in nodes)


def _is_harmless(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return all(
                _is_harmless_module(each.name)
                and (each.name != "sys" or each.asname in (None, "sys"))
                and (each.asname not in ("os", "sys") or each.asname == each.name)
                for each in names
            )
        case ast.ImportFrom(module=module, names=names):
            given = {each.name for each in names}
            return (
                _is_harmless_module(module or "")
                and (module != "sys" or given <= _OF_SYS)
                and not given & {"*", "path", *_FRAMES}
                and not {each.asname for each in names} & {"os", "sys"}
            )
        case ast.Attribute(attr=attr):
            return attr != "path" and attr not in _FRAMES and not _is_special(attr)
        case ast.Name(id=name, ctx=ast.Load()):
            return name not in ("sys", "exec", *_BY_NAME) and not _is_special(name)
        case ast.Name(id=name) | ast.arg(arg=name) | ast.ExceptHandler(name=name):
            return name not in ("os", "sys")
    return True


def _is_harmless_module(name: str) -> bool:
    return name.partition(".")[0] not in _REACH_ALL


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
