"""What only malicious packages do as soon as they are installed, imported, or Python starts.

GuardDog's rules look for words. These follow the data: what is downloaded and then run, what is
read on this machine and then sent, and the like, in the code that runs by itself. Nothing of a
package is run for that.
"""

import ast
import itertools
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from packaging.utils import canonicalize_name

from package_gate.core.addresses import addresses_in
from package_gate.core.finding import fingerprint_of
from package_gate.core.folding import CUT, UNKNOWN
from package_gate.core.import_time import running_nodes
from package_gate.core.nodes import last_name
from package_gate.core.pickles import CALLS_WHEN_LOADED
from package_gate.core.receivers import has_no_name, is_for_strangers, stays_home
from package_gate.core.scopes import plain, unparsed
from package_gate.core.syntax import NotPythonError, TooHardError, parse
from package_gate.core.text import one_line
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.confidences import of_confidences
from package_gate.scanners.behaviour.connections import of_connections
from package_gate.scanners.behaviour.copies import of_copies
from package_gate.scanners.behaviour.dataflow import Call, Flow, Label, Others
from package_gate.scanners.behaviour.endings import is_run_by_nobody
from package_gate.scanners.behaviour.fetched import (
    FETCHES,
    of_fetching,
    of_what_is_fetched,
    runs_by_name,
)
from package_gate.scanners.behaviour.handed_over import of_commands_handed_over
from package_gate.scanners.behaviour.hidden_addresses import of_hidden_addresses
from package_gate.scanners.behaviour.installs import installed_for_others, is_option
from package_gate.scanners.behaviour.lasting import of_lasting_places
from package_gate.scanners.behaviour.own_files import (
    OwnFiles,
    libraries_named_by,
    named_by,
    of_another_language,
)
from package_gate.scanners.behaviour.own_programs import of_own_programs
from package_gate.scanners.behaviour.pages import of_pages
from package_gate.scanners.behaviour.readings import of_readings
from package_gate.scanners.behaviour.replacements import of_replacements
from package_gate.scanners.behaviour.requirements import (
    is_of_a_stranger,
    of_an_extra,
    own_extras,
    without_comments,
)
from package_gate.scanners.behaviour.roundabout import of_roundabout_calls
from package_gate.scanners.behaviour.sabotage import of_sabotage
from package_gate.scanners.behaviour.sending import (
    ON_THE_QUIET,
    is_loot,
    is_sent_there,
    of_copied_calls,
    of_quiet_sends,
    sent,
)
from package_gate.scanners.behaviour.strangers import of_secrets_beside_strangers
from package_gate.scanners.behaviour.worked_out import is_worked_out

_MAX_DEPTH = 2
_DATA_IN_A_NAME = re.compile(rf"[{UNKNOWN}%][^\s{UNKNOWN}%/]*\.[a-z0-9-]+\.[a-z]{{2}}")
"""Below a domain that somebody can have: `HOST.local` and `HOST.lan` are names at home."""
_HOSTS = {"host", "hostname", "server_hostname", "server_name", "server", "sni"}
"""Arguments that name a host."""
_MACROS = "define_macros"
_HOME_IN_A_MACRO = re.compile(r"(?:^|[\"'\s])~(?:$|[\"'/\s])")
_LONG_SPACE = re.compile(r";[ \t]{100}")
_FAR_RIGHT = re.compile(r"\S[ \t]*;[ \t]{100,}[^\s#]")
_INVISIBLE = re.compile(
    "[\ufe00-\ufe0f\U000e0100-\U000e01ef]{8}|[\u200b-\u200d\u2060-\u2064\U000e0020-\U000e007f]{8}"
)
"""Runs of letters that nobody sees, in which a text can be written."""
_FAR = re.compile(r"(?:https?|ftp|s3|gs)://", re.IGNORECASE)
"""How the name of a file begins that is somewhere else."""
_TEMPORARY = re.compile(r"(?:/var)?/tmp/|/dev/shm/")
"""How the name of a folder begins that everybody may write to."""
_KEPT_BY_PROGRAMS = re.compile(r"~/(?:\.[\w-]+|Library/Application Support|AppData/\w+)/")
"""Where a program has files of its own in somebody's folder."""
_MEMORY = re.compile(r"/proc/(?!(?:self|thread-self)/).{1,200}/mem$", re.DOTALL)
_SILENT = {"subprocess.DEVNULL", "subprocess.CREATE_NO_WINDOW", "subprocess.DETACHED_PROCESS"}
_SINKS = frozenset(
    {
        *(tables.RUNS, tables.LOADS, tables.LOADS_A_FILE, tables.SENDS, tables.DELIVERS),
        *(tables.SHOWS, tables.LOOKS_UP, tables.REMOVES),
    }
)
_BY_ADDRESS = re.compile(
    r"(?:^|[@\s])\s*(?:(?:git|hg|svn|bzr)\+|https?:|ftp:|file:)[^\n]", re.MULTILINE | re.IGNORECASE
)
"""A requirement, one a line, that comes from elsewhere than the index."""
_SETUP_REQUIRES = "setup_requires"
_INSTALL_REQUIRES = {"install_requires", "dependencies"}
"""How setuptools, and Hatch and PDM, call what a release requires."""
_ADDS = ("append", "extend", "insert", "__iadd__")
_TAKES_REQUIREMENTS = ("fetch_build_eggs", "_get_build_requires")
"""Functions of setuptools that are given what a build needs."""
_BUILDS = ("setuptools", "distutils", "hatchling")
_BUILD_REQUIRES = {_SETUP_REQUIRES, "dependency_links"}
"""Options of setuptools that name what it fetches for a build, and where from."""
_LOGS = {
    *("debug", "info", "warning", "warn", "error", "critical", "fatal", "exception", "log"),
    *("emit", "handle", "makeRecord", "makeLogRecord", "send"),
}
"""What hands something to a handler of `logging`."""
_TO_ADDRESS = (
    rf"\s[^|;&]{{0,120}}?(?:https?://|ssh://|git@)[^\s/{UNKNOWN}%]+\.[^\s/{UNKNOWN}%]+[:/]"
)
_GIT_AWAY = re.compile(
    rf"\bgit\s(?:[^|;&]{{0,80}}?\s)?(?:push|remote\s+(?:add|set-url)){_TO_ADDRESS}"
)
"""What brings a repository to an address that stands in the code, or will do so."""
_PUSHES_AWAY = re.compile(rf"\bgit\s(?:[^|;&]{{0,80}}?\s)?(?:--)?push{_TO_ADDRESS}")
_COINS = re.compile(r"\bbc1\S{0,20}\[|0x\[(?:0-9|a-f|A-F)+\]\{40\}|[1T]\[[0-9A-Za-z-]+\]\{3[0-9]")
"""In patterns that fit addresses of coins."""
_MINES_FOR = re.compile(
    r"(?:^|\s)-u\s+\S{8,}\s.{0,100}-o\s+\S+:\d{2,5}\b|(?:^|\s)-o\s+\S+:\d{2,5}\s.{0,100}-u\s+\S{8,}"
)
"""Somebody's account at a pool, as miners are told."""
_MINER = re.compile(r"--cpu-max-threads-hint|--donate-level|stratum\+(?:tcp|ssl|tls)://")
_NEAR = 1
"""Steps from what is decoded to a command, at most."""
_NEARBY = 4
"""From what is fetched or decoded to another module's function that runs it: all that a large
program holds leads to all that it does."""
_GIT_HOOK = re.compile(r"\.git[\\/]hooks[\\/]")
_CALLS_OUT = re.compile(
    rf"\b(?:{tables.FETCH}|git\s+(?:-\S+\s+)*push\b).{{1,200}}?https?://", re.IGNORECASE | re.DOTALL
)
_RUNS_OR_READS_INSIDE = re.compile(r"\b(?:exec|eval)\s*\(|\benviron\b|[~/]\.(?:ssh|aws)\b")
_OF_TEXTS = ("runs-downloaded-code", "sends-secrets")
"""What code in a text does that somebody will run."""
_FETCHES_INSIDE = re.compile(r"urlopen|requests|https?:|socket")
_COMMAND_KEYS = {"command", "argv", "cmd"}
"""What hosts call the command in a setting that they start."""
_SUBCLASSES = {"__base__", "__bases__", "__mro__"}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Something that code does which runs by itself."""

    rule: str
    """One of `behaviour.RULES`."""
    line: int
    code: str
    """The call, shortened."""
    fingerprint: str = ""
    """What identifies the flow that leads there, see `fingerprints`; "" for none."""
    waits: bool = False
    """Whether it waits for somebody to call a function."""


@dataclass(frozen=True, slots=True)
class Sink:
    """Where in a file's syntax something was found."""

    behaviour: Behaviour
    nodes: tuple[ast.expr | ast.stmt, ...]
    """The call, or those that show it together; none when it is about the whole file."""


