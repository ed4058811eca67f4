"""What takes the place of functions and modules that other packages rely on.

Tests, and functions that wait to be called, do so for a while, or when they are asked to. Whoever
only imports a package does not expect that `socket.getaddrinfo` is another function afterwards.
"""

import ast
import builtins
import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache

from package_gate.core.scopes import is_local
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.dataflow import Call, Flow

Found = tuple[str, tuple[ast.expr, ...]]

_NAMES = (
    *("socket.*", "http.client.*", "urllib.request.*", "urllib.parse.*", "smtplib.*"),
    *("ssl.SSLContext*", "ssl.SSLSocket*", "ssl.create_default_context", "ssl.wrap_socket"),
    *("ssl.match_hostname", "ssl.get_server_certificate", "getpass.*", "hashlib.*", "hmac.*"),
    *("secrets.*", "random.*", "math.*", "statistics.*", "base64.*", "json.*", "pickle.*"),
    *("_pickle.*", "marshal.*", "zipfile.*", "tarfile.*", "sqlite3.*", "shutil.*", "subprocess.*"),
    *("io.open", "codecs.open", "pathlib.Path", "pathlib.PosixPath", "pathlib.Path.open"),
    *("pathlib.Path.read_*", "pathlib.Path.write_*", "os.environ*", "os.getenv", "os.system"),
    *("os.popen", "os.open", "os.listdir", "os.scandir", "os.walk", "os.stat", "os.exec*"),
    *("os.urandom", "os.getrandom", "netrc.*", "uuid.*", "yaml.*", "csv.*", "codecs.*"),
    *("os.fork*", "os.path.*", "importlib.import_module", "importlib.util.*", "importlib._*"),
    *("importlib.machinery.*", "importlib.abc.*", "pandas.Series.mean", "pandas.DataFrame.mean"),
    *(f"builtins.{name}" for name in dir(builtins)),
    *("sys.meta_path", "sys.path_hooks", "sys.modules"),
    *("requests.*", "urllib3.*", "httpx.*", "httpcore.*", "aiohttp.*", "httplib2.*", "paramiko.*"),
    *("boto3.*", "botocore.*", "aiobotocore.*", "s3fs.*", "fsspec.*", "keyring.*", "jwt.*"),
    *("cryptography.*", "sqlalchemy.create_engine", "psycopg2.connect", "psycopg.connect"),
    *("huggingface_hub.*", "openai.*", "anthropic.*", "pyarrow.*", "joblib.*", "torch.load"),
    *("mlflow.*", "psycopg2.extensions.*", "pandas.Series.to_*"),
    *("pymysql.connect", "snowflake.connector.connect", "numpy.*", "scipy.*", "sklearn.*"),
    *("pandas.read_*", "pandas.DataFrame", "pandas.DataFrame.to_*", "pandas.DataFrame.__*"),
    *("IPython.core.interactiveshell.InteractiveShell.run_*", "IPython.get_ipython().run_*"),
)
_RELIED_ON = tables.Table(_NAMES)
"""What others rely on: what is sent, checked, asked for, read, calculated, or imported."""
_MEANT_TO_BE_SET = re.compile(
    r"sys\.(?:excepthook|displayhook|unraisablehook|breakpointhook|std(?:in|out|err)|exit|path|argv|ps[12])"
    r"|threading\.(?:excepthook|_shutdown)|warnings\.(?:showwarning|formatwarning|_showwarn\w*)"
    r"|json\.(?:encoder\.)?(?:JSONEncoder\.default|encoder\.\w+)|logging\.(?:Logger\.\w+|\w+)"
    r"|builtins\._|builtins\.display"
    r"|(?:readline|rlcompleter|cmd|unittest|doctest|turtle|tkinter|argparse|optparse|collections|typing"
    r"|types|abc|functools|itertools|time|datetime|enum|dataclasses|contextlib|inspect|ast|imp|gettext"
    r"|locale|pprint|string|re|operator|copy|ctypes|array|struct|decimal|fractions|numbers|asyncio"
    r"|concurrent|queue|multiprocessing|platform|webbrowser|configparser|html|xml|email|mimetypes"
    r"|distutils|test|traceback|linecache|tokenize|pydoc|site|sysconfig|importlib|tempfile|gc"
    r"|weakref|pdb|bdb|code|codeop|profile|cProfile)\b.*"
)
"""Of the standard library, what is there to be set, is often set for older Pythons, or by which
nothing secret goes."""
_NOT_TO_BE_IMPORTED = {"antigravity", "this", "idlelib", "turtle", "turtledemo", "tkinter", "test"}
"""Modules of the standard library that do something when they are imported."""
_ROOTS = {name.partition(".")[0] for name in _NAMES}
_HARMLESS = {"json.JSONEncoder.default"}
"""Only asked for what would fail otherwise."""
_PATCHES = tables.Table(
    ("wrapt.wrap_function_wrapper", "wrapt.patch_function_wrapper", "wrapt.wrap_object",
     "wrapt.wrap_object_attribute", "wrapt.transient_function_wrapper", "forbiddenfruit.curse")
)  # fmt: skip
"""Functions that are given an object or a module's name, and the name of an attribute."""
_STARTED = tables.Table(("unittest.mock.patch().start", "mock.patch().start"))
_HELD_BY_FUNCTIONS = {"__defaults__", "__kwdefaults__", "__code__", "__closure__", "__globals__"}
"""What a function does when it is called as before."""
_ADD = ("append", "insert", "extend")
_CHECKS = {
    "ssl._create_default_https_context": re.compile(r"ssl\._create_unverified_context"),
    "tarfile.TarFile.extraction_filter": re.compile(r"tarfile\.fully_trusted_filter"),
    "yaml.safe_load": re.compile(r"yaml\.(?:unsafe|full)_load"),
    "yaml.safe_load_all": re.compile(r"yaml\.(?:unsafe|full)_load_all"),
    "yaml.SafeLoader": re.compile(r"yaml\.C?(?:Unsafe)?Loader"),
}
"""What protects others, and by what of the same module it is switched off."""
_FOR_ALL = tables.Table(
    ("asyncio.set_event_loop_policy", "asyncio.events.set_event_loop_policy", "copyreg.pickle")
)
"""Calls by which whatever others do is done by what they are given."""
_CELLS = tables.Table(
    tuple(
        f"{shell}.{kind}_transformer*"
        for shell in ("IPython.get_ipython()", "get_ipython()")
        for kind in ("input", "ast")
    )
)
"""What changes the cells of a notebook before they run."""


