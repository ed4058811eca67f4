"""What takes the place of functions and modules that other packages rely on.

Tests, and functions that wait to be called, do so for a while, or when they are asked to. Whoever
only imports a package does not expect that `socket.getaddrinfo` is another function afterwards.
"""

import ast
import builtins
import sys
from collections.abc import Iterator

from package_gate.core.scopes import is_local
from package_gate.scanners.behaviour import tables as tables
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
    *("os.fork*", "os.path.*", "importlib.import_module", "importlib.util.*", "importlib._*"),
    *(f"builtins.{name}" for name in dir(builtins)),
    *("sys.meta_path", "sys.path_hooks", "sys.modules"),
    *("requests.*", "urllib3.*", "httpx.*", "httpcore.*", "aiohttp.*", "httplib2.*", "paramiko.*"),
    *("boto3.*", "botocore.*", "aiobotocore.*", "s3fs.*", "fsspec.*", "keyring.*", "jwt.*"),
    *("cryptography.*", "sqlalchemy.create_engine", "psycopg2.connect", "psycopg.connect"),
    *("pymysql.connect", "snowflake.connector.connect", "numpy.*", "scipy.*", "sklearn.*"),
    *("pandas.read_*", "pandas.DataFrame", "pandas.DataFrame.to_*", "pandas.DataFrame.__*"),
    *("IPython.core.interactiveshell.InteractiveShell.run_*", "IPython.get_ipython().run_*"),
)
_RELIED_ON = tables.Table(_NAMES)
"""What others rely on: what is sent, checked, asked for, read, calculated, or imported."""
_ROOTS = {name.partition(".")[0] for name in _NAMES}
_HARMLESS = {"json.JSONEncoder.default"}
"""Only asked for what would fail otherwise."""
_PATCHES = tables.Table(
    ("wrapt.wrap_function_wrapper", "wrapt.patch_function_wrapper", "wrapt.wrap_object",
     "wrapt.wrap_object_attribute", "wrapt.transient_function_wrapper", "forbiddenfruit.curse")
)  # fmt: skip
"""Functions that are given an object or a module's name, and the name of an attribute."""
_STARTED = tables.Table(("unittest.mock.patch().start", "mock.patch().start"))
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
        if of_others and name not in _HARMLESS and _brings_its_own(value, root, flow):
            yield "replaces-what-others-use", (target, value)
    for call in flow.calls:
        replaces = any(map(_is_relied_on, _patched(call, flow)))
        if call.does(_CELLS) or replaces:
            yield "replaces-what-others-use", (call.node,)


def _set(flow: Flow) -> Iterator[tuple[ast.expr, str, ast.expr]]:
    """Yield where something that others rely on is set, its name, and its value."""
    assigned = [(target, n.value) for n in flow.of_kind(ast.Assign) for target in n.targets]
    assigned += [(node.target, node.value) for node in flow.of_kind(ast.AugAssign)]
    for target, value in assigned:
        if isinstance(target, ast.Attribute):
            for owner in flow.expressions.names(target.value):
                name = f"{owner}.{target.attr}"
                if _is_relied_on(name) or name in _CELLS:
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


def _is_relied_on(name: str) -> bool:
    """Whether others rely on this; an object that a call has given is nobody else's."""
    return name in _RELIED_ON and ("(" not in name or "get_ipython()" in name)


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
