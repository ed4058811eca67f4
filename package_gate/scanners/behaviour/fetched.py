"""What becomes of what code fetches that runs by itself.

Nobody can name all functions that run what they are given. But who fetches something as soon as it
is imported, and gives it to a function of another project whose name says that it runs, evaluates
or renders something, runs code that nobody has looked at.
"""

import ast
import re
import sys
from collections.abc import Iterator
from functools import lru_cache

from package_gate.core.nodes import last_name
from package_gate.core.receivers import stays_home
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.dataflow import Call, Flow, Label
from package_gate.scanners.behaviour.handed_over import only_shows

Found = tuple[str, tuple[ast.expr, ...]]

FETCHES = "fetches-on-import"
_RUNS = "runs-downloaded-code"
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
"""A word of a name such as `exec_in`, `parse_config_file` or `UnsafeLoader`."""
_SAY_SO = {
    *("exec", "execute", "execfile", "eval", "evaluate", "compile", "run", "runstring", "runcode"),
    *("runsource", "runfile", "interpret", "import", "importfile", "render", "unsafe", "sympify"),
    *("unpickle", "discover", "dlopen", "shell", "magic", "inline", "preprocess"),
}
"""Words that say that something is run."""
_LOADS_CODE = re.compile(
    r"(?:load|parse|read|apply|from)_?(?:\w+_)?"
    r"(?:config\w*|code|module|plugins?|extensions?|py|pyfile|python|script|string|notebook)"
    r"|(?:file|dict)config|configure|loadconfig",
    re.IGNORECASE,
)
"""Names that say that code, or settings that may name functions, are loaded."""
_ONLY_READS = (
    *("re.", "regex.", "re2.", "asyncio.", "anyio.", "trio.", "uvloop.", "curio.", "subprocess."),
    *("configparser.", "sqlite3."),
)
"""How names begin of functions that run a pattern, a task, a program or a query, and no code."""
_PARSES_ONLY = {"from_string", "fromstring"}
_A_TEMPLATE = re.compile(r"Environment\(\)|Template|[Ee]ngine|[Ll]ookup")
_UNPICKLES = {"recv_pyobj"}
_ONLY_READS_IT = re.compile(
    r"(?:json|simplejson|orjson|ujson|tomllib|tomli)\.(?:load|dump)s?|(?:.*\.)?(?:get|print|echo|debug"
    r"|info|warn(?:ing)?|error|exception|log|format|join|split|strip|str|int|float|len|bool|bytes|list"
    r"|dict|set|tuple|sorted|min|max|any|all|enumerate|zip|isinstance|range|[vV]ersion|parse_version"
    r"|LooseVersion|append|add|match|search|fullmatch|findall|TextIOWrapper|BytesIO|StringIO"
    r"|BeautifulSoup|safe_load|reader|DictReader)"
)
"""Functions that read, compare or show what they are given."""
_KEEPS = tables.Table(("urllib.request.urlretrieve", "urllib.urlretrieve", "wget.download"))
"""Calls that fetch something into a file."""
_UNPACKS = {"extractall", "extract", "unpack_archive"}
_IMPORTS_FROM = tables.Table(
    (
        *("sys.path.insert", "sys.path.append", "sys.path.extend", "site.addsitedir"),
        *("unittest.defaultTestLoader.discover", "unittest.TestLoader().discover"),
        *("pkgutil.walk_packages", "pkgutil.iter_modules", "importlib.machinery.FileFinder"),
        *("importlib.machinery.PathFinder.find_spec", "zipimport.zipimporter", "pytest.main"),
        *("runpy.run_path", "runpy.run_module"),
    )
)
"""Calls that make modules known that lie in a folder, or run them."""
_FAR = re.compile(r"(?:https?|ftps?|s3|gs|wss?)://", re.IGNORECASE)
_INSTALLS = re.compile(
    r"pip(?:\._internal\b.*)?\.main|pip\._internal\..*\.(?:main|run)|ensurepip\._run_pip"
)
_VERBS = {"exec", "run", "load", "eval", "call", "interpret", "unsafe", "unpickle"}
_RUN_OWN = {
    *("exec", "execute", "execfile", "eval", "evaluate", "runcode", "runsource", "runfile"),
    *("interpret", "unsafe", "unpickle", "runstring", "cell", "script", "setup"),
}
"""Words that say together that a file is run; many a function `runs` or `loads` one otherwise."""
_OF_LOADERS = (".exec_module", ".load_module")
"""Methods of importers, which are looked at where these are made."""
_FETCHING = re.compile(
    rf"(?:\S*/)?(?:{tables.FETCH}|git\s(?:[^|;&]*\s)?clone\b)[^|;&]*\s['\"]?(?:https?|ssh|git|ftp)://",
    re.IGNORECASE,
)
"""How a program fetches something from another machine."""
_CODE_THERE = re.compile(r"https?://[^\s/]+/\S*\.(?:py|sh|pkl|joblib)", re.IGNORECASE)
_SUFFIX = re.compile(r"(?<![\w/])\.\w+")
_IS_CODE = re.compile(r"\.(?:pyw?|so|pyd|dll|dylib|sql)(?:\n|$)")


