"""Where the data of a Python file comes from, as far as it can be followed without running it.

A label says what a value may hold. It flows through expressions, assignments, loops, arguments,
results, and files that are written and read. Which statement comes first is not asked, and names
are one for the whole file: what looks at the result asks for a rare combination.
"""

import ast
import re
import sys
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from package_gate.core.folding import UNKNOWN, with_plain_hosts
from package_gate.core.import_time import parameters_given
from package_gate.core.nodes import Function, children, last_name
from package_gate.core.receivers import is_for_strangers
from package_gate.core.scopes import Arms, arms_of, exclude_each_other, is_local, plain
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.expressions import (
    HIDDEN,
    METHOD_CALLER,
    Elsewhere,
    Expressions,
    returns_of,
    targets,
)
from package_gate.scanners.behaviour.hidden_ways import HiddenWays


class Label(Enum):
    """What a value may hold."""

    DOWNLOADED = auto()
    DECODED = auto()
    SECRET = auto()
    HOST_FACTS = auto()
    SCREEN = auto()
    INTERCEPTED = auto()
    ENCRYPTED = auto()
    OTHER_PACKAGES = auto()
    MEMORY = auto()
    ENCODED = auto()
    """It was written in the code so that nobody can read it."""
    REQUEST = auto()
    """It comes with a request to a server."""
    OVERHEARD = auto()
    """What others do came with it: it was given to a function that hears of all that happens."""
    ANOTHERS = auto()
    """It is a file of another package."""
    LOOT = auto()
    """Whatever thieves look for: keys, browsers' and wallets' files, or the whole environment."""
    GATHERED = auto()
    """Secrets of several services together; one that is chosen of them is not that."""
    IDENTITY = auto()
    """It proves to others which job or machine this is."""
    DISGUISED = auto()
    """It was encoded, so that nobody can read it."""
    OWN_FILE = auto()
    """It stands in a file of the package."""
    CLIPBOARD = auto()
    FETCHED = auto()
    """It comes of a call that was given an address, whatever the function is called."""


_SENT = {
    *(Label.SECRET, Label.LOOT, Label.GATHERED, Label.IDENTITY, Label.HOST_FACTS, Label.SCREEN),
    *(Label.DISGUISED, Label.OVERHEARD, Label.INTERCEPTED),
}
"""What is of interest where it is sent."""
_SOURCES: tuple[tuple[tables.Table, Label], ...] = (
    (tables.RECEIVES, Label.DOWNLOADED),
    (tables.DECODES, Label.DECODED),
    (tables.HOST_FACTS, Label.HOST_FACTS),
    (tables.SECRETS, Label.SECRET),
    (tables.ALL_SECRETS, Label.SECRET),
    (tables.ALL_SECRETS, Label.LOOT),
    (tables.ENCODES, Label.DISGUISED),
    (tables.STARTS, Label.HOST_FACTS),
    (tables.SCREEN, Label.SCREEN),
    (tables.READS_CLIPBOARD, Label.CLIPBOARD),
    (tables.RESOURCES, Label.OWN_FILE),
    (tables.OTHER_PACKAGES, Label.OTHER_PACKAGES),
    (tables.OWN_MEMORY, Label.MEMORY),
    (tables.DECODES_TEXT, Label.ENCODED),
)
_MUTATOR = re.compile(
    r"(?:add|append|attach|extend|insert|push|put|set|update|write)(?:_\w+|[a-z]*)"
    r"|read(?:_file|_string|_dict)?|load|parse"
)
"""Methods that put what they are given into their object."""
_ADDRESSES = {"url", "uri", "host", "address", "endpoint", "endpoint_url", "base_url"}
"""The arguments that say where something is sent."""
_HEADER = re.compile(r"HTTP_[A-Z][A-Z_]+")
"""A header of a request, as WSGI names it (PEP 3333)."""
_OF_A_SERVER = re.compile(
    r"(?!file:|sqlite:|memory:)[a-z][a-z0-9+.-]{1,20}://|(?:.{0,200}\s)?host(?:name)?=\S",
    re.IGNORECASE,
)
"""How the address of a server begins, whatever it speaks."""
_HOST_NAME = re.compile(r"(?!127\.|0\.0\.0\.0)[\w-]+\.[\w.-]*\w")
_SERVERS = {"host", "hostname", "hosts", "server", "servers", "bootstrap_servers", "address"}
"""The arguments that name one."""
_SHOWS_ENVIRONMENT = re.compile(r"\{[^{}]{0,80}\benvironb?\b")
"""A template of `str.format` that puts the environment into a text."""
_HEARS = {"data_received", "datagram_received", "characters", "handle_data"}
"""Methods that the event loop, or a parser, gives what came over the network."""
_KEEP = ("urlretrieve", "wget.download", ".download_file")
"""How the names of functions end that write what they fetch to a file."""
_KEPT_IN = ("filename", "out", "Filename")
_HEARS_MESSAGES = ".on_message"
"""The attribute that clients of message queues call with what came."""
_FEW_NUMBERS = re.compile(r"[@=<>!]?[a-oq-rt-zA-Z?]{1,4}")
"""A format of `struct` that makes no more than 32 bytes of numbers, and none of texts."""
_DIGEST = re.compile(r"hashlib\.\w+\(\)\.(?:hex)?digest")
_STREAMS = {".stdout", ".stderr"}
_PLACES = {
    "file__",
    "path__",
    "path__[]",
    "spec__.origin",
    "loader__.path",
    "loader__.get_filename()",
}
"""How the attributes of a module go on, after two underscores, that say where it is."""
_PRINTED = {f"sys.{dunder}{end}{dunder}" for end in ("stdout", "stderr") for dunder in ("", "__")}
_ADDS = {"add", "addfile"}
_GIVE_TEXT = {"decode", "encode", "hex", "join", "read", "read_text", "replace", "strip"}
_SAVES = {"save", "dump", "tofile", "readinto"}
_FINDS = {"search", "match", "fullmatch", "findall", "finditer"}
_KINDS_OF_SECRETS = re.compile(
    r"AKIA|gh\[?[pousr]+\]?_|xox|\bsk-|passw|secret|token|api.{0,4}?key|PRIVATE|mnemonic|eyJ",
    re.IGNORECASE,
)
"""What stands in patterns that find secrets in texts."""
_FETCHES = re.compile(tables.FETCH, re.IGNORECASE)
_TO_FILE = re.compile(r"(?:^|\s)(?:-o|--output(?:-document)?|-OutFile)[\s=\"']*$", re.IGNORECASE)
_WRITES = {"write", "writestr", "writelines", "write_text", "write_bytes"}
_ENVIRONMENT = {"os.environ", "os.environb"}
_ENVIRONMENT_BY_TEXT = {"os.environ", "os:environ", "posix.environ"}
_TCL = ("tkinter.", "_tkinter.")
_ENV_OF_TCL = re.compile(r"\benv\b")
_COMPONENT = "get_component"
_GIVE_KEYS_OF_AWS = {
    *("get_credentials", "load_credentials", "get_frozen_credentials", "generate_presigned_url"),
    *("generate_presigned_post", "generate_db_auth_token", _COMPONENT),
}
"""Methods that give keys, or addresses that are as good as keys."""
_OF_AWS = {"boto3", "botocore", "aiobotocore", "aioboto3"}
_FIELDS = "all fields"
"""The key of all that the objects of a file hold."""
_ITEM = "item of "
"""Begins a key of which only one item is taken on."""
_TAKES_AN_ITEM = {"get", "pop"}
_WHOLES = {
    *("flask.current_app.config", "flask.Flask().config", "django.conf.settings"),
    *("streamlit.secrets", "dotenv.dotenv_values()", "dotenv.main.dotenv_values()"),
}
"""All settings of a program; one of them is what a client is given."""
_CALLED = frozenset({tables.STARTS, tables.RUNS})
_WRAPPERS = {"staticmethod", "classmethod", "property", "functools.partial"}
_NOBODY_WAITS_FOR = (
    *("Thread", "Timer", ".submit", "create_task", "ensure_future", "run_in_executor"),
    *("run_coroutine_threadsafe", "call_soon", "call_later", "start_new_thread"),
)
"""How the names of calls end that have something done, and don't ask what becomes of it."""
_WHISPERS = {"debug", "rollback", "close", "sleep"}
_VARIABLES_OF_OTHERS = {"f_locals", "f_globals"}
_GIVEN_BY_REQUESTS = {"headers", "cookies", "body"}
_GIVEN_BY_FLASK = {"args", "form", "values", "data", "json", "get_data", "get_json", "files"}
_GIVEN_REQUESTS = {"request", "req"}
_REQUEST = {"urllib.request.Request", "urllib2.Request"}
_QUERIES = {"query", "select", "scalars", "list", "all"}
_RECORDS_OF_SECRETS = {
    f"airflow.models.{name}"
    for name in ("Variable", "Connection", "variable.Variable", "connection.Connection")
}
_LISTS_SECRETS = re.compile(r"list_secrets|get_parameters_by_path|describe_parameters")
_BEGINNING = re.compile(r"[A-Z][A-Z0-9]+_[A-Z0-9_]*")
_WITH_SECRETS = {
    *("AWS", "AZURE", "ARM", "GOOGLE", "GCP", "GCLOUD", "GITHUB", "GH", "GITLAB", "CI", "ACTIONS"),
    *("OPENAI", "ANTHROPIC", "HF", "HUGGINGFACE", "NPM", "NODE", "PYPI", "TWINE", "UV", "POETRY"),
    *("DOCKER", "KUBE", "KUBERNETES", "SLACK", "STRIPE", "DB", "DATABASE", "POSTGRES", "PG"),
    *("MYSQL", "REDIS", "MONGO", "SECRET", "TOKEN", "API", "KEY", "PASS", "PASSWORD", "VAULT"),
    *("CLOUDFLARE", "CF", "HEROKU", "DATADOG", "DD", "SENTRY", "WANDB", "COHERE", "MISTRAL"),
}
"""How the names of variables begin that many a machine keeps keys in."""
_SEVERAL = 3
"""Services; a client may be for two."""
_SECRET_NAME = re.compile(
    r"%(?=[A-Z0-9_]*(?:TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_KEY))([A-Z0-9_]+)%"
)
_SAME_SERVICE = {
    **dict.fromkeys(("GEMINI", "GCP", "GCLOUD", "VERTEX", "VERTEXAI"), "GOOGLE"),
    **dict.fromkeys(("HUGGINGFACE", "HUGGING", "HUGGINGFACEHUB"), "HF"),
    **dict.fromkeys(("TWINE", "UV", "POETRY", "PIP", "FLIT"), "PYPI"),
    **dict.fromkeys(("CI", "GL"), "GITLAB"),
    **{"GH": "GITHUB", "CLAUDE": "ANTHROPIC", "ARM": "AZURE", "S3": "AWS"},
}
_TO_FIELDS = {"dataclasses.asdict", "dataclasses.astuple", "attrs.asdict", "attr.asdict", "vars"}
"""Functions that give all that an object holds."""
_TO_FIELDS_BY_METHOD = {"model_dump", "model_dump_json", "_asdict"}
_PROPERTIES = {"property", "functools.cached_property", "cached_property"}
_READ_ENVIRONMENT = {"get", "pop", "setdefault"}
_CONTAINERS = ast.List | ast.Tuple | ast.Set | ast.Dict
_CLIPBOARD = re.compile(r"(?:\S*/)?(?:pbpaste|xclip|xsel|wl-paste)|Get-Clipboard", re.IGNORECASE)
"""The programs that show what is on the clipboard."""
_TEXTS = (
    (tables.CREDENTIALS, Label.SECRET),
    (tables.LOOT, Label.LOOT),
    (tables.IDENTITIES, Label.IDENTITY),
    (tables.HOST_FACTS_TEXT, Label.HOST_FACTS),
    (re.compile(r"\*[^\n*]*(?:setup|__init__)\.py(?:\n|$)"), Label.OTHER_PACKAGES),
    (re.compile("__file__"), Label.OWN_FILE),
)