def behaviours(
    source: str,
    *,
    whole: bool,
    at_start: bool = False,
    called: frozenset[str] = frozenset(),
    own: OwnFiles | None = None,
    others: Others | None = None,
) -> list[Behaviour]:
    """Find what the code of a Python file does by itself.

    Args:
        source: its code, as `read_source` gives it. What can't be looked at is `unreadable-code`,
            but `not-python` when no Python parses it, which can't run then either.
        whole: all functions are taken to run, as in `setup.py`.
        at_start: it runs whenever Python starts.
        called: functions and classes that something outside calls.
        own: the package's files; without them it is not told which of them are run.
        others: the package's other modules.
    """
    try:
        found, flow = sinks(
            parse(source), whole=whole, at_start=at_start, called=called, others=others
        )
        of_package: list[Behaviour] = []
        if own:
            ran = running_data(flow, own, whole=whole)
            of_package = [each.sink.behaviour for each in ran]
            of_package += _own_libraries(flow, own)
            of_package += _installed(flow, own, whole=whole)
            of_package += _own_programs(flow, own)
        return [*(each.behaviour for each in found), *of_package]
    except NotPythonError:
        return [Behaviour("not-python", 1, "")]
    except TooHardError as error:
        return [Behaviour("unreadable-code", 1, str(error))]
    except (RecursionError, MemoryError):
        return [Behaviour("unreadable-code", 1, "it is nested too deeply, or too large")]


@dataclass(frozen=True, slots=True)
class Ran:
    """A call that runs what is no code by its name."""

    sink: Sink
    files: tuple[str, ...] | None
    """The package's files that it may be, by path; None: they are not known."""


def running_data(flow: Flow, own: OwnFiles, *, whole: bool, depth: int = 0) -> Iterator[Ran]:
    """Yield the calls that run files of the package which are no code by their names.

    And what shell scripts do that are run.

    Raises:
        OSError: a file can't be read.
    """
    imports: list[ast.Import | ast.ImportFrom] = [*flow.of_kind(ast.Import)]
    imports += flow.of_kind(ast.ImportFrom)
    for node in imports if depth == 0 else ():
        for named in of_another_language(node):
            if of_language := own.has_run(named, certainly=True):
                shown = Behaviour("runs-own-data", node.lineno, _shown(node))
                yield Ran(Sink(shown, (node,)), tuple(of_language))
    for call in flow.calls:
        line = call.node.lineno
        files: set[str] | None = None
        known = True
        for named in named_by(call, flow):
            run = own.has_run(named, certainly=not whole)
            if run is not None:
                files = {*(files or ()), *run}
                known = known and bool(run)
            for rule, command, identity in own.harm_of(named):
                shown = Behaviour(rule, line, one_line(command, 100), identity)
                yield Ran(Sink(shown, (call.node,)), None)
        for inner in _inner_code(call, flow) if depth < _MAX_DEPTH else ():
            with suppress(NotPythonError, TooHardError):  # which is reported as `unreadable-code`
                inside = Flow(running_nodes(parse(inner), whole=False))
                for each in running_data(inside, own, whole=whole, depth=depth + 1):
                    shown = replace(each.sink.behaviour, line=line)
                    yield Ran(Sink(shown, (call.node,)), each.files)
        if files is not None:
            shown = Behaviour("runs-own-data", line, _shown(call.node))
            yield Ran(Sink(shown, (call.node,)), tuple(sorted(files)) if known else None)


def _own_libraries(flow: Flow, own: OwnFiles) -> Iterator[Behaviour]:
    """Yield the calls that load a library which a package brings that says it has none."""
    rule = "loads-a-bundled-library"
    for call in flow.calls if own.is_pure else ():
        if call.does(tables.LOADS_A_LIBRARY):
            named = libraries_named_by(call, flow)
            if own.has_library(named):
                # The library is another one in each release.
                identity = fingerprint_of((rule, unparsed(call.node)))
                yield Behaviour(rule, call.node.lineno, _shown(call.node), identity)


def _installed(flow: Flow, own: OwnFiles, *, whole: bool) -> Iterator[Behaviour]:
    """Yield what a `setup.py` has put where others read."""
    imported = flow.expressions.imports.values()
    if whole and any(name.startswith(("setuptools", "distutils", "numpy")) for name in imported):
        options = [each for each in _options(flow) if is_option(each[0])]
        for rule, value in installed_for_others(options, flow, own.name):
            yield Behaviour(rule, value.lineno, _shown(value))


def _own_programs(flow: Flow, own: OwnFiles) -> Iterator[Behaviour]:
    """Yield what has other programs run or load files of the package."""
    put = (
        (flow.text(a), b) for c in flow.calls if "os.putenv" in c.names for a, b in [c.arguments]
    )
    for rule, value in of_own_programs((*_options(flow), *put), flow, own):
        # The library is another one in each release.
        is_library = rule == "loads-a-bundled-library"
        identity = fingerprint_of((rule, unparsed(value))) if is_library else ""
        yield Behaviour(rule, value.lineno, _shown(value), identity)