def of_what_is_fetched(flow: Flow) -> Iterator[Found]:
    """Yield the calls of a file that run what was fetched, as their names say."""
    for call in flow.calls:
        types = _types_evaluated(call, flow)
        if Label.OWN_FILE in types:
            yield "runs-own-data", (call.node,)
        if (
            runs_by_name(call, flow)
            or Label.DOWNLOADED in types
            or _fetches_code(call, flow)
            or _gives_an_address_of_code(call, flow)
        ):
            yield _RUNS, (call.node,)
        if _runs_own_data_by_name(call, flow) or _finds_odd_files(call, flow):
            yield "runs-own-data", (call.node,)
        if any(map(_INSTALLS.fullmatch, call.names)) and _FAR.search(flow.text(*call.everything)):
            yield "installs-another-package", (call.node,)
    # Builds keep data beside their files, which modules lie beside as well.
    places = [each for each in _imported_from(flow) if "__file__" not in flow.text(each)]
    filled = _filled(flow) if places else set()
    yield from ((_RUNS, (each,)) for each in places if _names_in(each, flow) & filled)


def of_fetching(flow: Flow) -> Iterator[Found]:
    """Yield the calls of a file that fetch something from another machine, when it is given to
    anything but what reads, compares or shows it."""
    fetching = [call for call in flow.calls if _fetches(call, flow)]
    by_program = any(call.does(tables.STARTS) for call in fetching)
    if by_program or (fetching and any(_takes_what_is_fetched(c, flow) for c in flow.calls)):
        yield from ((FETCHES, (call.node,)) for call in fetching)


def _fetches(call: Call, flow: Flow) -> bool:
    if call.does(tables.STARTS):
        return _FETCHING.match(flow.text(*call.arguments[:1]).replace("\n", " ")) is not None
    if not call.does(tables.RECEIVES):
        return False
    # What is handed over may be called by somebody later.
    if tables.RECEIVES not in tables.with_any(flow.expressions.names(call.node.func)):
        return False
    # What is opened may be a file of this machine, unless an address stands there.
    address = f"{flow.address(call)}\n{flow.text(*call.everything)}"
    return _FAR.search(address) is not None and not stays_home(flow.address(call))


def _unpickles(call: Call, flow: Flow) -> bool:
    """Whether objects are unpickled that a socket receives; zmq itself offers that."""
    asked = any(name.rpartition(".")[2] in _UNPICKLES for name in call.names)
    return asked and not flow.is_own("zmq")


def _takes_what_is_fetched(call: Call, flow: Flow) -> bool:
    if call.does(_KEEPS) or _unpickles(call, flow):
        return True
    if not call.names or any(map(_ONLY_READS_IT.fullmatch, call.names)):
        return False
    own = any(name in flow.expressions.functions for name in call.names)
    return not own and Label.DOWNLOADED in flow.labels(*call.everything)


def runs_by_name(call: Call, flow: Flow) -> bool:
    """Whether another project's function, whose name says that it runs something, is given what
    was fetched: as an argument, or by the object that has it."""
    if not any(map(_says_that_it_runs, call.names)) or call.does(tables.STARTS):
        return False
    roots = {name.partition(".")[0].partition("(")[0] for name in call.names}
    if not (roots - {""}) & flow.expressions.roots or any(map(flow.is_own, roots)):
        return False
    function = call.node.func
    owner = (function.value,) if isinstance(function, ast.Attribute) else ()
    return Label.DOWNLOADED in flow.labels(*call.everything, *owner) or (
        Label.FETCHED in flow.near_labels(*call.arguments)
    )


def _runs_own_data_by_name(call: Call, flow: Flow) -> bool:
    """Whether another project's function, whose name says that it runs files, is given one of the
    package's that is no module by its name."""
    if call.does(tables.STARTS) or not any(map(_runs_files, call.names)):
        return False
    roots = {name.partition(".")[0].partition("(")[0] for name in call.names}
    if not (roots - {""}) & flow.expressions.roots or any(map(flow.is_own, roots)):
        return False
    return Label.OWN_FILE in flow.labels(*call.everything) and not any(
        _IS_CODE.search(flow.text(each)) for each in call.everything
    )


def _finds_odd_files(call: Call, flow: Flow) -> bool:
    """Whether modules are looked for in files that are named like something else."""
    if "importlib.machinery.FileFinder" not in call.names:
        return False
    suffixes = _SUFFIX.findall(flow.text(*call.arguments[1:]))
    return bool(suffixes) and not {".py", ".pyc", ".pyw", ".so", ".pyd"}.issuperset(suffixes)


