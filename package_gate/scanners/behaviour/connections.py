"""What changes whom other packages of a notebook reach, and who reaches the notebook.

Both are what settings and commands of a user are for. Code that does so by itself, with an address
that stands in it, leads to its author.
"""

import ast
import re
from collections.abc import Iterator

from package_gate.core.folding import CLUSTER, UNKNOWN
from package_gate.core.popular import popular_names
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.dataflow import Call, Flow
from package_gate.scanners.behaviour.own_programs import is_own_variable
from package_gate.scanners.behaviour.replacements import is_of_another

Found = tuple[str, tuple[ast.expr, ...]]

_TOOLS = frozenset(
    (
        *("http", "https", "all", "ftp", "aws", "azure", "google", "gcp", "hf", "huggingface"),
        *("pip", "uv", "pypi", "twine", "npm", "yarn", "conda", "docker", "git", "kube"),
        "kubernetes",
        *("pyspark", "spark", "hadoop", "jupyter", "jupyterhub", "langsmith", "ollama", "wandb"),
        *("database", "otel", "sentry", "python", "curl", "wget", "ssh", "vault", "github"),
    )
)
"""The first words of variables that say where programs and libraries connect to."""
_POPULAR = 1500
"""Projects whose names are looked at, of the 15,000 that are known."""
_MEASURES = {"posthog", "analytics", "segment", "sentry_sdk", "mixpanel", "amplitude"}
"""Clients that are told by setting a constant whom to tell how a program is used."""
_ELSEWHERE = (
    r"(?!localhost\b|127\.|\[?::1|0\.0\.0\.0|10\.|192\.168\.|host\.docker\.internal\b)[\w.-]+\.\w+"
)
"""The name or number of another machine."""
_FAR = re.compile(rf"(?:[a-z][\w+-]*)://(?:[^/@\s]*@)?{_ELSEWHERE}", re.IGNORECASE)
"""An address on another machine."""
_PEER = re.compile(
    rf"(?:^|\s)(?:[a-z][\w+-]*://(?:[^/@\s]*@)?{_ELSEWHERE}|{_ELSEWHERE}[:\s]\d{{2,5}}\b)",
    re.IGNORECASE,
)
"""An address on another machine, or its name and a port."""
_PEERS = tables.Table(
    (
        *("ray.init", "ray.client", "ray.util.connect", "dask.distributed.Client"),
        *("distributed.Client", "multiprocessing.connection.Client", "rpyc.connect*"),
        *("rpyc.classic.connect*", "rpyc.utils.classic.connect*", "execnet.makegateway"),
        *("multiprocessing.managers.BaseManager", "multiprocessing.managers.SyncManager"),
        *("Pyro5.api.Proxy", "Pyro4.Proxy", "ipyparallel.Client", "joblib.parallel_backend"),
    )
)
"""Calls that run, or unpickle, what the machine sends which they connect to."""
_PEER_IS = {"address", "host", "hostname", "runtime_env", "url", "uri"}
"""The arguments that say where it is, or whose code it runs."""
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}", re.IGNORECASE)
_ENVIRONMENTS = {"os.environ", "os.environb"}
_OPENERS = tables.Table(("urllib.request.ProxyHandler", "urllib2.ProxyHandler"))
_INSTALLS = tables.Table(("urllib.request.install_opener", "urllib2.install_opener"))
_TUNNELS = tables.Table(("pyngrok.ngrok.connect", "ngrok.connect", "ngrok.forward"))
_DEBUGGERS = tables.Table(("debugpy.listen", "IPython.embed_kernel", "ptvsd.enable_attach"))
_REGISTERS = tables.Table(
    tuple(
        f"xmlrpc.server.{server}XMLRPCServer().register_{what}"
        for server in ("Simple", "Doc")
        for what in ("function", "instance")
    )
)
_SERVERS = tables.Table(
    (
        *(
            "rpyc.utils.server.*",
            "rpyc.ThreadedServer",
            "rpyc.utils.classic.*",
            "rpyc.OneShotServer",
        ),
        *("Pyro4.Daemon*", "Pyro5.api.Daemon", "Pyro5.server.Daemon", "Pyro5.server.serve"),
        *(
            "Pyro5.api.serve",
            "execnet.script.socketserver.*",
            "zerorpc.Server",
            "aiomonitor.start*",
        ),
        *("gevent.backdoor.BackdoorServer", "eventlet.backdoor.backdoor_server"),
        *("twisted.conch.manhole*", "jsonrpclib.SimpleJSONRPCServer.SimpleJSONRPCServer"),
        *("asyncssh.listen", "asyncssh.create_server", "pydevd.settrace", "rpdb.set_trace"),
        *("remote_pdb.RemotePdb", "remote_pdb.set_trace", "web_pdb.set_trace"),
    )
)
"""Calls that serve who connects with whatever objects, functions or code that one asks for."""
_MANAGERS = tables.Table(
    tuple(f"multiprocessing.managers.{kind}Manager" for kind in ("Base", "Sync", "SharedMemory"))
)
_SERVES_OBJECTS = {"get_server", "start", "serve_forever"}
_NOT_HERE_ONLY = re.compile(r"(?!\s*(?:127\.|localhost\b|::1\b|/))")
"""How an address begins at which other machines reach this one."""
_SERVES = {"http.server.SimpleHTTPRequestHandler"}
_SSH_BACK = re.compile(r"\bssh\s(?:[^|;&]{0,200}?\s)?-[a-zA-Z]*R\s*\S*:\S+:\d+")
_EVERYBODY = re.compile(r"(?:^|\s)0\.0\.0\.0\b")


