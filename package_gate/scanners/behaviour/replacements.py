"""What takes the place of functions and modules that other packages rely on.

Tests, and functions that wait to be called, do so for a while, or when they are asked to. Whoever
only imports a package does not expect that `socket.getaddrinfo` is another function afterwards.
"""

import ast
import builtins
import sys
from collections.abc import Iterator

from package_gate.scanners.behaviour import tables as tables
from package_gate.scanners.behaviour.dataflow import Call, Flow
from package_gate.scanners.behaviour.folding import UNKNOWN
from package_gate.scanners.scopes import is_local

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
    ("setattr", "wrapt.wrap_function_wrapper", "wrapt.patch_function_wrapper", "wrapt.wrap_object",
     "wrapt.wrap_object_attribute", "wrapt.transient_function_wrapper", "forbiddenfruit.curse")
)  # fmt: skip
"""Functions that are given an object or a module's name, the name of an attribute, and a value."""
_STARTED = tables.Table(("unittest.mock.patch().start", "mock.patch().start"))
_FIRST = tables.Table(("sys.meta_path.insert", "sys.path_hooks.insert"))
"""Calls that have all imports ask something before others are asked."""
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
        if call.does(_FIRST) or call.does(_CELLS):
            yield "replaces-what-others-use", (call.node,)


def _set(flow: Flow) -> Iterator[tuple[ast.expr, str, ast.expr]]:
    """Yield where something that others rely on is set, its name, and its value."""
    assigned = [(target, n.value) for n in flow.of_kind(ast.Assign) for target in n.targets]
    assigned += [(node.target, node.value) for node in flow.of_kind(ast.AugAssign)]
    for target, value in assigned:
        for name in _names_of(target, flow):
            if name in _RELIED_ON or name in _CELLS:
                yield target, name, value
    for container, key, value in flow.items_set():
        in_modules = "sys.modules" in flow.expressions.names(container)
        for name in flow.text(key).split("\n") if in_modules else ():
            root = name.partition(".")[0]
            if root in _ROOTS or root in sys.stdlib_module_names - {"__main__"}:
                yield key, name, value
    for call in flow.calls:
        for name in _patched(call, flow):
            if name in _RELIED_ON:
                yield call.node, name, call.arguments[-1]


def _names_of(target: ast.expr, flow: Flow) -> Iterator[str]:
    """Name what is assigned to: an attribute, also by way of `vars`."""
    if isinstance(target, ast.Attribute):
        yield from _below(target.value, [target.attr], flow)
    elif isinstance(target, ast.Subscript):
        names = flow.expressions.names(target.value)
        keys = flow.text(target.slice).split("\n")
        for name in names:
            if name in ("__dict__", "__builtins__"):
                yield from (f"builtins.{key}" for key in keys)
            elif name.endswith(".__dict__"):
                yield from (f"{name.removesuffix('.__dict__')}.{key}" for key in keys)
            elif name in ("sys.meta_path", "sys.path_hooks"):
                yield name


def _below(owner: ast.expr, attributes: list[str], flow: Flow) -> Iterator[str]:
    for name in flow.expressions.names(owner):
        yield from (f"{name}.{each}" for each in attributes)


def _patched(call: Call, flow: Flow) -> Iterator[str]:
    """Name what a call replaces."""
    function = call.node.func
    if call.does(_STARTED) and isinstance(function, ast.Attribute):
        if isinstance(function.value, ast.Call):
            yield from flow.text(*function.value.args[:1]).split("\n")
    elif call.does(_PATCHES) and len(call.arguments) > 1:
        owner, attribute = call.arguments[:2]
        attributes = flow.text(attribute).split("\n")
        yield from _below(owner, attributes, flow)
        if module := flow.text(owner).strip(UNKNOWN):
            yield from (f"{module}.{each}" for each in attributes)


def _brings_its_own(value: ast.expr, root: str, flow: Flow) -> bool:
    """Whether a value is a function, class or module of this package, or of a third one.

    What it has been before, and what else the standard library has, changes nothing for others.
    """
    for node in ast.walk(value):
        if isinstance(node, ast.Lambda):
            return True
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        for name in flow.expressions.names(node):
            first = name.partition(".")[0].partition("(")[0]
            if first in flow.expressions.functions or first in flow.expressions.classes:
                return True
            known = is_local(first) or first in sys.stdlib_module_names or first == root
            imported = "." in name and not known and "(" not in name
            if imported and not (isinstance(value, ast.Call)):
                return True
    return isinstance(value, ast.Name | ast.Call) and "types.ModuleType()" in (
        flow.expressions.names(value)
    )