@lru_cache(maxsize=2**14)
def _runs_files(name: str) -> bool:
    if name.startswith(_ONLY_READS) or "." not in name or name.endswith(_OF_LOADERS):
        return False
    words = {each.lower() for each in _WORD.findall(name.rpartition(".")[2])}
    return not _VERBS.isdisjoint(words) and not _RUN_OWN.isdisjoint(words)


@lru_cache(maxsize=2**14)
def _says_that_it_runs(name: str) -> bool:
    if any(name in each for each in _EVALUATORS):
        return True
    if name.startswith(_ONLY_READS) or "." not in name:
        return False
    before, _, last = name.rpartition(".")
    if last in _PARSES_ONLY:
        return _A_TEMPLATE.search(before) is not None
    words = {each.lower() for each in _WORD.findall(last)}
    return not words.isdisjoint(_SAY_SO) or _LOADS_CODE.fullmatch(last.strip("_")) is not None


_NEAR = 4
"""Steps from what is fetched to a type; of a web framework all that it holds leads to all types."""
_EVALUATORS = (
    tables.EVALUATES_TEXT,
    tables.LOADS_A_FILE,
    tables.Table(("cffi.FFI().verify", "cffi.FFI().set_source", "mako.template.Template")),
)
"""Calls that evaluate or load what they are given, whatever their names say."""


def _types_evaluated(call: Call, flow: Flow) -> set[Label]:
    """Tell what texts hold that are evaluated as types, when they were fetched or read."""
    if not call.does(tables.EVALUATES_ANNOTATIONS):
        return set()
    if call.names == {"inspect.signature"} and "eval_str" not in dict(call.keywords):
        return set()
    types: list[ast.expr] = [each.annotation for each in flow.of_kind(ast.AnnAssign)]
    texts = flow.feeds(".__annotations__")
    near = flow.near_labels(*call.everything, *types, *texts, steps=_NEAR)
    fetched = near & {Label.DOWNLOADED}
    return fetched | flow.labels(*texts) & {Label.OWN_FILE}


def _gives_an_address_of_code(call: Call, flow: Flow) -> bool:
    """Whether another project's function is given the address of code that it may run."""
    roots = {name.partition(".")[0].partition("(")[0] for name in call.names}
    foreign = (roots & flow.expressions.roots) - sys.stdlib_module_names
    if not foreign or any(map(flow.is_own, roots)) or only_shows(call, flow):
        return False
    lines = (line for each in call.everything for line in flow.text(each).split("\n"))
    return any(map(_CODE_THERE.fullmatch, lines))


def _fetches_code(call: Call, flow: Flow) -> bool:
    """Whether a file is fetched that is code by its name, or objects that are unpickled."""
    if _unpickles(call, flow):
        return not stays_home(flow.address(call))
    if not call.does(_KEEPS):
        return False
    named = [value for key, value in call.keywords if key in ("filename", "out")]
    paths = (*call.arguments[1:2], *named)
    return any(tables.CODE_FILE.fullmatch(flow.text(each)) for each in paths)


def _imported_from(flow: Flow) -> Iterator[ast.expr]:
    """Yield the folders, or files, that modules are imported from, or that are run."""
    for call in flow.calls:
        if call.does(_IMPORTS_FROM):
            yield from call.arguments[-1:]
    changes: list[ast.Assign | ast.AugAssign] = [*flow.of_kind(ast.Assign)]
    changes += flow.of_kind(ast.AugAssign)
    for node in changes:
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            changed = target.value if isinstance(target, ast.Subscript) else target
            is_path = isinstance(changed, ast.Attribute) and changed.attr == "path"
            if is_path and "sys.path" in flow.expressions.names(changed):
                yield node.value


def _filled(flow: Flow) -> set[str]:
    """Name what the paths are made of to which something is written that was fetched."""
    found: set[str] = set()
    for call in flow.calls:
        if call.does(_KEEPS):
            found.update(*(_names_in(each, flow) for each in call.arguments[1:2]))
        elif last_name(call.node.func) in _UNPACKS:
            paths = [value for key, value in call.keywords if key in ("path", "extract_dir")]
            paths += call.arguments[-1:]
            if Label.DOWNLOADED in flow.labels(call.node, *call.everything):
                found.update(*(_names_in(each, flow) for each in paths))
        else:
            path = flow.written_path(call)
            if path is not None and Label.DOWNLOADED in flow.labels(*call.everything):
                found |= _names_in(path, flow)
    return found


def _names_in(path: ast.expr, flow: Flow) -> set[str]:
    names = {each.id for each in ast.walk(path) if isinstance(each, ast.Name)}
    return names - flow.expressions.imports.keys()