def of_connections(flow: Flow) -> Iterator[Found]:
    """Yield what leads others' connections elsewhere, and what lets others in."""
    yield from _led(flow)
    for call in flow.calls:
        if _lets_in(call, flow):
            yield "lets-others-in", (call.node,)
        if _works_for_another_machine(call, flow):
            yield "runs-downloaded-code", (call.node,)


def _led(flow: Flow) -> Iterator[Found]:
    proxies = [call for call in flow.calls if call.does(_OPENERS)]
    installs = [call for call in flow.calls if call.does(_INSTALLS)]
    for call in proxies if installs else ():
        if _FAR.search(flow.text(*call.everything)):
            yield "leads-others-elsewhere", (call.node, *(each.node for each in installs))
    for container, name, value in flow.items_set():
        if not _is_environment(container, flow):
            continue
        names = flow.text(name).split("\n")
        others = [each for each in names if _is_of_a_tool(each, flow)]
        if (others and _FAR.search(flow.text(value))) or (
            CLUSTER in names and flow.text(value).strip(UNKNOWN)
        ):
            yield "leads-others-elsewhere", (value,)
    for target, value in _constants_of_others(flow):
        if _FAR.match(flow.text(value)):
            yield "leads-others-elsewhere", (target, value)
    for call in flow.calls:
        if _logs_all_to_a_host(call, flow):
            yield "leads-others-elsewhere", (call.node,)


def _is_of_a_tool(name: str, flow: Flow) -> bool:
    """Whether a variable of the environment is named like a tool, or a popular project, and not
    like the package that sets it."""
    words = name.lower().strip("_").split("_")
    first = {"-".join(words[:count]) for count in (1, 2)}
    known = not first.isdisjoint(_TOOLS) or any(
        popular_names().get(each, _POPULAR) < _POPULAR for each in first
    )
    return known and not is_own_variable(name, flow)


def _constants_of_others(flow: Flow) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield the attributes of other projects' modules and classes that are set, with the values."""
    for node in flow.of_kind(ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Attribute) and any(
                is_of_another(name, flow) and name.partition(".")[0] not in _MEASURES
                for name in flow.expressions.names(target.value)
            ):
                yield target, node.value
    for container, _, value in flow.items_set():
        if any(
            name.endswith(".__kwdefaults__") and is_of_another(name, flow)
            for name in flow.expressions.names(container)
        ):
            yield container, value