def of_replacements(flow: Flow) -> Iterator[Found]:
    """Yield what replaces something that others rely on with what this package brings."""
    for target, name, value in _set(flow):
        root = name.partition(".")[0]
        of_others = root in sys.stdlib_module_names or not flow.is_own(root)
        of_function = not _HELD_BY_FUNCTIONS.isdisjoint(name.split("."))
        if (
            of_others
            and name not in _HARMLESS
            and (of_function or _brings_its_own(value, root, flow) or _is_weaker(name, value, flow))
        ):
            yield "replaces-what-others-use", (target, value)
    for call in flow.calls:
        replaces = any(map(_is_relied_on, _patched(call, flow)))
        if call.does(_CELLS) or replaces or _serves_all(call, flow) or _is_added(call, flow):
            yield "replaces-what-others-use", (call.node,)


def _set(flow: Flow) -> Iterator[tuple[ast.expr, str, ast.expr]]:
    """Yield where something that others rely on is set, its name, and its value."""
    assigned = [(target, n.value) for n in flow.of_kind(ast.Assign) for target in n.targets]
    assigned += [(node.target, node.value) for node in flow.of_kind(ast.AugAssign)]
    for target, value in assigned:
        if isinstance(target, ast.Attribute):
            for owner in flow.expressions.names(target.value):
                name = f"{owner}.{target.attr}"
                held = target.attr in _HELD_BY_FUNCTIONS and is_of_another(owner, flow)
                if _is_relied_on(name) or name in _CELLS or name in _CHECKS or held:
                    yield target, name, value
    for container, key, value in flow.items_set():
        for owner in flow.expressions.names(container):
            if owner in ("sys.meta_path", "sys.path_hooks"):
                yield container, owner, value
            elif owner == "sys.modules":
                for name in flow.text(key).split("\n"):
                    root = name.partition(".")[0]
                    if root in _ROOTS or root in sys.stdlib_module_names - {"__main__"}:
                        yield container, name, value
            elif owner.endswith((".__kwdefaults__", ".__globals__")):
                if is_of_another(owner, flow):
                    yield container, owner, value
            elif owner.endswith(("__dict__", "__builtins__")):
                module = owner.rpartition(".")[0] or "builtins"
                for name in flow.text(key).split("\n"):
                    if _is_relied_on(f"{module}.{name}"):
                        yield container, f"{module}.{name}", value
    for call in flow.calls:
        if "setattr" in call.names and len(call.arguments) == 3:
            for name in _below(call, flow):
                if _is_relied_on(name):
                    yield call.node, name, call.arguments[2]


def is_of_another(name: str, flow: Flow) -> bool:
    """Whether a dotted name is what another project's module has, or one of the standard library.

    What is imported from the package itself has its name before it, or none.
    """
    root = name.partition(".")[0]
    imported = bool(root) and root in flow.expressions.roots
    return imported and "(" not in name and not is_local(root) and not flow.is_own(root)


def _is_weaker(name: str, value: ast.expr, flow: Flow) -> bool:
    weaker = _CHECKS.get(name)
    parts = (each for each in ast.walk(value) if weaker and isinstance(each, ast.expr))
    given = (each for part in parts for each in flow.expressions.names(part))
    return weaker is not None and any(map(weaker.fullmatch, given))