def sinks(
    module: ast.Module,
    *,
    whole: bool,
    at_start: bool = False,
    called: frozenset[str] = frozenset(),
    others: Others | None = None,
) -> tuple[list[Sink], Flow]:
    """Find what the code of a Python file does by itself, and where.

    Whoever looks at a file in the same way again, such as for its fingerprints, gets the same
    again; it must not be changed.

    Args:
        module: the file; nothing is found in what can't be parsed, which can't run either.
        whole: all functions are taken to run, as in `setup.py`.
        at_start: it runs whenever Python starts.
        called: functions and classes that something outside calls.
        others: the package's other modules.
    """
    flow = Flow(running_nodes(module, whole=whole, called=called), others)
    found = _find(flow, 0, at_start=at_start)
    known = {(each.behaviour.rule, each.behaviour.line) for each in found}
    for rule, nodes in of_secrets_beside_strangers(flow) if not (whole or called) else ():
        if (rule, line := nodes[0].lineno) not in known:
            found.append(Sink(Behaviour(rule, line, _shown(nodes[0])), nodes))
    # Who does something worse fetches it, too.
    for rule, nodes in of_fetching(flow) if not (whole or found) else ():
        line = nodes[0].lineno
        found.append(Sink(Behaviour(rule, line, _shown(nodes[0])), nodes))
    return found, flow


def _find(flow: Flow, depth: int, *, at_start: bool) -> list[Sink]:
    found: dict[tuple[str, int], Sink] = {}

    def add(rule: str, nodes: tuple[ast.expr, ...]) -> None:
        line = nodes[0].lineno
        found.setdefault((rule, line), Sink(Behaviour(rule, line, _shown(nodes[0])), nodes))

    for call in flow.calls:
        rules = set(_of_call(call, flow))
        if at_start and any(map(call.does, (tables.SENDS, tables.RECEIVES, tables.STARTS))):
            rules.add("acts-at-every-start")
        for inner in _inner_code(call, flow):
            if depth == _MAX_DEPTH or CUT in inner:
                rules.add("unreadable-code")
                break
            try:
                inside = Flow(running_nodes(parse(inner), whole=False))
                rules |= {s.behaviour.rule for s in _find(inside, depth + 1, at_start=at_start)}
            except NotPythonError:  # nor can Python run it
                pass
            except TooHardError:
                rules.add("unreadable-code")
        for rule in rules:
            add(rule, (call.node,))
    for of_file in _OF_FILES:
        for rule, nodes in of_file(flow):
            add(rule, nodes)
    for rule, node in _of_texts(flow, depth, at_start=at_start):
        add(rule, (node,))
    for call in of_copied_calls(flow):
        add("sends-what-it-intercepts", (call.node,))
    for call, identity in of_quiet_sends(flow):
        line = call.node.lineno
        shown = Behaviour(ON_THE_QUIET, line, _shown(call.node), identity)
        found.setdefault((ON_THE_QUIET, line), Sink(shown, (call.node,)))
    if flow.expressions.gave_up:
        found["unreadable-code", 1] = Sink(
            Behaviour("unreadable-code", 1, "its names lead too far"), ()
        )
    return sorted(found.values(), key=lambda each: (each.behaviour.line, each.behaviour.rule))


def _of_texts(flow: Flow, depth: int, *, at_start: bool) -> Iterator[tuple[str, ast.Constant]]:
    """Yield texts that are code which fetches and runs code, or sends secrets as soon as it runs:
    somebody will run them."""
    for node in flow.of_kind(ast.Constant) if depth < _MAX_DEPTH else ():
        text = node.value
        if isinstance(text, bytes):  # which is written to a file as it is
            text = text.decode("utf-8", "replace")
        if (
            isinstance(text, str)
            and _RUNS_OR_READS_INSIDE.search(text)
            and _FETCHES_INSIDE.search(text)
        ):
            with suppress(NotPythonError, TooHardError):
                inside = Flow(running_nodes(parse(text.strip()), whole=False))
                found = _find(inside, depth + 1, at_start=at_start)
                rules = {each.behaviour.rule for each in found}
                yield from ((rule, node) for rule in _OF_TEXTS if rule in rules)


_WAITING = {
    *("runs-downloaded-code", "runs-decoded-code", "hides-what-it-calls", "opens-a-reverse-shell"),
    *("runs-a-hidden-command", "mines", "encrypts-files", "destroys-files", "sends-the-screen"),
    *("runs-machine-code", "sends-what-it-intercepts", "sends-secrets"),
    *("sends-to-a-drop", "starts-a-bundled-program", "reads-other-processes", "waits-for-a-day"),
    *("sends-in-disguise", "reaches-for-wallets", "hides-an-address"),
    *("sends-what-it-is-told", "leads-others-elsewhere"),
}
"""Rules that count in functions which wait to be called, too: see `waiting`."""
_WAITING_WHERE_NEW = {
    *(ON_THE_QUIET, "sends-host-facts", "swaps-the-clipboard", "listens-to-the-keyboard"),
}
"""Those that only count there when an old project starts with it: many a young one does so."""

ONCE = {"swaps-the-clipboard"}
"""Rules about what several calls of a file show together."""

TO_SOMEBODY = {
    *("sends-secrets", "sends-host-facts", "sends-what-it-intercepts", "sends-the-screen"),
    *("sends-what-it-is-told", "runs-downloaded-code", FETCHES),
}
"""Rules about what goes to somebody, or comes from there: whom that is identifies it."""
ASIDE = {ON_THE_QUIET, FETCHES}
"""Rules about what many do, which says nothing of what else a file does."""
NOISY = {"sends-what-it-intercepts", "sends-what-it-is-told"}
"""Those of them that say nothing in a program of which all depends on all, with no address near:
each of its functions is given something, and all of them send."""


_LEAVES_CODE = re.compile(
    r"(?:^|[\s;])(?:import|from)\s+\w|\bpython[\d.]*\s+(?:-m\s+\w|\S+\.py)|\bnohup\b|&\s*\)|&\s*$"
    r"|\b(?:curl|wget)\b|\bexec\(",
    re.MULTILINE,
)
"""What is written to where it is started again, and does something: it is no setting."""


def _leaves_code_at_home(call: Call, flow: Flow) -> bool:
    """Whether code is written to a file of somebody's own that runs at each start."""
    path = flow.written_path(call)
    at_home = path is not None and any(sign in flow.text(path) for sign in "~%")
    return at_home and _LEAVES_CODE.search(flow.text(*call.everything)) is not None


def counts_where_new(rule: str, *, waits: bool) -> bool:
    """Whether what a rule finds counts only where a project of old didn't do so before."""
    return rule == ON_THE_QUIET or (waits and rule in _WAITING_WHERE_NEW)