Keys = set[str]
Place = tuple[str, Arms, bool]
"""A key, in which arms it stands where that makes a difference, and whether one item counts."""
Kind = TypeVar("Kind", bound=ast.AST)


@lru_cache(maxsize=2**10)
def _of_tables(found: frozenset[tables.Table]) -> frozenset[Label]:
    """Give what a value may hold that comes from functions of these tables."""
    return frozenset(label for table, label in _SOURCES if table in found)


@lru_cache(maxsize=2**12)
def _of_text(text: str) -> frozenset[Label]:
    """Give what a value may hold that comes with this text."""
    return frozenset(label for pattern, label in _TEXTS if pattern.search(text))


def _is_of_no_secret(beginning: str) -> bool:
    """Whether variables that begin like this are settings, and no keys."""
    root = beginning.partition("_")[0]
    return _BEGINNING.fullmatch(beginning) is not None and root not in _WITH_SECRETS


@lru_cache(maxsize=2**12)
def _services_of(text: str) -> frozenset[str]:
    """Name the services whose secrets are variables of the environment in a text."""
    roots = (name.lstrip("_").partition("_")[0] for name in _SECRET_NAME.findall(text))
    return frozenset(_SAME_SERVICE.get(root, root) for root in roots)


@lru_cache(maxsize=2**14)
def _known(names: frozenset[str]) -> tuple[frozenset[str], bool, frozenset[tables.Table]]:
    """Give names without `HIDDEN`, whether one had it, and the tables that have one of them."""
    plain = frozenset(name.replace(HIDDEN, "") for name in names)
    hidden = any(name.startswith(HIDDEN) for name in names)
    return plain, hidden, tables.with_any(plain)


def _adds_to_all_logs(call: "Call", names: Callable[[ast.expr], frozenset[str]]) -> bool:
    """Whether this is `logging.getLogger().addHandler(…)`, so that it hears what all others log."""
    function = call.node.func
    if not (isinstance(function, ast.Attribute) and function.attr == "addHandler"):
        return False
    root = function.value
    if isinstance(root, ast.Attribute):
        return "logging.root" in names(root)
    made = isinstance(root, ast.Call) and not root.args and not root.keywords
    return made and "logging.getLogger()" in names(root)


def _is_a_request(node: ast.expr) -> bool:
    """Whether this is a request that somebody has sent to a server."""
    return plain(last_name(node)) in _GIVEN_REQUESTS


def _awaited(node: ast.expr) -> ast.expr:
    """Give what an expression waits for, if it does."""
    return node.value if isinstance(node, ast.Await) else node


def _says_nothing(handler: ast.ExceptHandler) -> bool:
    """Whether all that is done about an error is to go on."""
    return all(
        isinstance(each, ast.Pass | ast.Continue)
        or (isinstance(each, ast.Return) and isinstance(each.value, ast.Constant | None))
        or (isinstance(each, ast.Expr) and _is_a_whisper(each.value))
        for each in handler.body
    )


def _is_a_whisper(expression: ast.expr) -> bool:
    """Whether this says nothing, or only to who looks for errors of the program itself."""
    if isinstance(expression, ast.IfExp):
        return _is_a_whisper(expression.body) and _is_a_whisper(expression.orelse)
    called = expression.func if isinstance(expression, ast.Call) else None
    return isinstance(expression, ast.Constant) or getattr(called, "attr", "") in _WHISPERS


def _wrapped(function: ast.expr) -> Iterator[ast.expr]:
    """Give what the calls are given, also in a list, that give the function which is called."""
    while isinstance(function, ast.Attribute | ast.Subscript | ast.Call | ast.Await):
        if not isinstance(function, ast.Call):
            function = function.value
            continue
        for given in (*function.args, *(each.value for each in function.keywords)):
            for each in given.elts if isinstance(given, ast.List | ast.Tuple) else (given,):
                if isinstance(each, ast.Name | ast.Attribute):
                    yield each
        function = function.func


def arguments_of(arguments: ast.arguments) -> Iterator[ast.arg]:
    """Give the parameters that take what stands at a place in a call, or is left over."""
    for each in (*arguments.args, arguments.vararg, arguments.kwarg):
        if each is not None:
            yield each


@dataclass(frozen=True, slots=True)
class Call:
    """A call that runs, or one that something called later will make."""

    names: frozenset[str]
    """Of the function, without `HIDDEN`."""
    hidden: bool
    """Whether a computed name led to it."""
    arguments: tuple[ast.expr, ...]
    keywords: tuple[tuple[str, ast.expr], ...]
    node: ast.Call
    of_tables: frozenset[tables.Table]
    """Those that have one of the names."""

    def does(self, table: tables.Table) -> bool:
        """Whether the function is one of a table of names."""
        return table in self.of_tables

    def does_any(self, of_interest: frozenset[tables.Table]) -> bool:
        """Whether the function is one of several tables of names."""
        return not self.of_tables.isdisjoint(of_interest)

    @property
    def last_names(self) -> set[str]:
        """What the function is called in its module or class, and what it is called here."""
        return {name.rpartition(".")[2] for name in self.names} | {last_name(self.node.func)}

    @property
    def everything(self) -> tuple[ast.expr, ...]:
        """All arguments."""
        return (*self.arguments, *(value for _, value in self.keywords))


