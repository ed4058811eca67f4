"""Places that last, which a function writes to that no table names."""

import ast
import re
from collections.abc import Iterator

from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.dataflow import Call, Flow, Label

Found = tuple[str, tuple[ast.expr, ...]]

_LONGEST = 300
_PUTS = re.compile(
    r"save\w*|write\w*|dump\w*|to_\w+|copy\w*|move|rename|symlink\w*|link\w*|hardlink\w*|extract\w*"
    r"|unpack\w*|install\w*|put\w*|touch|tofile|download\w*|retrieve|urlretrieve|\w*FileHandler"
    r"|\w*FileIO|memmap|make_archive|append_to_file|savetxt|basicConfig|dictConfig|connect"
)
"""How functions are called that write to the file which they are given."""
_WRITES_DATA = re.compile(r"save|savetxt|savez\w*|tofile|to_\w+|dump|memmap|\w*FileHandler")
_BY_PROGRAM = re.compile(r"(?:^|[\s/])(?:tee|cp|mv|ln|install|dd|sed|tar|unzip|rsync)\s|>")
_UNPACKS = {"copytree", "extractall", "unpack_archive", "copy_tree", "extract"}
_HOME = re.compile(r"(?:~|%HOME%|%USERPROFILE%)[\\/]*")
_ATTACHES = re.compile(r"\bATTACH\b", re.IGNORECASE)
_COPIES_OBJECTS = {"copy.copy", "copy.deepcopy"}
_KERNELS = {"install_kernel_spec"}


def of_lasting_places(flow: Flow) -> Iterator[Found]:
    """Yield the calls that write to where something is started again, or tools are set."""
    for call in flow.calls:
        last = call.last_names
        for rule in dict.fromkeys(_rules(call, last, flow)):
            yield rule, (call.node,)
        path = flow.written_path(call)
        if path is not None and any(
            map(_IN_A_WORK_FOLDER.fullmatch, flow.text(path).replace("\0", "").split("\n"))
        ):
            yield "changes-tools", (call.node,)


def _rules(call: Call, last: set[str], flow: Flow) -> Iterator[str]:
    if last & _KERNELS and _replaces_the_kernel(call, flow):
        yield "changes-tools"
    if call.does(tables.STARTS):
        command = flow.text(*call.arguments[:1]).replace("\n", " ")
        if _BY_PROGRAM.search(command):
            yield from (rule for word in command.split() for rule in _of_place(word))
        return
    if "execute" in last or "executescript" in last:
        if not _ATTACHES.search(flow.text(*call.arguments[:1])):
            return
    elif not any(map(_PUTS.fullmatch, last)) or call.names & _COPIES_OBJECTS:
        return
    for each in call.everything:
        for piece in flow.expressions.pieces(each):
            for line in piece.split("\n"):
                if len(line) <= _LONGEST and " " not in line:
                    yield from _of_place(line.rstrip("'\";"))
    if last & _UNPACKS:
        to = [*call.arguments[-1:], *(v for k, v in call.keywords if k in ("path", "dst"))]
        if any(_HOME.fullmatch(flow.text(each)) for each in to):
            yield "starts-again-by-itself"
    if any(map(_WRITES_DATA.fullmatch, last)):
        for each in call.arguments[:1]:
            path = isinstance(each, ast.Attribute) and each.attr == "__file__"
            if path and Label.OTHER_PACKAGES in flow.labels_of_path(each):
                yield "changes-other-packages"


_IN_A_WORK_FOLDER = re.compile(
    r"(?:\./)?(?:conftest\.py|sitecustomize\.py|usercustomize\.py|\.envrc|\.pdbrc|\.pre-commit-config\.yaml"
    r"|\.vscode/(?:tasks|settings|launch)\.json|\.devcontainer/.*|\.git/(?:config|hooks/.*)|\.cursorrules"
    r"|\.cursor/.*|\.claude/.*|AGENTS\.md|CLAUDE\.md|GEMINI\.md|\.github/.*|jupyter_\w+_config\.(?:py|json)"
    r"|ipython_config\.py|(?:.*/)?\*\.ipynb)"
)
"""Files that tools and agents read which work in somebody's folder."""


def _of_place(path: str) -> Iterator[str]:
    """Yield what it means that something is written to a path."""
    found = tables.AUTOSTART.search(path)
    if found and (found.start() == 0 or path[found.start() - 1] in "/\\" or path[0] in "~/%"):
        yield "starts-again-by-itself"
    if path[:1] in ("~", "%", "/") and tables.TOOL_SETTINGS.search(path):
        yield "changes-tools"


def _replaces_the_kernel(call: Call, flow: Flow) -> bool:
    """Whether the kernel that notebooks use anyway becomes another one."""
    named = flow.text(*call.arguments[1:2], *(v for k, v in call.keywords if k == "kernel_name"))
    return named in ("python3", "python2", "python")