def waiting(found: Sequence[Sink], flow: Flow) -> list[Sink]:
    """Choose what looks like malware even in a function that waits to be called.

    Clients send the one secret that they are given, loaders load what they have downloaded, and
    caches decode what they have stored. They don't run texts that the code decodes, and don't send
    what thieves look for.
    """
    calls: dict[int, list[Call]] = {}
    for call in flow.calls:
        calls.setdefault(id(call.node), []).append(call)

    def counts(sink: Sink) -> bool:
        rule = sink.behaviour.rule
        of_node = calls.get(id(sink.nodes[0]), []) if sink.nodes else []
        labels = flow.labels(*(each for call in of_node for each in call.everything))
        if rule == "sends-secrets" and _is_text(sink):
            return True
        if rule == "sends-secrets":
            there = any(is_sent_there(call, flow) for call in of_node)
            elsewhere = any("sends" in flow.done_elsewhere(call) for call in of_node)
            here = any(call.does_any(_SINKS) for call in of_node)
            if elsewhere and not (here or there):  # all of a client's functions come to that
                return False
            return (
                Label.LOOT in labels
                or any(is_loot(call, flow) for call in of_node)
                or any(has_no_name(flow.address(call)) for call in of_node)
                or any(_PUSHES_AWAY.search(_git_command(call, flow)) for call in of_node)
                or (there and Label.IDENTITY in labels)
            )
        if rule == "sends-host-facts":
            return any(is_for_strangers(flow.address(call)) for call in of_node)
        if rule == "starts-again-by-itself":
            return any(_leaves_code_at_home(call, flow) for call in of_node)
        if rule == "changes-tools":
            return any("authorized_keys" in flow.text(*_with_owner(call)) for call in of_node)
        if rule == "installs-another-package":
            return any(is_for_strangers(flow.text(*call.everything)) for call in of_node)
        runs = any(call.does(tables.RUNS) for call in of_node)
        if rule == "runs-decoded-code":
            commands = any(
                call.does(tables.STARTS)
                and Label.DECODED in flow.near_labels(*call.arguments[:1], steps=_NEAR)
                for call in of_node
            )
            written = Label.ENCODED in labels or Label.OWN_FILE in labels
            return commands or (runs and written) or not of_node
        if rule == "starts-a-bundled-program":
            return any(flow.text(*c.arguments).lstrip().startswith("/tmp/") for c in of_node)  # noqa: S108
        if rule == "destroys-files":
            writes = [c for c in of_node if isinstance(next(iter(c.arguments), None), ast.Constant)]
            return any(c.does(tables.REMOVES) or c.does(tables.STARTS) for c in of_node) or bool(
                writes
            )
        if rule == "runs-downloaded-code":
            fetches = tables.COMMANDS[0][1]
            given = [flow.text(*call.arguments) for call in of_node] or [
                flow.text(each) for each in sink.nodes if isinstance(each, ast.expr)
            ]
            by_command = any(map(fetches.search, given))
            interpreted = any(
                Label.DOWNLOADED in flow.near_labels(code)
                for call in of_node
                for code in _interpreted(call, flow)
            )
            interpreted = interpreted or any(
                Label.DOWNLOADED in flow.labels(script)
                for call in of_node
                for script in _shell_scripts(call, flow)
            )
            commanded = any(
                call.does(tables.STARTS)
                and isinstance(command, ast.Name | ast.Attribute | ast.Call)
                and Label.DOWNLOADED in flow.near_labels(command, steps=0)
                for call in of_node
                for command in call.arguments[:1]
            )
            lasting = any(_has_others_fetch(call, flow) for call in of_node)
            fetching = [call for call in flow.calls if call.does(tables.RECEIVES)]
            nameless = any(call.does(tables.LOADS) for call in of_node) and any(
                has_no_name(flow.address(call)) for call in fetching
            )
            return (
                runs
                or by_command
                or interpreted
                or commanded
                or lasting
                or nameless
                or _is_text(sink)
                or (Label.REQUEST in labels and not any(runs_by_name(c, flow) for c in of_node))
            )
        return rule in _WAITING or rule in _WAITING_WHERE_NEW

    return [each for each in found if counts(each)]


def _with_owner(call: Call) -> tuple[ast.expr, ...]:
    function = call.node.func
    owner = (function.value,) if isinstance(function, ast.Attribute) else ()
    return *owner, *call.everything


_A_SHELL = re.compile(r"(?:/(?:usr/)?bin/)?(?:ba|z|da|k|a)?sh")
_BY_NAME = (
    (tables.ENCRYPTED, "runs-encrypted-code"),
    (tables.MEMORY, "runs-machine-code"),
    (tables.KEYBOARD, "listens-to-the-keyboard"),
    (tables.ALWAYS_FETCHES, "runs-downloaded-code"),
    (tables.SETS_TOOLS, "changes-tools"),
    (tables.SCHEDULES, "starts-again-by-itself"),
    (tables.PUSHES, "sends-secrets"),
    (tables.CHANGES_THE_CLOUD, "acts-in-the-cloud"),
    (tables.READS_OTHERS, "reads-other-processes"),
    (tables.FOREIGN_CALLS, "hides-what-it-calls"),
)
"""What is enough by itself, whatever it is given."""


def _of_call(call: Call, flow: Flow) -> Iterator[str]:
    """Yield what a single call shows, with what flows into it."""
    yield from (rule for table, rule in _BY_NAME if call.does(table))
    if _hides_its_name(call, flow):
        yield "hides-what-it-calls"
    if call.does(tables.LOADS) and CALLS_WHEN_LOADED.search(
        flow.text(*call.arguments[:1]).encode("latin-1", "replace")
    ):
        yield "runs-decoded-code"
    if _trusts_the_network(call):
        yield "runs-downloaded-code"
    if call.does(tables.EXTENDS_PATH) and _TEMPORARY.match(flow.text(*call.arguments[-1:])):
        yield "starts-a-bundled-program"
    if _overwrites_with_noise(call, flow):
        yield "destroys-files"
    if call.does(tables.FROM_ADDRESS) and Label.MEMORY in flow.labels(*call.everything):
        yield "runs-machine-code"
    if _is_registry_run_key(call, flow):
        yield "starts-again-by-itself"
    if _reads_memory(call, flow):
        yield "reads-other-processes"
    if _hands_away(call, flow) or _GIT_AWAY.search(_git_command(call, flow)):
        yield "sends-secrets"
    if _names_a_host_after_a_secret(call, flow):
        yield "sends-secrets"
    if any(map(_MINER.search, texts := _texts_in(call))) or _MINES_FOR.search(" ".join(texts)):
        yield "mines"
    path = flow.written_path(call)
    program = _starts_program(call, flow)
    elsewhere = flow.done_elsewhere(call)
    piped = call.does(tables.PIPES) and _is_of_sender(call, flow)
    # Only these ask where their data comes from, which takes a while to tell.
    if not (path or program or elsewhere or piped or call.does_any(_SINKS)):
        return
    cut = CUT in flow.text(*((path,) if path else call.everything))
    if cut and call.names != {"importlib.import_module"}:  # what that loads is looked at itself
        yield "unreadable-code"
    labels = flow.labels(*call.everything)
    if piped:
        yield from _sent(call, flow, labels)
    sends = call.does(tables.SENDS) or call.does(tables.DELIVERS)
    if (sends or "sends" in elsewhere) and not stays_home(flow.address(call)):
        yield from _sent(call, flow, sent(call, flow))
    if call.does(tables.SHOWS) and _is_stolen_by_browser(call, flow, labels):
        yield "sends-secrets"
    run = labels
    if call.does(tables.RUNS):
        given = flow.run_by(call)
        of_types = call.does(tables.EVALUATES_ANNOTATIONS)
        run = flow.near_labels(*given, steps=_NEARBY) if of_types else flow.labels(*given)
    yield from _run(call, flow, run, elsewhere.get("runs", []))
    yield from _looked_up(call, flow, labels)
    if program:
        yield from _of_program(call, flow, labels)
    if call.does(tables.REMOVES) and "dir_fd" not in dict(call.keywords):
        paths = flow.text(*call.arguments[:1]).split("\n")
        if any(tables.HOME_OR_ROOT.fullmatch(each) for each in paths):
            yield "destroys-files"
    if path is not None:
        yield from _written(path, labels, flow)
        if _has_others_fetch(call, flow):
            yield "runs-downloaded-code"