def _is_added(call: Call, flow: Flow) -> bool:
    """Whether a function of this file is added to a list that a module of others goes through, or
    a folder to where another package's modules are looked for."""
    function = call.node.func
    if not (isinstance(function, ast.Attribute) and function.attr in _ADD):
        return False
    for owner in flow.expressions.names(function.value):
        if not is_of_another(owner, flow):
            continue
        if owner.endswith(".__path__"):
            return True
        if owner.rpartition(".")[2].isupper() and owner in _RELIED_ON:
            return _give_own(call.arguments, flow)
    return False


def _give_own(expressions: Iterable[ast.expr], flow: Flow) -> bool:
    """Whether functions or classes of this file stand in expressions."""
    nodes = (node for each in expressions for node in ast.walk(each))
    return any(isinstance(node, ast.Name) and _is_defined_here(node, flow) for node in nodes)


def _serves_all(call: Call, flow: Flow) -> bool:
    """Whether a function or class of this file does from now on what others ask Python for.

    How objects of the package's own classes are pickled concerns nobody else.
    """
    given = [*call.arguments, *(value for _, value in call.keywords)]
    if "codecs.register_error" in call.names:
        return flow.text(*given[:1]) == "strict"
    if not call.does(_FOR_ALL):
        return False
    if "copyreg.pickle" in call.names:
        kinds = (name for each in given[:1] for name in flow.expressions.names(each))
        of_others = any(is_of_another(kind, flow) for kind in kinds)
        return of_others and not any(_only_takes_apart(each, flow) for each in given[1:2])
    return _give_own(given, flow)


def _only_takes_apart(reducer: ast.expr, flow: Flow) -> bool:
    """Whether this calls nothing, and has a function of this file put an object together again."""
    body = reducer.body if isinstance(reducer, ast.Lambda) else None
    if not isinstance(body, ast.Tuple) or any(isinstance(n, ast.Call) for n in ast.walk(body)):
        return False
    again = body.elts[0] if body.elts else None
    return isinstance(again, ast.Name) and again.id in flow.expressions.functions


def _is_relied_on(name: str) -> bool:
    """Whether others rely on this; an object that a call has given is nobody else's."""
    if "(" in name:
        return name in _RELIED_ON and "get_ipython()" in name
    root, _, attribute = name.partition(".")
    of_python = root in sys.stdlib_module_names and bool(attribute)
    return name in _RELIED_ON or (
        of_python and not _MEANT_TO_BE_SET.fullmatch(name) and _exists(name)
    )


@lru_cache(maxsize=1024)
def _exists(name: str) -> bool:
    """Whether the standard library has this; what is new there replaces nothing.

    Only top-level modules are imported for that: those below some do something then.
    """
    module, _, rest = name.partition(".")
    if module in _NOT_TO_BE_IMPORTED or module.startswith("_"):
        return True
    try:
        found: object = importlib.import_module(module)
    except ImportError:  # it is of another Python, or of another system
        return True
    for each in rest.split("."):
        try:
            found = inspect.getattr_static(found, each)
        except AttributeError:
            return hasattr(found, "__path__")  # perhaps a module that was not imported
    return True


def _below(call: Call, flow: Flow) -> Iterator[str]:
    """Name an attribute of the object, or of the module, that a call is given the name of."""
    owner, attribute = call.arguments[:2]
    for name in (*flow.expressions.names(owner), flow.text(owner)):
        yield from (f"{name}.{each}" for each in flow.text(attribute).split("\n"))


def _patched(call: Call, flow: Flow) -> Iterator[str]:
    """Name what a library replaces."""
    function = call.node.func
    if call.does(_STARTED) and isinstance(function, ast.Attribute):
        if isinstance(function.value, ast.Call):
            yield from flow.text(*function.value.args[:1]).split("\n")
    elif call.does(_PATCHES) and len(call.arguments) > 1:
        yield from _below(call, flow)


def _brings_its_own(value: ast.expr, root: str, flow: Flow) -> bool:
    """Whether a value is a function, class or module of this package, or of a third one.

    What it has been before, and what else the standard library has, changes nothing for others.
    """
    names = flow.expressions.names(value)
    if "types.ModuleType()" in names or any(_is_imported(name, root) for name in names):
        return True
    if isinstance(value, ast.Call):  # `wrap(socket.getaddrinfo)`
        made = any(_is_imported(name, root) for name in flow.expressions.names(value.func))
        given = {name for each in value.args for name in flow.expressions.names(each)}
        if made and any(name.partition(".")[0] == root for name in given):
            return True
    return any(
        isinstance(node, ast.Lambda)
        or (isinstance(node, ast.Name) and _is_defined_here(node, flow))
        for node in ast.walk(value)
    )


def _is_imported(name: str, root: str) -> bool:
    """Whether this is what another module has, but neither the standard library nor `root`."""
    first = name.partition(".")[0]
    known = is_local(first) or first in sys.stdlib_module_names or first == root
    return "." in name and "(" not in name and "[" not in name and not known


def _is_defined_here(node: ast.Name, flow: Flow) -> bool:
    here = flow.expressions.functions.keys() | flow.expressions.classes
    return any(name.partition("(")[0] in here for name in flow.expressions.names(node))
