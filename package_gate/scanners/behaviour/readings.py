"""Files of credentials that code reads which runs by itself.

Nobody can name all the ways to send something. But what is in these files concerns nobody as soon
as a package is imported.
"""

import ast
import re
from collections.abc import Iterator

from package_gate.core.folding import UNKNOWN
from package_gate.core.nodes import last_name
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.dataflow import Call, Flow

Found = tuple[str, tuple[ast.expr, ...]]

_READS = "reads-credentials"
_LONGEST = 300
_WORDS = 3
"""Of a path; what has more of them only speaks of one."""
_READERS = re.compile(
    r"open\w*|read\w*|loads?|loadtxt|genfromtxt|fromfile|memmap|parse|slurp|cat|getlines?|input"
    r"|FileInput|FileIO|upload\w*|link|symlink|send_?file"
    r"|put\w*|get_?(?:contents?|text|bytes)|make_archive|connect|imread|netrc|glob_read",
    re.IGNORECASE,
)
"""How functions are called that read a file which they are given, or hand it on as it is."""
_OF_PATHS = {"open", "read_text", "read_bytes"}
"""Methods of a path that read its file."""
_PACKS = {"tarfile.open().add", "zipfile.ZipFile().write", "shutil.copytree", "shutil.copyfileobj"}
_WRITING = re.compile(r"[rtb+]*[wax][rtb+]*")
_BY_PROGRAM = re.compile(
    r"\b(?:cat|head|tail|less|more|type|cp|mv|ln|tar|zip|base64|xxd|od|strings|grep|awk|sed|scp"
    r"|rsync|curl|wget|nc|gpg|tee|dd|copy|xcopy)\b"
)
_GIVE_CREDENTIALS = {"load_credentials", "get_frozen_credentials"}
"""Methods of `botocore` that give the keys themselves."""
_OF_AWS = {"boto3", "botocore", "aiobotocore", "aioboto3"}


def of_readings(flow: Flow) -> Iterator[Found]:
    """Yield the calls that read a file of credentials, or somebody's own."""
    of_aws = not _OF_AWS.isdisjoint(flow.expressions.roots)
    folder = _working_folder(flow)
    for call in flow.calls:
        method = last_name(call.node.func)
        if of_aws and method in _GIVE_CREDENTIALS:
            if any(name.partition(".")[0] in _OF_AWS for name in call.names):
                yield _READS, (call.node,)
            continue
        if call.does(tables.STARTS):
            command = flow.text(*call.arguments[:1])
            if tables.CREDENTIAL_FILES.search(command) and _BY_PROGRAM.search(command):
                yield _READS, (call.node,)
            continue
        if any(_names_credentials(each, flow, folder) for each in _read_by(call, method, flow)):
            yield _READS, (call.node,)


def _working_folder(flow: Flow) -> str:
    """Give the folder of somebody's own that is made the working folder; "" for none."""
    for call in flow.calls:
        if call.names & {"os.chdir", "contextlib.chdir", "os.fchdir"} and call.arguments:
            path = flow.text(call.arguments[0])
            if path.startswith("~") and tables.CREDENTIAL_FOLDERS.search(path):
                return path
    return ""


def _read_by(call: Call, method: str, flow: Flow) -> Iterator[ast.expr]:
    """Yield what may be the path of a file that a call reads."""
    function = call.node.func
    if isinstance(function, ast.Attribute) and method in _OF_PATHS:
        writes = method == "open" and _writes(flow.text(*call.arguments[:1]))
        yield from () if writes else (function.value,)
    if "input" in call.names:
        return  # a file is asked for
    last = call.last_names
    hands_on = call.does(tables.COPIES) or not call.names.isdisjoint(_PACKS)
    if not (hands_on or any(map(_READERS.fullmatch, last))):
        return
    mode = [*call.arguments[1:2], *(value for key, value in call.keywords if key == "mode")]
    if not (mode and "open" in last and _writes(flow.text(*mode))):
        yield from call.everything


def _writes(mode: str) -> bool:
    return bool(_WRITING.fullmatch(mode))


def _names_credentials(path: ast.expr, flow: Flow, folder: str) -> bool:
    for text in flow.expressions.pieces(path):
        for line in text.split("\n"):
            if len(line) > _LONGEST or line.count(" ") > _WORDS or "://" in line:
                continue
            if tables.CREDENTIAL_FILES.search(line):
                return True
            # A file of the working folder, or one that is not known.
            if (
                folder
                and line
                and not line.startswith(("/", "~"))
                and (UNKNOWN not in line or "." not in line)
            ):
                return True
    return False