def _works_for_another_machine(call: Call, flow: Flow) -> bool:
    """Whether this connects to a machine, named here, that decides what is run."""
    given = [*call.arguments[:1], *(value for key, value in call.keywords if key in _PEER_IS)]
    if not given or not (call.does(_PEERS) or _PEERS in _bases(call, flow)):
        return False
    return _PEER.search(flow.text(*given)) is not None


def _bases(call: Call, flow: Flow) -> frozenset[tables.Table]:
    """Give the tables that have a base of the class of this file that is called."""
    return tables.with_any(
        name
        for block in flow.of_kind(ast.ClassDef)
        if block.name in call.names
        for base in block.bases
        for name in flow.expressions.names(base)
    )


def _logs_all_to_a_host(call: Call, flow: Flow) -> bool:
    """Whether this is `logging.getLogger().addHandler(HTTPHandler("a.example", …))`."""
    function = call.node.func
    if not (isinstance(function, ast.Attribute) and function.attr == "addHandler"):
        return False
    handlers = [each for each in call.arguments if isinstance(each, ast.Call)]
    return _is_root(function.value, flow) and any(
        tables.NETWORK_LOGS in tables.with_any(flow.expressions.names(each.func))
        and _HOST.match(flow.text(*each.args[:1]))
        for each in handlers
    )


def _is_root(logger: ast.expr, flow: Flow) -> bool:
    values = flow.feeds(logger.id) if isinstance(logger, ast.Name) else [logger]
    return any(
        isinstance(each, ast.Call)
        and not (each.args or each.keywords)
        and "logging.getLogger" in flow.expressions.names(each.func)
        for each in values
    )


def _is_environment(expression: ast.expr, flow: Flow) -> bool:
    return bool(_ENVIRONMENTS & flow.expressions.names(expression))


def _lets_in(call: Call, flow: Flow) -> bool:
    if call.does(_TUNNELS):
        return True
    if call.does(tables.STARTS):
        return bool(_SSH_BACK.search(flow.text(*call.arguments).replace("\n", " ")))
    if call.does(_SERVERS) or _serves_objects(call, flow):
        return True
    if call.does(_DEBUGGERS):
        return bool(_EVERYBODY.search(flow.text(*call.everything)))
    if call.does(_REGISTERS):
        names = {name for each in call.arguments for name in flow.expressions.names(each)}
        found = tables.with_any(names)
        return "os" in names or bool({tables.STARTS, tables.RUNS} & found)
    folders = [value for key, value in call.keywords if key == "directory"]
    if folders and any(_SERVES & flow.expressions.names(each) for each in call.arguments):
        text = flow.text(folders[0])
        return UNKNOWN not in text and bool(tables.HOME_OR_ROOT.fullmatch(text))
    return False


def _serves_objects(call: Call, flow: Flow) -> bool:
    """Whether a manager of processes serves its objects to other machines."""
    function = call.node.func
    if not (isinstance(function, ast.Attribute) and function.attr in _SERVES_OBJECTS):
        return False
    owner = function.value
    made = flow.feeds(owner.id) if isinstance(owner, ast.Name) else [owner]
    return any(_is_open_manager(each, flow) for each in made if isinstance(each, ast.Call))


def _is_open_manager(made: ast.Call, flow: Flow) -> bool:
    names = flow.expressions.names(made.func)
    described = [each for each in flow.calls if each.node is made]
    if _MANAGERS not in tables.with_any(names) and not any(
        _MANAGERS in _bases(each, flow) for each in described
    ):
        return False
    given = [each.value for each in made.keywords if each.arg == "address"]
    return any(
        _NOT_HERE_ONLY.match(flow.text(*each.elts[:1]))
        for each in (*made.args[:1], *given)
        if isinstance(each, ast.Tuple)
    )