_NETWORK = (
    *("poplib.", "imaplib.", "ftplib.", "smtplib.", "nntplib.", "telnetlib.", "http.client."),
    *("ssl.", "xmlrpc.client.", "_socket.", "socket.", "urllib.request.", "urllib.robotparser."),
)
"""How the names of modules begin of which every function may send what it is given."""
_ONLY_TAKES = re.compile(
    r"(?!\w*(?:http|post|send|submit))(?:download|get|fetch|load|read|open|connect|from_|list|exists)",
    re.IGNORECASE,
)
"""How functions are called that take something, and a path to put it."""


def _texts_in(call: Call) -> list[str]:
    """Give the texts that are written in a call's arguments."""
    values = (each.value for each in call.arguments if isinstance(each, ast.Constant))
    return [each for each in values if isinstance(each, str)]


def _git_command(call: Call, flow: Flow) -> str:
    """Give the command of git that a call gives: itself, or by a function of that name."""
    if call.does(tables.STARTS):
        return flow.text(*call.arguments).replace("\n", " ")
    if not plain(last_name(call.node.func)).endswith("git") or not _texts_in(call):
        return ""
    return f"git {flow.text(*call.arguments)}".replace("\n", " ")


def _hands_away(call: Call, flow: Flow) -> bool:
    """Whether a function that may send is given all that thieves look for.

    Each function of another distribution may, when the call has a stranger's address as well.
    """
    if call.does(tables.SENDS):
        return False
    if not any(name.startswith(_NETWORK) for name in call.names):
        roots = {name.partition(".")[0].partition("(")[0] for name in call.names if "." in name}
        foreign = (roots & flow.expressions.roots) - sys.stdlib_module_names
        if not any(each and not flow.is_own(each) for each in foreign):
            return False
        if all(_ONLY_TAKES.match(name.rpartition(".")[2]) for name in call.names):
            return False
        # What objects are made of has a `//` before it, whatever it is.
        given = [each.removeprefix("//") for each in flow.address(call).split("\n")]
        given += flow.text(*call.everything).split("\n")
        found = [f"//{address}" for each in given for address in addresses_in(each)]
        if not is_for_strangers("\n".join(found)):
            return False
    return Label.LOOT in flow.labels(*call.everything)


def _reads_memory(call: Call, flow: Flow) -> bool:
    """Whether the memory of another process is opened."""
    function = call.node.func
    opened = list(call.arguments[:1]) if call.does(tables.OPENS) or "os.open" in call.names else []
    if isinstance(function, ast.Attribute) and function.attr in ("open", "read_bytes"):
        opened.append(function.value)
    made = [n for each in opened for n in ast.walk(each) if isinstance(n, ast.Call)]
    own = any("os.getpid" in flow.expressions.names(each.func) for each in made)
    return not own and any(_MEMORY.search(flow.text(each)) for each in opened)


def _is_stolen_by_browser(call: Call, flow: Flow, labels: set[Label]) -> bool:
    """Whether what a notebook shows has its browser send something secret to an address."""
    shown = flow.text(*call.everything)
    steals = tables.STEALS_IN_BROWSER.search(shown) is not None
    return "http" in shown and (Label.SECRET in labels or steals)


def _trusts_the_network(call: Call) -> bool:
    """Whether a model or a data set is loaded with the code that lies beside it."""
    return any(
        key == "trust_remote_code" and isinstance(value, ast.Constant) and value.value is True
        for key, value in call.keywords
    )


def _overwrites_with_noise(call: Call, flow: Flow) -> bool:
    """Whether each of the files that a loop finds is filled with random bytes."""
    function = call.node.func
    if not (isinstance(function, ast.Attribute) and function.attr in ("write", "write_bytes")):
        return False
    given = [each for each in call.arguments if isinstance(each, ast.Call)]
    if not any(tables.NOISE in tables.with_any(flow.expressions.names(g.func)) for g in given):
        return False
    looped = flow.expressions.loops.get(getattr(function.value, "id", ""), [])
    return any(
        isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr in ("rglob", "glob", "iterdir", "walk")
        for each in looped
    )


def _run(
    call: Call, flow: Flow, labels: set[Label], run_elsewhere: Sequence[ast.expr]
) -> Iterator[str]:
    """Yield what a call shows that runs, or loads, what it is given."""
    runs = call.does(tables.RUNS)
    elsewhere = flow.near_labels(*run_elsewhere, steps=_NEARBY)
    downloaded = Label.DOWNLOADED in labels and (runs or call.does(tables.LOADS))
    if downloaded or Label.DOWNLOADED in elsewhere:
        yield "runs-downloaded-code"
    if (runs or call.does(tables.EXTENDS_PATH)) and not downloaded:
        given = flow.run_by(call) if runs else call.arguments[-1:]
        if Label.FETCHED in flow.near_labels(*given):
            yield "runs-downloaded-code"
    if (runs and Label.DECODED in labels) or Label.ENCODED in elsewhere:
        yield "runs-decoded-code"
    if runs and call.arguments and is_worked_out(call.arguments[0], flow):
        yield "runs-decoded-code"
    if runs and Label.ANOTHERS in labels:
        yield "runs-own-data"
    if call.does(tables.LOADS_A_FILE) and _FAR.match(flow.text(*call.arguments[:1])):
        yield "runs-downloaded-code"


def _looked_up(call: Call, flow: Flow, labels: set[Label]) -> Iterator[str]:
    """Yield what a call shows that asks name servers.

    Many a program looks up its machine's own name, but not under another domain.
    """
    of_interest = call.does(tables.LOOKS_UP) and labels & {Label.SECRET, Label.HOST_FACTS}
    if of_interest and _DATA_IN_A_NAME.search(flow.text(*call.everything)):
        yield "sends-secrets" if Label.SECRET in labels else "sends-host-facts"


def _names_a_host_after_a_secret(call: Call, flow: Flow) -> bool:
    """Whether a host is named by a secret: who resolves names, or listens, gets to know it."""
    return any(
        key in _HOSTS
        and _DATA_IN_A_NAME.search(flow.text(value))
        and Label.SECRET in flow.labels(value)
        for key, value in call.keywords
    )


def _hides_its_name(call: Call, flow: Flow) -> bool:
    """Whether a function is called that nobody can find by its name."""
    function = call.node.func
    if isinstance(function, ast.Attribute) and function.attr == "__subclasses__":
        inside = {each.attr for each in ast.walk(function) if isinstance(each, ast.Attribute)}
        if inside & _SUBCLASSES:
            return True
    return (call.hidden and call.does(tables.DANGEROUS)) or _is_put_together(function, flow)


def _is_put_together(function: ast.expr, flow: Flow) -> bool:
    """Whether this is `getattr(__import__(module), name)` with neither name written there."""
    if not isinstance(function, ast.Call) or len(function.args) < 2:
        return False
    module, name = function.args[:2]
    kept = flow.expressions.values.get(module.id, ()) if isinstance(module, ast.Name) else ()
    # A module that is kept is put together by a call: plugins are loaded by a variable.
    calls = [each for each in kept if isinstance(each, ast.Call)]
    calls = [each for each in calls if isinstance(next(iter(each.args), None), ast.Call)]
    calls += [module] if isinstance(module, ast.Call) else []
    return flow.expressions.names(function.func) == {"getattr"} and any(
        flow.expressions.names(each.func) == {"__import__"}
        and not any(isinstance(part, ast.Constant) for part in (*each.args[:1], name))
        and (each is module or isinstance(name, ast.Call))
        for each in calls
    )