@dataclass(frozen=True, slots=True)
class Use:
    """What a function does with one of its parameters."""

    what: str
    """`sends` it, `sends there` when a stranger's address stands in the code, `sends quietly` when
    nobody hears of a failure, `sends on the quiet` when both, or `runs` it."""
    parameter: str
    """Its name; "" for what takes the rest."""
    position: int
    """Where it stands in a call; -1 when it is only given by its name."""
    whole: bool
    """Whether more than one item of it is used."""

    def takes(self, call: Call) -> Iterator[ast.expr]:
        """Give what a call of the function gives this parameter."""
        for number, argument in enumerate(call.arguments):
            rest = isinstance(argument, ast.Starred) or not self.parameter
            if number == self.position or (rest and -1 < self.position <= number):
                yield argument
        for name, value in call.keywords:
            if name in ("", self.parameter) or not self.parameter:
                yield value


@dataclass(frozen=True, slots=True)
class Back:
    """What a function runs: what that gives back comes to who called it, and to nobody else."""

    nodes: frozenset[int]
    """By their ids."""
    results: frozenset[str]
    """The keys `function()` of what is called."""


class Others(Hashable, Elsewhere, Protocol):
    """Knows the other modules of a package."""

    def labels(self, name: str) -> frozenset[Label]:
        """Tell what a dotted name of another module may hold, or give when it is called."""
        ...

    def does(self, name: str) -> frozenset[Use]:
        """Tell what a function of another module does with what it is given."""
        ...

    def gives(self, name: str) -> frozenset[Use] | None:
        """Tell what a function of another module gives back of what it is given.

        Returns:
            `gives` of each parameter; None when it is no function that is known.
        """
        ...

    def is_own(self, root: str) -> bool:
        """Tell whether the module that this is asked for is below a top-level package."""
        ...