def _starts_program(call: Call, flow: Flow) -> bool:
    if call.does(tables.STARTS):
        return True
    # Whatever is called with it, `["sh", "-c", …]` is a command.
    first = call.arguments[0] if call.arguments else None
    if not isinstance(first, ast.List | ast.Tuple) or len(first.elts) < 3:
        return False
    program, option = map(flow.text, first.elts[:2])
    return bool(tables.INTERPRETERS.fullmatch(program)) and option.lower() in ("-c", "/c")


_READS_ENVIRONMENT = re.compile(
    rf"[$%]|environ|getenv|\.(?:py|sh|bash|pl|rb|js)\b|\A[{UNKNOWN}\s]*\Z"
)
"""In a command that may run what stands in its environment; so may a script, or an unknown one."""


def _of_program(call: Call, flow: Flow, labels: set[Label]) -> Iterator[str]:
    command = flow.text(*call.arguments)
    for rule, pattern in tables.COMMANDS:
        if pattern.search(command):
            yield rule
    if Label.DECODED in labels and (
        _READS_ENVIRONMENT.search(command)
        or Label.DECODED
        in flow.labels(*call.arguments, *(v for k, v in call.keywords if k != "env"))
    ):
        yield "runs-decoded-code"
    if Label.DOWNLOADED in labels and _is_run_by(call, flow):
        yield "runs-downloaded-code"
    by_sender = bool(tables.SENDERS.search(command))
    if by_sender or is_for_strangers(command):
        if Label.SECRET in labels:
            yield "sends-secrets"
        elif by_sender and Label.HOST_FACTS in labels:
            yield "sends-host-facts"
    names = {n for _, value in call.keywords for n in _all_names(value, flow)}
    ends = [value for key, value in call.keywords if key in ("stdin", "stdout", "stderr")]
    if any(name.startswith("socket.") for value in ends for name in _all_names(value, flow)):
        yield "opens-a-reverse-shell"
    if names & _SILENT and _is_own_program(command):
        yield "starts-a-bundled-program"


def _is_own_program(command: str) -> bool:
    """Whether a command is a file beside the code, or a temporary one, or has one interpreted."""
    program = command.split()[0] if command.split() else ""
    known = UNKNOWN not in program and not tables.INTERPRETERS.fullmatch(program)
    if "__file__" in (program if known else command):
        return True
    return program.startswith(("/tmp/", "/var/tmp/"))  # noqa: S108


def _interpreted(call: Call, flow: Flow) -> Iterator[ast.expr]:
    """Yield the code of `python -c code` and the like."""
    for each in call.arguments[:1]:
        words = each.elts if isinstance(each, ast.List | ast.Tuple) else []
        for option, code in itertools.pairwise(words[1:]):
            if flow.text(option) in ("-c", "/c", "-e", "-Command"):
                yield code


def _is_text(sink: Sink) -> bool:
    """Whether it was found in a text that is code."""
    return bool(sink.nodes) and isinstance(sink.nodes[0], ast.Constant)


def _shell_scripts(call: Call, flow: Flow) -> Iterator[ast.expr]:
    """Yield the path of `sh path` and the like."""
    for each in call.arguments[:1]:
        words = each.elts if isinstance(each, ast.List | ast.Tuple) else []
        if words and _A_SHELL.fullmatch(flow.text(words[0])):
            yield from words[1:]


def _is_of_sender(call: Call, flow: Flow) -> bool:
    """Whether the program that is given its input sends it away, such as `curl`."""
    node: ast.expr = call.node.func
    while isinstance(node, ast.Attribute):
        node = node.value
    started = flow.expressions.values.get(node.id, []) if isinstance(node, ast.Name) else [node]
    return any(
        tables.SENDERS.search(flow.text(*each.args[:1]))
        for each in started
        if isinstance(each, ast.Call)
    )


def _is_run_by(call: Call, flow: Flow) -> bool:
    """Whether what was downloaded is the program, or given to an interpreter.

    Honest builds download sources, too, and give them to `tar` and `make`.
    """
    first = call.arguments[0] if call.arguments else None
    if isinstance(first, ast.List | ast.Tuple) and first.elts:
        first = first.elts[0]
    if first is None:
        return True
    if isinstance(first, ast.Constant | ast.JoinedStr | ast.BinOp | ast.Call):
        words = flow.text(first).split()
        program = words[0] if words else UNKNOWN
    else:
        program = flow.text(first)
    known = UNKNOWN not in program and program != ""
    return (
        not known
        or bool(tables.INTERPRETERS.fullmatch(program))
        or (Label.DOWNLOADED in flow.labels(first))
    )


def _sent(call: Call, flow: Flow, labels: set[Label]) -> Iterator[str]:
    if tables.DROPS.search(f"{flow.text(*call.everything)}\n{flow.address(call)}"):
        yield "sends-to-a-drop"
    if Label.SECRET in labels:
        yield "sends-secrets"
    here = call.does(tables.SENDS) or call.does(tables.DELIVERS) or _starts_program(call, flow)
    if Label.HOST_FACTS in labels and (here or is_sent_there(call, flow)):
        yield "sends-host-facts"
    if Label.SCREEN in labels:
        yield "sends-the-screen"
    there = (
        is_for_strangers(flow.text(*call.everything))
        or is_for_strangers(flow.address(call))
        or "sends there" in flow.done_elsewhere(call)
    )
    quietly = Label.REQUEST in labels and id(call.node) in flow.quiet
    if Label.OVERHEARD in labels or (there and (Label.INTERCEPTED in labels or quietly)):
        yield "sends-what-it-intercepts"


def _has_others_fetch(call: Call, flow: Flow) -> bool:
    """Whether a command that fetches or sends something is written to where a shell or git runs
    it."""
    path = flow.written_path(call)
    where = flow.text(path) if path is not None else ""
    if not (tables.AUTOSTART.search(where) or _GIT_HOOK.search(where)):
        return False
    return bool(_CALLS_OUT.search(flow.text(*call.everything)))


def _written(path: ast.expr, labels: set[Label], flow: Flow) -> Iterator[str]:
    text = flow.text(path)
    of_path = flow.labels_of_path(path)
    if Label.DOWNLOADED in labels and tables.CODE_FILE.fullmatch(text):
        yield "runs-downloaded-code"
    if tables.AUTOSTART.search(text):
        yield "starts-again-by-itself"
    if tables.TOOL_SETTINGS.search(text):
        yield "changes-tools"
    if Label.OTHER_PACKAGES in of_path and not is_run_by_nobody(path, flow):
        yield "changes-other-packages"
    if tables.PERSONAL.search(text):
        yield "destroys-files"
    personal = text.startswith("~") and not _KEPT_BY_PROGRAMS.match(text)
    if Label.ENCRYPTED in labels and (Label.SECRET in of_path or personal):
        yield "encrypts-files"


def _is_registry_run_key(call: Call, flow: Flow) -> bool:
    return call.does(tables.REGISTRY) and bool(tables.AUTOSTART.search(flow.text(*call.everything)))


def _swaps_coins(flow: Flow) -> tuple[ast.expr, ...]:
    """Give the calls that come to the clipboard where addresses of coins are looked for."""
    values = (each.value for each in flow.of_kind(ast.Constant))
    if not any(_COINS.search(each) for each in values if isinstance(each, str)):
        return ()
    return tuple(call.node for call in flow.calls if Label.CLIPBOARD in flow.labels(call.node))


def _of_file(flow: Flow) -> Iterator[tuple[str, tuple[ast.expr, ...]]]:
    """Yield what several calls of a file show together."""
    reads = [call for call in flow.calls if call.does(tables.READS_CLIPBOARD)]
    writes = [call for call in flow.calls if call.does(tables.WRITES_CLIPBOARD)]
    if reads and writes:
        yield "swaps-the-clipboard", tuple(each.node for each in (*writes, *reads))
    if swaps := _swaps_coins(flow):
        yield "swaps-the-clipboard", swaps
    handlers = [call for call in flow.calls if _logs_to_the_network(call, flow)]
    for call in flow.calls if handlers else ():
        function = call.node.func
        logs = isinstance(function, ast.Attribute) and function.attr in _LOGS
        if logs and Label.SECRET in flow.labels(*call.everything):
            yield "sends-secrets", (call.node, *(each.node for each in handlers))
    for value in flow.feeds("._repr_html_()"):
        if "http" in flow.text(value) and Label.SECRET in flow.labels(value):
            yield "sends-secrets", (value,)
    copies = [call for call in flow.calls if "os.dup2" in call.names]
    connects = [call for call in flow.calls if call.does(tables.CONNECTS)]
    if copies and connects:
        yield "opens-a-reverse-shell", tuple(each.node for each in (*copies, *connects))


def _logs_to_the_network(call: Call, flow: Flow) -> bool:
    configured = "logging.config.dictConfig" in call.names
    return call.does(tables.NETWORK_LOGS) or (
        configured and tables.NETWORK_LOG.search(flow.text(*call.arguments)) is not None
    )


def hidden_code(code: str) -> Iterator[Behaviour]:
    """Find code that a reader of the file does not see."""
    if code.isascii() and not _LONG_SPACE.search(code):  # most files, at once
        return
    for number, line in enumerate(code.split("\n"), start=1):
        if _FAR_RIGHT.search(line) or _INVISIBLE.search(line):
            yield Behaviour("hides-its-code", number, one_line(line.strip()[-100:], 100))


def _of_steps(flow: Flow) -> Iterator[tuple[str, tuple[ast.expr, ...]]]:
    """Yield lists of functions that, one after the other, decode something and run it."""
    lists: list[ast.List | ast.Tuple] = [*flow.of_kind(ast.List), *flow.of_kind(ast.Tuple)]
    for node in lists:
        functions = [each for each in node.elts if not isinstance(each, ast.Constant)]
        names = {name for each in functions for name in flow.expressions.names(each)}
        if {tables.RUNS, tables.DECODES} <= tables.with_any(names):
            yield "runs-decoded-code", (node,)


def _of_macros(flow: Flow) -> Iterator[tuple[str, tuple[ast.expr, ...]]]:
    """Yield what has a build write a secret, or where somebody's folder is, into a library."""
    for call in flow.calls:
        owner = call.node.func.value if isinstance(call.node.func, ast.Attribute) else None
        added = call.arguments if getattr(owner, "attr", "") == _MACROS else ()
        given = (value for key, value in call.keywords if key in (_MACROS, "defines"))
        for each in (*added, *given):
            if _HOME_IN_A_MACRO.search(flow.text(each)) or Label.SECRET in flow.labels(each):
                yield "reads-credentials", (call.node,)


def _of_requirements(flow: Flow) -> Iterator[tuple[str, tuple[ast.expr, ...]]]:
    """Yield what names the requirements of a build, when one of them has an address of its own."""
    given = [each for each in _options(flow) if each[0] in _BUILD_REQUIRES]
    fetches = any(option == _SETUP_REQUIRES for option, _ in given)
    for _, each in given:
        if fetches and any(map(_BY_ADDRESS.search, _texts_of(each, flow))):
            yield "installs-another-package", (each,)
    of_pdm = any(each.name.startswith("pdm_build_") for each in flow.functions)
    imported = flow.expressions.imports.values()
    if of_pdm or any(name.startswith(_BUILDS) for name in imported):
        yield from (("installs-another-package", (each,)) for each in _of_installations(flow))


def _of_installations(flow: Flow) -> Iterator[ast.expr]:
    """Yield what a `setup.py` names of requirements that hold without any extra, likewise."""
    options = [(option.partition(":"), each) for option, each in _options(flow)]
    always = [each for (option, _, _), each in options if option in _INSTALL_REQUIRES]
    named = [flow.text(each) for (option, *_), each in options if option == "name"]
    names = None if not named or UNKNOWN in "".join(named) else {*map(canonicalize_name, named)}
    own: frozenset[str] = frozenset()
    if any("[" in line for each in always for line in _listed(each, flow)):
        required = [
            of_an_extra(line, "" if option[0] in _INSTALL_REQUIRES else "".join(option) or "none")
            for option, each in options
            for line in _listed(each, flow)
            if "[" in line
        ]
        own = own_extras(required, names)
    for (extra, marked, _), each in options:
        # What setuptools takes for an extra may be a marker, or one that is required anyway.
        if (marked and not extra.strip()) or canonicalize_name(extra.strip()) in own:
            always.append(each)
    for each in always:
        if any(map(is_of_a_stranger, _listed(each, flow))):
            yield each


def _listed(given: ast.expr, flow: Flow) -> list[str]:
    """Give the requirements in a list."""
    return [line for text in _texts_of(given, flow) for line in without_comments(text.split("\n"))]


def _texts_of(given: ast.expr, flow: Flow) -> list[str]:
    """Give the texts of a value, and of what is put into it where it has a name."""
    added = flow.feeds(given.id) if isinstance(given, ast.Name) else ()
    return [flow.text(each) for each in (given, *added)]