class Flow:
    """The labels of one file's running nodes."""

    def __init__(self, nodes: Sequence[ast.AST], others: Others | None = None) -> None:
        self.nodes = nodes
        self._by_kind: dict[type[ast.AST], list[Any]] = {}
        for node in nodes:
            self._by_kind.setdefault(type(node), []).append(node)
        self._others = others
        self.expressions = Expressions(nodes, others)
        self.calls = [call for node in self.of_kind(ast.Call) for call in self._describe(node)]
        self._summaries: dict[int, tuple[set[Label], Keys]] = {}
        self._held: dict[Place, set[Label]] = {}

    def of_kind(self, *kinds: type[Kind]) -> list[Kind]:
        """Give the nodes of these kinds."""
        return [node for kind in kinds for node in self._by_kind.get(kind, ())]

    @cached_property
    def _feeds(self) -> dict[str, list[ast.expr]]:
        """Key → the expressions whose labels it takes on; of many files nobody asks for them."""
        found: dict[str, list[ast.expr]] = {}
        for key, expression in self._edges():
            found.setdefault(key, []).append(expression)
        return found

    @cached_property
    def _given(self) -> dict[str, list[tuple[Label, ast.expr]]]:
        """Key → labels that it has from the beginning, each with the expression that says so."""
        found: dict[str, list[tuple[Label, ast.expr]]] = {}
        for key, label, source in self._labels_given():
            found.setdefault(key, []).append((label, source))
        return found

    @cached_property
    def blocks(self) -> list[ast.With | ast.AsyncWith]:
        """The `with` statements."""
        return self.of_kind(ast.With, ast.AsyncWith)

    @cached_property
    def functions(self) -> list[Function]:
        """The functions that are defined."""
        return self.of_kind(ast.FunctionDef, ast.AsyncFunctionDef)

    @cached_property
    def bases(self) -> dict[str, list[str]]:
        """Class → the names of those that it inherits from."""
        return {
            each.name: [base.id for base in each.bases if isinstance(base, ast.Name)]
            for each in self.of_kind(ast.ClassDef)
        }

    @cached_property
    def members(self) -> dict[str, dict[str, list[ast.expr]]]:
        """Class → attribute or method → what is assigned to it or returned by it in the class."""
        found: dict[str, dict[str, list[ast.expr]]] = {}
        for block in self.of_kind(ast.ClassDef):
            members = found.setdefault(block.name, {})
            waiting = list(children(block))
            for node in waiting:  # it grows meanwhile
                waiting += children(node)
                if isinstance(node, Function):
                    members.setdefault(node.name, []).extend(returns_of(node))
                elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
                    given = node.targets if isinstance(node, ast.Assign) else [node.target]
                    for name in (name for target in given for name in targets(target)):
                        members.setdefault(name.removeprefix("."), []).append(node.value)
        return found

    def labels(self, *expressions: ast.expr) -> set[Label]:
        """Tell what these may hold."""
        found: set[Label] = set()
        for expression in expressions:
            found |= self._summary(expression)[0]
            for place in self._places(expression, one=False):
                if place not in self._held:
                    self._learn(place)
                found |= self._held[place]
        return found

    def held(self, key: str) -> set[Label]:
        """Tell what a name, `.attribute` or `function()` of the file may hold."""
        place = key, (), False
        if place not in self._held:
            self._learn(place)
        return self._held[place]

    def near_labels(self, *expressions: ast.expr, steps: int = 1000) -> set[Label]:
        """Tell what these may hold that does not come by way of what objects hold, or of files.

        Args:
            expressions: they.
            steps: from one value to the next, at most.
        """
        found: set[Label] = set()
        waiting, seen = [(each, steps) for each in expressions], set(map(id, expressions))
        for expression, left in waiting:  # it grows meanwhile
            labels, keys = self._summary(expression)
            found |= labels
            for key in (each.removeprefix(_ITEM) for each in keys):
                if key.startswith("file ") or key == _FIELDS:
                    continue
                if key.startswith(".") and not key.endswith("()"):
                    continue
                found |= self._labels_of(key)
                if left:
                    fed = self._fed(key, arms_of(expression))
                    further = [each for each in fed if id(each) not in seen]
                    waiting += ((each, left - 1) for each in further)
                    seen.update(map(id, further))
        return found

    def labels_of_path(self, path: ast.expr) -> set[Label]:
        """Tell where a file is: what its path is made of, and not what is in it."""
        found: set[Label] = set()
        waiting = [path]
        seen = {id(path)}
        for expression in waiting:  # it grows meanwhile
            labels, keys = self._summary(expression)
            found |= labels
            for key in (each.removeprefix(_ITEM) for each in keys):
                made_of = (self.expressions.values, self.expressions.loops)
                values = [each for known in made_of for each in known.get(key, ())]
                waiting += (each for each in values if id(each) not in seen)
                seen.update(map(id, values))
        return found

    def _places(self, expression: ast.expr, *, one: bool) -> Iterator[Place]:
        """Give the places whose labels an expression takes on."""
        arms = arms_of(expression)
        for written in self._summary(expression)[1]:
            key = written.removeprefix(_ITEM)
            if key == _FIELDS:
                yield key, (), False
            else:
                yield key, arms if is_local(key) else (), one or key is not written

    def _labels_of(self, key: str) -> set[Label]:
        """Give the labels that a key has from the beginning."""
        return {label for label, _ in self._given.get(key, ())}

    def _learn(self, first: Place) -> None:
        """Note what a place holds, and each that it takes on labels from, directly or not.

        Each place is looked at once, however many calls end there; what it holds is handed on to
        those that take it on until nothing is added any more.
        """
        held: dict[Place, set[Label]] = {}
        taken_on_by: dict[Place, list[Place]] = {}
        waiting = [first]
        while waiting:
            place = waiting.pop()
            if place in held:
                continue
            key, arms, one = place
            labels = held[place] = self._labels_of(key)
            for expression in self._fields if key == _FIELDS else self._fed(key, arms):
                own = self._summary(expression)[0]
                labels |= own - {Label.GATHERED} if one else own
                for source in self._places(expression, one=one):
                    if source in self._held:
                        labels |= self._held[source]
                    else:
                        taken_on_by.setdefault(source, []).append(place)
                        waiting.append(source)
            if key == _FIELDS:
                labels &= _SENT
        changed = list(held)
        while changed:
            place = changed.pop()
            for other in taken_on_by.get(place, ()):
                more = held[place] & _SENT if other[0] == _FIELDS else held[place]
                if not more <= held[other]:
                    held[other] |= more
                    changed.append(other)
        self._held.update(held)

    @cached_property
    def _fields(self) -> list[ast.expr]:
        """What objects of this file hold; it may be sent by way of them, but is not run."""
        return [each for key in self._attributes for each in self._feeds.get(key, ())]

    def uses(self, function: Function) -> frozenset[Use]:
        """Tell what a function does with what it is given."""
        own = self._parameters(function)
        if own.keys().isdisjoint(self._given_to_any_sink):
            return frozenset()
        given = [each for each in self._given_to_sinks if own.keys() & each[2].keys()]
        back = self._back_from(function)
        return frozenset(
            Use(what, *own[name], keys[name])
            for what, keys in [(what, self._keys(*sink, back=back)) for what, sink, _ in given]
            for name in own.keys() & keys.keys()
        )

    @staticmethod
    def _parameters(function: Function) -> dict[str, tuple[str, int]]:
        """Give the name and the place of each parameter as a call has it, see `Use`."""
        arguments = function.args
        names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
        if names and plain(names[0]) in ("self", "cls"):
            names = names[1:]
        own = {name: (plain(name), number) for number, name in enumerate(names)}
        own |= {each.arg: (plain(each.arg), -1) for each in arguments.kwonlyargs}
        own |= {each.arg: ("", len(names)) for each in (arguments.vararg, arguments.kwarg) if each}
        return own

    def gives(self, function: Function) -> frozenset[Use]:
        """Tell what a function gives back of what it is given."""
        returned = self._keys(*returns_of(function))
        own = self._parameters(function)
        return frozenset(
            Use("gives", *own[name], returned[name]) for name in own.keys() & returned.keys()
        )

    def _back_from(self, function: Function) -> Back:
        """Give what a function runs, and under which keys that gives something back."""
        nodes = self._ran_by([function])
        known = self.expressions.functions.items()
        own = {
            f"{name}()" for name, functions in known if any(id(each) in nodes for each in functions)
        }
        return Back(frozenset(nodes), frozenset(own))

    @cached_property
    def _caught(self) -> frozenset[str]:
        """The names of errors that are caught."""
        return frozenset(each.name for each in self.of_kind(ast.ExceptHandler) if each.name)

    @cached_property
    def _given_to_any_sink(self) -> Collection[str]:
        """Give the names behind all that the calls are given that send something or run it."""
        return self._keys(*(each for _, sink in self._sinks_for_others for each in sink)).keys()

    @cached_property
    def _given_to_sinks(self) -> list[tuple[str, tuple[ast.expr, ...], dict[str, bool]]]:
        """Give what the calls are given that send something or run it, and the names behind it."""
        return [(what, sink, self._keys(*sink)) for what, sink in self._sinks_for_others]

    @cached_property
    def _sinks_for_others(self) -> list[tuple[str, tuple[ast.expr, ...]]]:
        """Give what is given to the calls that send something or run it."""
        sends = [call for call in self.calls if call.does(tables.SENDS)]
        there = [call for call in sends if is_for_strangers(self.address(call))]
        quietly = [call for call in sends if id(call.node) in self.quiet]
        on_the_quiet = [call for call in there if id(call.node) in self.quiet]
        runs = [call for call in self.calls if call.does(tables.RUNS)]
        further = [
            (what.removesuffix(" whole"), tuple(given))
            for call in self.calls
            for what, given in self.done_elsewhere(call).items()
            if not (call.does(tables.SENDS) or call.does(tables.RUNS))
        ]
        return [
            *(("sends", call.everything) for call in sends),
            *(("sends there", call.everything) for call in there),
            *(("sends quietly", call.everything) for call in quietly),
            *(("sends on the quiet", call.everything) for call in on_the_quiet),
            *(("runs", self.run_by(call)) for call in runs),
            *further,
        ]

    def run_by(self, call: Call) -> tuple[ast.expr, ...]:
        """Give what of its arguments a call runs.

        Only code that is known, such as `exec("exec(given)", names)`, uses what its names stand
        for; of other code the namespace says nothing.
        """
        runs_first = bool(call.names & {"exec", "eval"}) and call.arguments
        if runs_first and not self.expressions.whole_text(call.arguments[0]).strip(UNKNOWN + "\n"):
            return call.arguments[:1]
        return call.everything

    def names_taken_on(self, expressions: Iterable[ast.expr]) -> set[str]:
        """Give the names of all that these take on as a whole."""
        return {key for key, whole in self._keys(*expressions).items() if whole}

    def takes_what_is_given(self, call: Call) -> bool:
        """Whether a call takes on anything that is not known from this file."""
        keys = self._keys(*call.everything)
        return any(
            (is_local(key) or key.startswith(".")) and not key.endswith("()")
            for key in keys
            if key not in self._feeds
        )

    @cached_property
    def quiet(self) -> set[int]:
        """The nodes whose failure nobody hears of, by id: errors are passed over, or a thread's."""
        bodies: list[ast.AST] = [
            each
            for block in self.of_kind(ast.Try)
            if any(map(_says_nothing, block.handlers))
            for each in block.body
        ]
        for block in self.blocks:
            entered = [each.context_expr for each in block.items]
            if any("contextlib.suppress()" in self.expressions.names(each) for each in entered):
                bodies += block.body
        for call in self.calls:
            if any(name.endswith(_NOBODY_WAITS_FOR) for name in call.names):
                for each in call.everything:
                    if isinstance(each, ast.Name | ast.Attribute):
                        bodies += (function for function, _ in self._functions_named(each))
                    elif isinstance(each, ast.Call):
                        bodies += self.expressions.called_here(each)
        found = self._ran_by(bodies)
        for function in self.functions:
            for decorator in function.decorator_list:
                if any(id(call) in found for call in self._calls_of_parameters(decorator)):
                    bodies.append(function)
        return self._ran_by(bodies)

    def _ran_by(self, bodies: Iterable[ast.AST]) -> set[int]:
        """Give the nodes that these have, or that what they call has, by id."""
        waiting = list(bodies)
        found = set(map(id, waiting))
        for node in waiting:  # it grows meanwhile
            further: list[ast.AST] = list(children(node))
            if isinstance(node, ast.Call):
                further += self.expressions.called_here(node)
            waiting += (each for each in further if id(each) not in found)
            found.update(map(id, further))
        return found

    def _calls_of_parameters(self, decorator: ast.expr) -> Iterator[ast.Call]:
        """Give the calls with which a decorator of this file calls what it is given."""
        name = decorator.id if isinstance(decorator, ast.Name) else ""
        for function in self.expressions.functions.get(name, ()):
            given = {each.arg for each in arguments_of(function.args)}
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in given:
                    yield node

    def address(self, call: Call) -> str:
        """Give the text of where a call sends something, as far as it is known, host after host.

        It is named by the call, by what its object was made of, or by a request that it is given.
        """
        named = [value for key, value in call.keywords if key in _ADDRESSES]
        first = self.text(*call.arguments[:1])
        waiting = [*call.arguments[: 1 if "//" in first else 2], *named]
        made: list[ast.Call] = []
        root: ast.expr = call.node.func
        while isinstance(root, ast.Attribute | ast.Call):
            if isinstance(root, ast.Call):
                made.append(root)
            root = root.func if isinstance(root, ast.Call) else root.value
        for each in (root, *waiting):
            key = f".{each.attr}" if isinstance(each, ast.Attribute) else getattr(each, "id", "")
            values = map(_awaited, self.expressions.values.get(key, [each]))
            made += (value for value in values if isinstance(value, ast.Call))
        made += [each for value in made for each in value.args[:1] if isinstance(each, ast.Call)]
        of_objects = [
            self.text(each)
            for value in made
            for each in (*value.args[:1], *(k.value for k in value.keywords if k.arg in _ADDRESSES))
        ]
        of_each = [line for text in of_objects for line in text.split("\n")]
        texts = [each if "//" in each else f"//{each}" for each in of_each]
        pairs = [each.elts for each in waiting if isinstance(each, ast.Tuple)]  # host and port
        texts += [f"//{self.text(pair[0])}" for pair in pairs if len(pair) == 2]
        return "\n".join((*texts, *map(self.text, waiting)))

    def done_elsewhere(self, call: Call) -> dict[str, list[ast.expr]]:
        """Tell what a function of another module does, and with which of the call's arguments."""
        found: dict[str, list[ast.expr]] = {}
        for name in self._elsewhere(call.names) if self._others is not None else ():
            for use in self._others.does(name) if self._others is not None else ():
                given = list(use.takes(call))
                if given:
                    found.setdefault(use.what, []).extend(given)
                    if use.whole:
                        found.setdefault(f"{use.what} whole", []).extend(given)
        return found

    def is_own(self, root: str) -> bool:
        """Whether this file is a part of a top-level package."""
        return self._others is not None and self._others.is_own(root)

    def items_set(self) -> Iterator[tuple[ast.expr, ast.expr, ast.expr]]:
        """Yield containers with the keys and the values of items that are set."""
        for node in self.of_kind(ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Subscript):
                    yield target.value, target.slice, node.value
        for call in self.calls:
            function = call.node.func
            if not isinstance(function, ast.Attribute):
                continue
            if function.attr in ("setdefault", "__setitem__") and len(call.arguments) == 2:
                yield function.value, call.arguments[0], call.arguments[1]
            if function.attr == "update":
                for name, given in call.keywords:
                    yield function.value, ast.copy_location(ast.Constant(name), given), given
            for each in call.arguments if function.attr == "update" else ():
                if isinstance(each, ast.Dict):
                    pairs = zip(each.keys, each.values, strict=True)
                    yield from ((function.value, key, value) for key, value in pairs if key)

    def _elsewhere(self, names: Iterable[str]) -> Iterator[str]:
        """Give names as other modules have them, by way of star imports too."""
        for name in names:
            yield name
            if "." not in name:
                yield from (f"{module}{name}" for module in self.expressions.wildcards)

    def _keys(self, *expressions: ast.expr, back: Back | None = None) -> dict[str, bool]:
        """Give the names of all that these take on, and whether they take on all of it.

        With a `back`, what its functions give or raise goes on only where they called each other.
        """
        found: dict[str, bool] = {}
        waiting: list[tuple[ast.expr, bool]] = [(each, True) for each in expressions]
        while waiting:
            expression, whole = waiting.pop()
            for written in self._summary(expression)[1]:
                key = written.removeprefix(_ITEM)
                all_of_it = whole and key is written
                if back and key in back.results and id(expression) not in back.nodes:
                    continue
                if key not in found or (all_of_it and not found[key]):
                    found[key] = all_of_it
                    if key == _FIELDS:
                        fields = (e for field in self._attributes for e in self._feeds[field])
                        waiting += ((each, all_of_it) for each in fields)
                    fed = self._fed(key, arms_of(expression))
                    if back and key in self._caught and id(expression) not in back.nodes:
                        fed = (each for each in fed if id(each) not in back.nodes)
                    waiting += ((each, all_of_it) for each in fed)
        return found

    def _fed(self, key: str, arms: Arms) -> Iterator[ast.expr]:
        """Give what a key takes on where it stands in these arms."""
        for each in self._feeds.get(key, ()):
            if not (is_local(key) and exclude_each_other(arms, arms_of(each))):
                yield each

    def feeding(self, expression: ast.expr) -> Iterator[ast.expr]:
        """Give the expressions whose labels this one takes on directly."""
        _, keys = self._summary(expression)
        for key in sorted({each.removeprefix(_ITEM) for each in keys}):
            yield from self._fed(key, arms_of(expression))
            yield from (source for _, source in self._given.get(key, ()))

    def feeds(self, key: str) -> list[ast.expr]:
        """Give the expressions that flow into a name, `.attribute` or `function()`."""
        return self._feeds.get(key, [])

    def text(self, *expressions: ast.expr) -> str:
        """Give the texts of these, one after the other."""
        return " ".join(map(self.expressions.text, expressions))

    def written_path(self, call: Call) -> ast.expr | None:
        """Give the path of the file that a call writes, or opens for writing."""
        function = call.node.func
        if isinstance(function, ast.Attribute) and function.attr == "open":
            opened = self._opened_path(call, function)
            if opened is not None:
                return opened
        if call.does(tables.OPENS) and call.arguments:
            mode = self.text(*call.arguments[1:2], *(v for k, v in call.keywords if k == "mode"))
            return call.arguments[0] if set(mode) & set("awx+") else None
        if call.does(tables.COPIES) and len(call.arguments) > 1:
            return call.arguments[1]
        if isinstance(function, ast.Attribute) and not self._is_module(function.value):
            if self._names(function.value) & _PRINTED:
                return None
            into_tar = function.attr in _ADDS and "tarfile.open()" in self._names(function.value)
            if function.attr in _WRITES or into_tar:
                return self._path_of(function.value)
        return None

    def _opened_path(self, call: Call, function: ast.Attribute) -> ast.expr | None:
        """Give the path of `path.open("w")`."""
        mode = self.text(*call.arguments[:1], *(v for k, v in call.keywords if k == "mode"))
        is_mode = 0 < len(mode) < 4 and set(mode) <= set("rwxabt+") and set(mode) & set("wxa+")
        return function.value if is_mode and not self._is_module(function.value) else None

    def _names(self, expression: ast.expr) -> frozenset[str]:
        return self.expressions.names(expression)

    def _describe(self, node: ast.Call) -> Iterator[Call]:
        names, hidden, of_tables = _known(self.expressions.names(node.func))
        keywords = tuple((each.arg or "", each.value) for each in node.keywords)
        yield Call(names, hidden, tuple(node.args), keywords, node, of_tables)
        if METHOD_CALLER in names and isinstance(node.func, ast.Call):
            made = frozenset(name.removesuffix("()") for name in self.expressions.names(node))
            called, hidden, of_called = _known(made)
            yield Call(called, hidden, tuple(node.func.args[1:]), (), node, of_called)
        for handed in _wrapped(node.func):
            wrapped, _, of_wrapped = _known(self.expressions.names(handed))
            if not of_wrapped.isdisjoint(_CALLED):  # `lru_cache(os.system)(x)`
                yield Call(wrapped, False, tuple(node.args), keywords, node, of_wrapped)
        # What is handed over is called later: `Thread(target=f, args=(x,))`, `register(f, x)`.
        given = dict(keywords)
        rest = given.get("args")
        for number, argument in enumerate((*node.args, *given.values())):
            if not isinstance(argument, ast.Name | ast.Attribute | ast.Call):
                continue
            later = self.expressions.names(argument)
            # A function's own variable that nothing is known of is in no table, and in no module.
            if not all(name.endswith("()") or is_local(name) for name in later):
                after = rest.elts if isinstance(rest, ast.Tuple | ast.List) else ()
                others = node.args[number + 1 :] if number < len(node.args) else node.args
                arguments = after if after else tuple(others)
                by_name = keywords if number < len(node.args) else ()  # `register(f, x, key=y)`
                names, _, of_tables = _known(later)
                if tables.STARTS in of_tables and not arguments:
                    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
                    arguments = (owner,) if owner else ()  # `series.map(os.system)`
                yield Call(names, False, tuple(arguments), by_name, node, of_tables)

    def _edges(self) -> Iterator[tuple[str, ast.expr]]:
        """Yield what flows where: a key and an expression whose labels it takes on."""
        for assigned in (self.expressions.values, self.expressions.loops):
            for key, values in assigned.items():
                for value in values:
                    yield key, value
        for node in self.of_kind(ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Subscript):
                    for key in self._targets(target.value):
                        yield key, node.value
                elif isinstance(target, ast.Attribute):
                    for key in self._targets(target):
                        yield key, node.value
        for call in self.calls:
            yield from self._edges_of(call)
        yield from self._edges_between()
        yield from HiddenWays(self.nodes, self.expressions).ways()
        for function in self.functions:
            if any(_PROPERTIES & self.expressions.names(each) for each in function.decorator_list):
                for value in self.expressions.values.get(f".{function.name}()", ()):
                    yield f".{function.name}", value

    def _edges_of(self, call: Call) -> Iterator[tuple[str, ast.expr]]:
        function = call.node.func
        if (
            isinstance(function, ast.Attribute)
            and _MUTATOR.fullmatch(function.attr)
            and not self._is_module(function.value)
        ):
            root: ast.expr = function.value
            while isinstance(root, ast.Attribute):  # `session.headers.update(…)`
                root = root.value
            of_root = [] if self._is_module(root) else targets(root)
            for key in {*self._targets(function.value), *of_root}:
                for argument in call.everything:
                    yield key, argument
        if isinstance(function, ast.Attribute) and function.attr in _SAVES:
            # `picture.save(file)`, `json.dump(data, file)`
            values = [function.value, *call.arguments]
            for target in call.arguments[:2]:
                written = self._path_of(target)
                for key in (*targets(target), *(self._keys_of_path(written) if written else ())):
                    for value in values:
                        yield key, value
        path = self.written_path(call)
        if path is not None and not call.does(tables.OPENS):
            sources = call.arguments[:1] if call.does(tables.COPIES) else call.everything
            for key in self._keys_of_path(path):
                for argument in sources:
                    yield key, argument
        first, *others = call.arguments or (None,)
        if "shutil.make_archive" in call.names and first:
            for key in self._keys_of_path(first):
                for argument in others:
                    yield key, argument
        if "shutil.copyfileobj" in call.names and len(call.arguments) > 1:
            written = self._path_of(call.arguments[1])
            for key in self._keys_of_path(written) if written else ():
                yield key, call.arguments[0]
        for function_called in self.expressions.called_here(call.node):
            yield from parameters_given(function_called, call.node)
        yield from self._edges_of_later(call.node)
        for name in call.names & self.expressions.fields.keys():
            if name not in self.expressions.functions:  # a dataclass or the like
                for field, argument in zip(
                    self.expressions.fields[name], call.arguments, strict=False
                ):
                    yield f".{field}", argument
                for keyword, argument in call.keywords:
                    yield f".{keyword}", argument

    def _edges_of_later(self, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
        """Yield what functions are given that a call is given, as a thread or a pool is."""
        named = {each.arg: each.value for each in call.keywords}
        for number, argument in enumerate((*call.args, *named.values())):
            if not isinstance(argument, ast.Name | ast.Attribute):
                continue
            functions = self._functions_named(argument)
            if not functions:
                continue
            rest = named.get("args")
            after = rest.elts if isinstance(rest, ast.Tuple | ast.List) else []
            by_name = named.get("kwargs")
            keywords = [each for each in call.keywords if each.value is not argument]
            if isinstance(by_name, ast.Dict):
                keywords += [
                    ast.keyword(key.value, value)
                    for key, value in zip(by_name.keys, by_name.values, strict=True)
                    if isinstance(key, ast.Constant) and isinstance(key.value, str)
                ]
            given = after or call.args[number + 1 :]
            for function, bound in functions:
                if bound:  # it has some of its arguments already
                    names = [each.arg for each in arguments_of(function.args)]
                    yield from ((name, each) for name in names for each in given)
                yield from parameters_given(function, ast.Call(argument, given, keywords))
                for each in given:
                    if isinstance(each, ast.Tuple | ast.List):  # `Timer(1, f, [a, b])`
                        yield from parameters_given(function, ast.Call(argument, each.elts, []))

    def _edges_between(self) -> Iterator[tuple[str, ast.expr]]:
        """Yield what functions are given by each other that one call is given, or decorates."""
        together: dict[int, list[Function]] = {}
        for call in self.of_kind(ast.Call):
            for value in (*call.args, *(each.value for each in call.keywords)):
                if isinstance(value, ast.Name) and not self.expressions.called_here(call):
                    named = self.expressions.functions.get(value.id, ())
                    together.setdefault(id(call), []).extend(named)
        for function in self.functions:
            for decorator in function.decorator_list:
                if id(decorator) in together:
                    together[id(decorator)].append(function)
        for functions in together.values():
            for function in functions:
                for other in functions:
                    for value in returns_of(other) if other is not function else ():
                        yield from ((each.arg, value) for each in arguments_of(function.args))

    def _functions_named(self, handed: ast.expr) -> list[tuple[Function, bool]]:
        """Give the functions of this file that are handed over, and whether as a part of one."""
        functions = self.expressions.functions
        if isinstance(handed, ast.Name) and handed.id in functions:
            return [(each, False) for each in functions[handed.id]]
        if isinstance(handed, ast.Attribute):
            owner = handed.value
            own = isinstance(owner, ast.Name) and plain(owner.id) in ("self", "cls")
            return [(each, False) for each in functions.get(f".{handed.attr}", ())] if own else []
        return [
            (each, True)
            for name in self.expressions.names(handed)
            for each in functions.get(name, ())
        ]

    def _targets(self, expression: ast.expr) -> list[str]:
        """Name what is assigned to, or read: `sys.path` is no `.path` of an object."""
        base = expression.value if isinstance(expression, ast.Attribute) else None
        if isinstance(base, ast.Name) and self._is_module(base):
            module = self.expressions.imports[base.id]
            if module.partition(".")[0] in sys.stdlib_module_names:
                return [f"{module}{key}" for key in targets(expression)]
        return targets(expression)

    def _fetched_to(self, call: Call) -> Iterator[ast.expr]:
        """Yield the path to which a program such as `curl`, which this starts, fetches a file."""
        words: list[ast.expr] = []
        for given in call.arguments[:1]:
            if isinstance(given, ast.JoinedStr):
                words = given.values
            elif isinstance(given, ast.List | ast.Tuple):
                words = given.elts
        if not (words and _FETCHES.match(self.text(words[0]).rpartition("/")[2])):
            return
        for option, path in pairwise(words):
            if _TO_FILE.search(self.text(option)):
                yield path.value if isinstance(path, ast.FormattedValue) else path

    def _is_module(self, expression: ast.expr) -> bool:
        """Whether this is a module, such as `os` in `os.write(…)`, which keeps nothing."""
        return (
            isinstance(expression, ast.Name)
            and expression.id in self.expressions.imports
            and expression.id not in self.expressions.values
        )

    def _labels_given(self) -> Iterator[tuple[str, Label, ast.expr]]:
        """Yield labels that are there from the beginning, with what gives them."""
        for call in self.calls:
            if call.does(tables.RECEIVES):
                kept = [value for key, value in call.keywords if key in _KEPT_IN]
                of_bucket = any(name.endswith(".download_file") for name in call.names)
                for path in (*(call.arguments[2:3] if of_bucket else call.arguments[1:2]), *kept):
                    if any(name.endswith(_KEEP) for name in call.names):
                        for key in self._keys_of_path(path):
                            yield key, Label.DOWNLOADED, call.node
            for path in self._fetched_to(call) if call.does(tables.STARTS) else ():
                for key in self._keys_of_path(path):
                    yield key, Label.DOWNLOADED, call.node
            if _adds_to_all_logs(call, self._names):
                for value in call.arguments:
                    for argument in self._methods_of(value, "emit"):
                        yield argument.arg, Label.OVERHEARD, call.node
            if call.does(tables.INTERCEPTS):
                for function in self._given_or_decorated(call):
                    for each in arguments_of(function.args):
                        yield each.arg, Label.OVERHEARD, call.node
        for block in self.of_kind(ast.ClassDef):
            for method in block.body if block.bases else ():
                if isinstance(method, Function) and method.name in _HEARS:
                    for each in arguments_of(method.args):
                        yield each.arg, Label.DOWNLOADED, block.bases[0]
        for key, values in self.expressions.values.items():
            for value in values if key in _STREAMS else ():
                if isinstance(value, ast.Call):
                    for each in self._methods_of(value, "write"):
                        yield each.arg, Label.OVERHEARD, value
            for value in values if key == _HEARS_MESSAGES else ():
                for function, _ in self._functions_named(value):
                    for each in arguments_of(function.args):
                        yield each.arg, Label.DOWNLOADED, value
            for value in values if key.startswith(".") else ():
                yield from self._intercepted(value)
        for call in self.calls:
            if "setattr" in call.names and len(call.arguments) == 3:
                yield from self._intercepted(call.arguments[2])
        for node in self.of_kind(ast.Assign):
            name = node.value.id if isinstance(node.value, ast.Name) else ""
            blocks = [each for each in self.of_kind(ast.ClassDef) if name and each.name == name]
            if blocks and any(map(self._is_of_another_package, node.targets)):
                methods = (f for block in blocks for f in block.body if isinstance(f, Function))
                for each in (argument for f in methods for argument in arguments_of(f.args)):
                    yield each.arg, Label.INTERCEPTED, node.value

    def _is_of_another_package(self, target: ast.expr) -> bool:
        """Whether this is an attribute of what was imported from another package."""
        if not isinstance(target, ast.Attribute):
            return False
        roots = {name.partition(".")[0] for name in self.expressions.names(target.value)}
        imported = self.expressions.roots
        return any(each and each in imported and not self.is_own(each) for each in roots)

    def _intercepted(self, value: ast.expr) -> Iterator[tuple[str, Label, ast.expr]]:
        """Yield what a function takes that is kept as an attribute, or one that a call makes."""
        made: list[Function | ast.Lambda] = []
        if isinstance(value, ast.Call):
            made += self.expressions.called_here(value)
            if not made:
                made += (each for each, _ in self._functions_named(value.func))
        returned = (
            each
            for f in made
            for each in self.expressions.values.get(f"{getattr(f, 'name', '')}()", ())
        )
        for each in (value, *returned):
            if isinstance(each, ast.Call) and each.args and _WRAPPERS & self._names(each.func):
                each = each.args[0]  # what is wrapped
            name = each.id if isinstance(each, ast.Name) else ""
            for function in self.expressions.functions.get(name, ()):
                for argument in arguments_of(function.args):
                    yield argument.arg, Label.INTERCEPTED, value

    def _methods_of(self, made: ast.expr, method: str) -> Iterator[ast.arg]:
        """Give what a method takes in a class of this file that an object is made of."""
        for value in self.feeds(made.id) if isinstance(made, ast.Name) else [made]:
            name = getattr(value.func, "id", "") if isinstance(value, ast.Call) else ""
            for block in self.of_kind(ast.ClassDef) if name else ():
                for each in block.body if block.name == name else ():
                    if isinstance(each, Function) and each.name == method:
                        yield from arguments_of(each.args)

    def _given_or_decorated(self, call: Call) -> Iterator[Function]:
        """Give the functions of this file that a call is given, or that it decorates."""
        for value in call.everything:
            if isinstance(value, ast.Name):
                yield from self.expressions.functions.get(value.id, ())
        for function in self.functions:
            if any(each is call.node for each in function.decorator_list):
                yield function

    def _decodes_nothing(self, call: ast.Call) -> bool:
        """Whether what is decoded is the empty text alone: a place in a template."""
        name = call.args[0] if len(call.args) == 1 else None
        values = self.feeds(name.id) if isinstance(name, ast.Name) else []
        return (
            bool(values)
            and all(isinstance(each, ast.Constant) and each.value in ("", b"") for each in values)
            and any(each in tables.DECODES_TEXT for each in self.expressions.names(call.func))
        )

    def _path_of(self, expression: ast.expr) -> ast.expr | None:
        """Give the path of an opened file, or a path object itself."""
        if isinstance(expression, ast.Call):
            names = self.expressions.names(expression.func)
            if any(name in tables.OPENS for name in names):
                inside = [each.value for each in expression.keywords if each.arg == "fileobj"]
                return (*inside, *expression.args, expression)[0]
            function = expression.func
            if isinstance(function, ast.Attribute) and function.attr == "open":
                return function.value  # of `path.open("a")`
            return expression
        if isinstance(expression, ast.Name):
            for value in self.expressions.values.get(expression.id, ()):
                if isinstance(value, ast.Call):
                    return self._path_of(value)
        return expression

    def _keys_of_path(self, path: ast.expr) -> list[str]:
        text = self.expressions.text(path)
        keys = targets(path)
        return [*keys, f"file {text}"] if len(text.replace(UNKNOWN, "")) > 3 else keys

    def _summary(self, expression: ast.expr) -> tuple[set[Label], Keys]:
        key = id(expression)
        if key not in self._summaries:
            labels: set[Label] = set()
            keys: Keys = set()
            self._collect(expression, labels, keys, read=False)
            self._summaries[key] = labels, keys
        return self._summaries[key]

    def _collect(self, node: ast.AST, labels: set[Label], keys: Keys, *, read: bool) -> None:
        """Add the labels that an expression has by itself, and the keys that give it more.

        `read` says that the text of a surrounding expression was looked at already.
        """
        if isinstance(node, ast.Compare | ast.Lambda):
            return
        if isinstance(node, ast.expr) and not isinstance(node, _CONTAINERS) and not read:
            read = self._read_text(node, labels, keys)
        if isinstance(node, ast.Constant) and _HEADER.fullmatch(str(node.value)):
            labels |= {Label.DOWNLOADED, Label.REQUEST}
        if isinstance(node, ast.Name):
            keys.add(node.id)
            self._look_up(node, labels)
        elif isinstance(node, ast.Attribute):
            keys.update(key for key in self._targets(node) if isinstance(node.value, ast.Name))
            self._look_up(node, labels)
            if node.attr == "__dict__":
                keys.add(_FIELDS)
            if node.attr in _VARIABLES_OF_OTHERS:
                labels |= {Label.SECRET, Label.IDENTITY}
            if node.attr == "rfile":  # of a request to a server
                labels.add(Label.DOWNLOADED)
            if node.attr == "user_ns":  # all that a notebook has
                labels |= {Label.SECRET, Label.LOOT}
            of_flask = node.attr in _GIVEN_BY_FLASK and "flask.request" in self.expressions.names(
                node.value
            )
            if of_flask or (node.attr in _GIVEN_BY_REQUESTS and _is_a_request(node.value)):
                labels |= {Label.DOWNLOADED, Label.REQUEST}
            if _WHOLES & self.expressions.names(node.value):
                return
        elif isinstance(node, ast.Call):
            if self._is_environment(node.func) or self._is_environment(node):
                return
            if self._gives_no_code(node):
                return
            if self._decodes_nothing(node):
                labels.add(Label.DECODED)
                return
            self._collect_call(node, labels, keys)
            function = node.func
            if isinstance(function, ast.Name) and self._gives_what_it_returns(function.id):
                return
            given_back = self._given_back(node)
            if given_back is not None:
                self._collect(function, labels, keys, read=read)
                for value, whole in given_back:
                    if whole:
                        self._collect(value, labels, keys, read=read)
                    else:
                        self._collect_item(value, labels, keys, read=read)
                return
            if (
                isinstance(function, ast.Attribute)
                and function.attr in _TAKES_AN_ITEM
                and node.args
                and not self._is_module(function.value)
            ):
                self._collect_item(function.value, labels, keys, read=read)
                for each in (*node.args, *node.keywords):
                    self._collect(each, labels, keys, read=read)
                return
        elif isinstance(node, ast.Subscript):
            if _ENVIRONMENT & self.expressions.names(node.value):
                if self._reads_each(node.slice):
                    labels |= {Label.SECRET, Label.LOOT}
                return
            if _ENVIRONMENT & self.expressions.names(node):  # `vars(os)["environ"]`
                labels |= {Label.SECRET, Label.LOOT}
            cut = node.slice
            if isinstance(cut, ast.Slice):
                if cut.step and self._is_text(node.value):
                    labels.add(Label.DECODED)
            else:
                self._collect_item(node.value, labels, keys, read=read)
                self._collect(cut, labels, keys, read=read)
                return
        elif isinstance(node, _CONTAINERS):
            if self._gathers(node):
                labels.add(Label.GATHERED)
        elif isinstance(node, ast.DictComp | ast.ListComp | ast.SetComp | ast.GeneratorExp):
            if self._chooses(node):
                return
            if any(self._looks_for_secrets(each) for part in node.generators for each in part.ifs):
                labels |= {Label.SECRET, Label.LOOT}
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
            labels.add(Label.DECODED)
        for child in children(node):
            if not (isinstance(child, ast.keyword) and self._is_its_environment(child, node)):
                self._collect(child, labels, keys, read=read)

    def _given_back(self, call: ast.Call) -> list[tuple[ast.expr, bool]] | None:
        """Give what a function of another module gives back of what it is given.

        Returns:
            Each with whether that is all of it; None when the function is not known.
        """
        names = self.expressions.names(call.func)
        known = self._others.gives(min(names)) if self._others and len(names) == 1 else None
        if known is None:
            return None
        keywords = tuple((each.arg or "", each.value) for each in call.keywords)
        given = Call(names, False, tuple(call.args), keywords, call, frozenset())
        return [(value, use.whole) for use in known for value in use.takes(given)]

    def _reads_each(self, key: ast.expr) -> bool:
        """Whether this is the name of one variable of the environment after the other."""
        looped = self.expressions.loops.get(key.id, ()) if isinstance(key, ast.Name) else ()
        return any(_ENVIRONMENT & self.expressions.names(each) for each in looped)

    def _gives_what_it_returns(self, name: str) -> bool:
        """Whether what comes back from a function of this file is known from its statements."""
        functions = self.expressions.functions.get(name, ())
        return (
            len(functions) == 1
            and name not in self.expressions.classes
            and name not in self.expressions.imports
            and name not in self.expressions.values
            and not functions[0].decorator_list
            and bool(self.expressions.values.get(f"{name}()"))
        )

    def _collect_item(self, node: ast.expr, labels: set[Label], keys: Keys, *, read: bool) -> None:
        """Add what one item of an expression may hold."""
        if _WHOLES & self.expressions.names(node):
            return
        of_item: set[Label] = set()
        from_item: Keys = set()
        self._collect(node, of_item, from_item, read=read)
        labels |= of_item - {Label.GATHERED}
        keys.update(key if key.startswith(_ITEM) else _ITEM + key for key in from_item)

    def _chooses(self, node: ast.DictComp | ast.ListComp | ast.SetComp | ast.GeneratorExp) -> bool:
        """Whether this takes only those variables of an environment that begin with a name."""
        asked = [test for part in node.generators for test in part.ifs]
        for test in asked:  # it grows meanwhile
            if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
                asked += test.values
            elif isinstance(test, ast.Call) and getattr(test.func, "attr", "") == "startswith":
                names = self.expressions.text(test.args[0]).split("\n") if test.args else []
                if names and all(map(_is_of_no_secret, names)):
                    return True
        return False

    def _gathers(self, container: ast.List | ast.Tuple | ast.Set | ast.Dict) -> bool:
        """Whether secrets of several services stand in a list or a dictionary."""
        parts = container.values if isinstance(container, ast.Dict) else container.elts
        if len(parts) < _SEVERAL:
            return False
        named = [_services_of(self.expressions.text(each)) for each in parts]
        known = [each for each in named if each]
        return len(known) >= _SEVERAL and len(frozenset().union(*known)) >= _SEVERAL

    @cached_property
    def _attributes(self) -> Keys:
        """The attributes that objects of this file hold."""
        return {key for key in self._feeds if key.startswith(".") and not key.endswith("()")}

    def _is_its_environment(self, given: ast.keyword, call: ast.AST) -> bool:
        """Whether this is the environment that a program is started in, which it doesn't give back.

        What one prints that only shows its environment is what `_collect_call` says. A thread may
        start it: `to_thread(subprocess.run, …, env=…)`, and so may a class that is made of `Popen`.
        """
        if given.arg != "env" or not isinstance(call, ast.Call):
            return False
        functions = (call.func, *call.args[:2])
        named = [name for f in functions for name in self.expressions.names(f)]
        return any(
            name.endswith("Popen") or tables.STARTS in tables.with_name(name) for name in named
        )

    def _is_text(self, node: ast.expr) -> bool:
        """Whether this may be a text that is turned round; lists are what most calls give."""
        if isinstance(node, ast.Call):
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            return method in _GIVE_TEXT or self.expressions.text(node) != UNKNOWN
        return not isinstance(node, ast.List | ast.Tuple)

    def _gives_no_code(self, call: ast.Call) -> bool:
        """Whether this makes a digest, in which nothing can be read, or a few bytes of numbers."""
        names = self.expressions.names(call.func)
        if names and all(map(_DIGEST.fullmatch, names)):
            return True
        packs = names == {"struct.pack"} and call.args
        return bool(packs and _FEW_NUMBERS.fullmatch(self.text(call.args[0])))

    def _is_environment(self, node: ast.expr) -> bool:
        """Whether this reads one variable of the environment, as its text tells."""
        if isinstance(node, ast.Call):
            return any(name == "os.getenv" for name in self.expressions.names(node.func))
        return (
            isinstance(node, ast.Attribute)
            and node.attr in _READ_ENVIRONMENT
            and bool(_ENVIRONMENT & self.expressions.names(node.value))
        )

    def _read_text(self, node: ast.expr, labels: set[Label], keys: Keys) -> bool:
        text = self.expressions.text(node)
        if not text.strip(UNKNOWN):
            return False
        labels |= _of_text(with_plain_hosts(text))
        if _SECRET_NAME.search(text) and self._reads_several(node, text):
            labels.add(Label.GATHERED)
        keys.add(f"file {text}")
        # What is asked for is not all that a request has.
        return not (isinstance(node, ast.Call) and _REQUEST & self.expressions.names(node.func))

    def _reads_several(self, node: ast.expr, text: str) -> bool:
        """Whether secrets of several services come together here, in one text or one after another.

        Of what a name may stand for, only one is there.
        """
        if any(len(_services_of(line)) >= _SEVERAL for line in text.split("\n")):
            return True
        key: ast.expr | None = None
        if isinstance(node, ast.Call) and node.args:
            key = node.args[0]
        elif isinstance(node, ast.Subscript):
            key = node.slice
        read_in_turn = isinstance(key, ast.Name) and key.id in self.expressions.loops
        return read_in_turn and len(_services_of(text)) >= _SEVERAL

    def _look_up(self, node: ast.expr, labels: set[Label]) -> None:
        names = self.expressions.names(node)
        if names & _ENVIRONMENT or names & _WHOLES:
            labels |= {Label.SECRET, Label.LOOT}
        if "sys.argv" in names:
            labels.add(Label.HOST_FACTS)
        if any(map(self._is_where_another_is, names)):
            labels.add(Label.OTHER_PACKAGES)
        if self._others is not None:
            for name in self._elsewhere(names):
                labels |= self._others.labels(name)
        labels |= _of_tables(tables.with_any(names))

    def _template(self, call: ast.Call) -> str:
        """Give the text that a call puts values into."""
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        given = [each for each in (owner, *call.args[:1]) if isinstance(each, ast.Constant)]
        return self.text(*given)

    def _looks_for_secrets(self, node: ast.expr) -> bool:
        """Whether this finds what a pattern for secrets of several kinds fits."""
        if not (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _FINDS
        ):
            return False
        owner = node.func.value
        compiled = self.expressions.values.get(getattr(owner, "id", ""), ())
        patterns = [node] if self._is_module(owner) else [owner, *compiled]
        texts = [self.text(*each.args[:1]) for each in patterns if isinstance(each, ast.Call)]
        kinds = {kind.lower() for text in texts for kind in _KINDS_OF_SECRETS.findall(text)}
        return len(kinds) > 1

    def _is_where_another_is(self, name: str) -> bool:
        """Whether this is the place of a module that is none of the package."""
        module, _, where = name.partition(".__")
        return where in _PLACES and bool(module) and not self.is_own(module.partition(".")[0])

    def _names_a_server(self, node: ast.Call) -> bool:
        """Whether a call is given the address of something that it connects to."""
        if node.args and _OF_A_SERVER.match(self.text(node.args[0])):
            return True
        named = (each.value for each in node.keywords if each.arg in _SERVERS)
        return any(_HOST_NAME.search(self.text(each)) for each in named)

    def _gives_keys_of_aws(self, method: str, call: ast.Call) -> bool:
        """Whether a method of such a name is one of AWS's libraries, as far as the imports say."""
        if _OF_AWS.isdisjoint(self.expressions.roots):
            return False
        return method != _COMPONENT or "credential" in self.text(*call.args[:1])

    def _of_tcl(self, names: frozenset[str], call: ast.Call) -> bool:
        """Whether this asks Tcl, which has its own variable for the environment."""
        asks = any(name.startswith(_TCL) for name in names)
        return asks and bool(_ENV_OF_TCL.search(self.text(*call.args)))

    def _collect_call(self, node: ast.Call, labels: set[Label], keys: Keys) -> None:
        if isinstance(node.func, ast.Name):
            keys.add(f"{node.func.id}()")
        elif isinstance(node.func, ast.Attribute):
            keys.add(f".{node.func.attr}()")
            if node.func.attr == "encrypt":
                labels.add(Label.ENCRYPTED)
        called = self.expressions.names(node.func)
        keys.update(f"{name}()" for name in called if name in self.expressions.functions)
        names, _, of_tables = _known(called)
        labels |= _of_tables(of_tables)
        if "vars" in names:
            labels |= _of_tables(tables.with_any(self.expressions.names(node)))
        method = last_name(node.func)
        if names & _TO_FIELDS or method in _TO_FIELDS_BY_METHOD:
            keys.add(_FIELDS)
        if method in ("findall", "finditer") and self._looks_for_secrets(node):
            labels |= {Label.SECRET, Label.LOOT}
        if self._names_a_server(node):
            labels.add(Label.FETCHED)
        if method.startswith("recv"):
            labels.add(Label.DOWNLOADED)
        if method in ("format", "format_map", "vformat", "get_field") and (
            _SHOWS_ENVIRONMENT.search(self._template(node))
        ):
            labels |= {Label.SECRET, Label.LOOT}
        if any(getattr(each, "value", "") in _ENVIRONMENT_BY_TEXT for each in node.args):
            labels |= {Label.SECRET, Label.LOOT}  # `patch.dict("os.environ")`
        if self._of_tcl(names, node):
            labels |= {Label.SECRET, Label.LOOT}
        if method in _GIVE_KEYS_OF_AWS and self._gives_keys_of_aws(method, node):
            labels.add(Label.SECRET)
        if method == "hex" and not node.args:
            labels.add(Label.DISGUISED)
        if method == "get_paginator" and _LISTS_SECRETS.search(self.text(*node.args[:1])):
            labels |= {Label.SECRET, Label.LOOT}
        if method in _QUERIES and any(
            _RECORDS_OF_SECRETS & self.expressions.names(each) for each in node.args
        ):
            labels |= {Label.SECRET, Label.LOOT}
        if tables.STARTS in of_tables and node.args:
            command = self.expressions.text(node.args[0])
            if tables.SECRET_COMMANDS.search(command.replace("\n", " ")):
                labels |= {Label.SECRET, Label.IDENTITY}
            if any(map(_CLIPBOARD.fullmatch, command.split("\n"))):
                labels.add(Label.CLIPBOARD)
            if tables.PRINTS_ENVIRONMENT.match(command):
                labels |= {Label.SECRET, Label.LOOT}
        if tables.WALKS in of_tables and node.args:
            tops = self.expressions.text(node.args[0]).split("\n")
            if any(map(tables.HOME_OR_ROOT.fullmatch, tops)):
                labels |= {Label.SECRET, Label.LOOT}
        if tables.RESOURCES in of_tables and node.args:
            package = self.expressions.text(node.args[0]).partition(".")[0]
            if package.isidentifier() and not self.is_own(package):
                labels.add(Label.ANOTHERS)
        if "int" in names and len(node.args) > 1:  # `int(bits, 2)`
            labels.add(Label.DECODED)