def _of_hosts(flow: Flow) -> Iterator[tuple[str, tuple[ast.expr, ...]]]:
    """Yield commands that a host is given to start, as Jupyter's server is."""
    for node in flow.of_kind(ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if _key(key, flow) in _COMMAND_KEYS:
                for rule, pattern in tables.COMMANDS:
                    if pattern.search(flow.text(value)):
                        yield rule, (value,)


def _of_code_objects(flow: Flow) -> Iterator[tuple[str, tuple[ast.expr, ...]]]:
    """Yield functions that are given other code: `f.__code__ = compile(…)`."""
    for node in flow.of_kind(ast.Assign):
        if any(
            isinstance(each, ast.Attribute) and each.attr == "__code__" for each in node.targets
        ):
            given = {each.arg for each in ast.walk(node.value) if isinstance(each, ast.keyword)}
            if given & {"co_names", "co_consts", "co_code"}:
                yield "hides-what-it-calls", (node.value,)
            labels = flow.near_labels(node.value)
            if Label.DOWNLOADED in labels:
                yield "runs-downloaded-code", (node.value,)
            if Label.DECODED in labels or is_worked_out(node.value, flow):
                yield "runs-decoded-code", (node.value,)


_OF_FILES = (
    *(
        _of_file,
        _of_steps,
        _of_macros,
        _of_code_objects,
        _of_requirements,
        _of_hosts,
        of_connections,
    ),
    *(of_copies, of_confidences, of_hidden_addresses, of_pages, of_replacements),
    *(of_roundabout_calls, of_sabotage, of_commands_handed_over, of_readings, of_lasting_places),
    of_what_is_fetched,
)
"""What looks at a file as a whole."""


_FREEZERS = {"py2exe", "py2app", "build_exe"}
"""Commands that make programs, of which an installer hears nothing, by their options' key."""


def _options(flow: Flow) -> Iterator[tuple[str, ast.expr]]:
    """Yield options of setuptools, and what hooks return, with what they are given."""
    for call in flow.calls:
        yield from call.keywords
        if last_name(call.node.func) in _TAKES_REQUIREMENTS:
            given = (*call.arguments, *(value for _, value in call.keywords))
            yield from ((_SETUP_REQUIRES, each) for each in given)
        yield from _changed(call, flow)
    pairs = [
        (named, _key(key, flow), value)
        for named in flow.of_kind(ast.Dict)
        for key, value in zip(named.keys, named.values, strict=True)
    ]
    frozen = {id(value) for _, key, value in pairs if key in _FREEZERS}
    yield from ((key, value) for named, key, value in pairs if id(named) not in frozen)
    for pair in flow.of_kind(ast.Tuple):  # of which `dict` makes a dictionary
        if len(pair.elts) == 2 and isinstance(pair.elts[0], ast.Constant):
            yield _key(pair.elts[0], flow), pair.elts[1]
    assigned: list[ast.Assign | ast.AugAssign] = [*flow.of_kind(ast.Assign)]
    assigned += flow.of_kind(ast.AugAssign)
    for node in assigned:
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Subscript):
                yield _key(target.slice, flow), node.value
            elif isinstance(target, ast.Attribute):
                yield target.attr, node.value
    of_hatch = any(name.startswith("hatchling") for name in flow.expressions.imports.values())
    hooks = {each.name for each in flow.functions if _is_asked(each.name, of_hatch=of_hatch)}
    for node in flow.of_kind(ast.Assign):
        if any(_is_asked(last_name(each), of_hatch=of_hatch) for each in node.targets):
            hooks.add(last_name(node.value))
            if isinstance(node.value, ast.Lambda):
                yield _SETUP_REQUIRES, node.value.body
    for hook in sorted(hooks - {""}):
        for returned in (f"{hook}()", f".{hook}()"):
            yield from ((_SETUP_REQUIRES, each) for each in flow.feeds(returned))


def _changed(call: Call, flow: Flow) -> Iterator[tuple[str, ast.expr]]:
    """Yield what a call puts into an option: `options["name"].append(…)`, or `setattr`."""
    function, given = call.node.func, call.arguments
    if "setattr" in call.names and len(given) == 3:
        yield flow.text(given[1]), given[2]
    elif isinstance(function, ast.Attribute) and function.attr == "setdefault" and given[1:]:
        yield flow.text(given[0]), given[1]
    elif isinstance(function, ast.Attribute) and function.attr in _ADDS:
        into = function.value
        option = last_name(into)
        if isinstance(into, ast.Subscript):
            option = _key(into.slice, flow)
        elif isinstance(into, ast.Call) and into.args:  # of `setdefault` or `get`
            option = flow.text(into.args[0])
        yield from ((option, each) for each in given)


def _is_asked(name: str, *, of_hatch: bool) -> bool:
    """Whether a build is told by a function of this name what it needs (PEP 517)."""
    return name.startswith("get_requires_for_build_") or (of_hatch and name == "dependencies")


def _key(key: ast.expr | None, flow: Flow) -> str:
    """Give a key's text; most are written there, and need no looking up.

    An extra without a name is like one that has a marker only, which begins with a colon.
    """
    if isinstance(key, ast.Constant):
        return (key.value or ":") if isinstance(key.value, str) else ""
    return flow.text(key) if key is not None else ""


def _inner_code(call: Call, flow: Flow) -> Iterator[str]:
    """Yield Python code that a call is given as a text."""
    runs = call.does(tables.RUNS) or "compile" in call.names
    if runs and call.arguments:
        text = flow.expressions.whole_text(call.arguments[0])
        if len(text.replace(UNKNOWN, "")) > 10:
            # What is not known may be a name, or nothing.
            yield from dict.fromkeys(text.replace(UNKNOWN, each) for each in ("_", ""))
    if call.does(tables.EVALUATES_TEXT) and call.arguments:
        # Most are given numbers and other expressions, of which nothing is known.
        yield flow.expressions.whole_text(call.arguments[0]).replace("@", "").replace(UNKNOWN, "0")
    if (runs and _is_annotation(call)) or _evaluates_annotations(call):
        yield from _annotations(flow)
    if not call.does(tables.STARTS):
        return
    for each in call.arguments:
        if isinstance(each, ast.List | ast.Tuple):
            parts = [flow.text(part) for part in each.elts]
        else:
            parts = _words(flow.text(each))
        for program, option, code in zip(parts, parts[1:], parts[2:], strict=False):
            if "python" in program and option == "-c":
                # What is put into a text stands for some value; a text of which nothing is known
                # can't be looked at.
                yield code.replace(UNKNOWN, "None") if code.strip(UNKNOWN) else code


def _evaluates_annotations(call: Call) -> bool:
    asked = any(key == "eval_str" for key, _ in call.keywords)
    return call.does(tables.EVALUATES_ANNOTATIONS) or (asked and "inspect.signature" in call.names)


def _is_annotation(call: Call) -> bool:
    nodes = (node for each in call.arguments[:1] for node in ast.walk(each))
    return any(isinstance(n, ast.Attribute) and n.attr == "__annotations__" for n in nodes)


def _annotations(flow: Flow) -> Iterator[str]:
    """Yield the types that are written as texts."""
    types: list[ast.expr | None] = [each.annotation for each in flow.of_kind(ast.AnnAssign)]
    for assigned in flow.of_kind(ast.Assign):
        named = [last_name(each) for each in assigned.targets]
        if "__annotations__" in named and isinstance(assigned.value, ast.Dict):
            types += assigned.value.values
    for function in flow.functions:
        arguments = [each for each in ast.walk(function.args) if isinstance(each, ast.arg)]
        types += [function.returns, *(each.annotation for each in arguments)]
    for each in types:
        text = flow.text(each) if each is not None else ""
        if UNKNOWN not in text and "(" in text:
            yield text


def _words(command: str) -> list[str]:
    """Give the words of a command that has Python run code; none of others."""
    if "python" not in command or "-c" not in command:
        return []
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _all_names(value: ast.expr, flow: Flow) -> set[str]:
    return {
        name
        for each in ast.walk(value)
        if isinstance(each, ast.Attribute | ast.Name)
        for name in flow.expressions.names(each)
    }


def _shown(node: ast.AST) -> str:
    try:
        return one_line(unparsed(node), 100)
    except (RecursionError, ValueError):
        return "(…)"
