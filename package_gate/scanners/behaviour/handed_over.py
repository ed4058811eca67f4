"""Commands that code which runs by itself gives to whatever it calls.

Nobody can name all functions that start a program. But a text that is nothing else than a command
which fetches and runs code is for somebody who will run it, whatever the function is called.
"""

import ast
import re
from collections.abc import Iterator

from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.dataflow import Call, Flow

Found = tuple[str, tuple[ast.expr, ...]]

_HANDED = "hands-over-a-command"
_RULES = {
    *("runs-downloaded-code", "opens-a-reverse-shell", "runs-a-hidden-command"),
    *("starts-again-by-itself", "destroys-files", "sends-secrets"),
}
_COMMANDS = tuple(pattern for rule, pattern in tables.COMMANDS if rule in _RULES)
_IS_A_COMMAND = re.compile(
    r"(?:[!\"'({$\[\s]|%%?(?:sx|sc|system|bash|sh)\s|(?:sudo|nohup|setsid|env|exec|eval|command)\s+(?=\w)"
    r"|(?:\S*/)?(?:ba|z|da|k|a)?sh(?:\.exe)?\s+-\w*c\s+|cmd(?:\.exe)?\s+/c\s+|\w+=\S*\s+)*+"
    rf"(?:\S*/)?(?:{tables.FETCH}|{tables.SHELL}|(?:nc|ncat|netcat|socat|mkfifo|crontab|systemctl"
    r"|schtasks|launchctl|reg|powershell|pwsh|mshta|regsvr32|cd|rm|mkfs|dd|env|printenv|git|cat|echo"
    r"|true|sleep|export|del|rd|rmdir|mkdir)\b|<\(|:\s*[;&]|\d+<>)",
    re.IGNORECASE,
)
"""How a text begins that is a command, and does not only speak of one."""
_CALLS_IN_CODE = re.compile(
    r"\b(?:os|posix|nt|subprocess|pty|commands)\s*\.\s*(?:system|popen|exec\w*|spawn\w*|posix_spawn\w*"
    r"|run|call|Popen|check_\w+|get\w*output)\s*\("
)
_CALLS_BY_IMPORT = re.compile(
    r"__import__\(\s*['\"](?:os|posix|nt|subprocess|pty|commands)['\"]\s*\)\s*\.\s*"
    r"(?:system|popen|exec\w*|spawn\w*|posix_spawn\w*|run|call|Popen|check_\w+|get\w*output)\s*\("
    r"|__(?:globals|builtins)__\W+(?:\w+\W+)?(?:os|posix|subprocess)\W+"
    r"(?:system|popen|run|call|Popen)\b"
)
"""In texts: a call that nobody writes into one who has nothing to hide."""
_SHOWS = re.compile(
    r"(?:pp?rint|echo|secho|debug|info|warn\w*|error|critical|exception|log|fail|exit|abort|skip\w*"
    r"|add_argument|add_parser|option|argument|field|\w*(?:Error|Exception|Warning|Parser|Option"
    r"|Argument|Field|Markdown|Text|Panel)|dedent|cleandoc|match|search|fullmatch|findall|sub"
    r"|startswith|endswith|count|index|find)",
    re.IGNORECASE,
)
"""Functions that only show what they are given, or look whether it is there."""
_TOLD = {"help", "epilog", "description", "usage", "message", "msg", "doc", "summary", "title"}
"""Arguments that somebody is to read."""
_RUN_THEM = {
    *("BASH_ENV", "ENV", "PROMPT_COMMAND", "PERL5OPT", "RUBYOPT", "PYTHONSTARTUP", "GIT_SSH"),
    *("GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "GIT_ASKPASS", "SSH_ASKPASS", "GIT_PROXY_COMMAND"),
    *("LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "LESSOPEN"),
}
"""Variables of the environment that name a file which programs run or load."""
_TAKES_OWN_FILES = {"multiprocessing.set_executable", "pytest.main"}
_INPUT = "input"
_SHORTEST = 9
"""Characters of a command."""


def of_commands_handed_over(flow: Flow) -> Iterator[Found]:
    """Yield the calls, and what is put into the environment, that hand a command over."""
    shown = {id(each.exc) for each in flow.of_kind(ast.Raise)}
    for call in flow.calls:
        if _runs_own_files(call, flow):
            yield "runs-own-data", (call.node,)
        if id(call.node) not in shown and _hands_a_command_over(call, flow):
            yield _HANDED, (call.node,)
    for item in flow.of_kind(ast.Subscript):  # `local["sh"]["-c", command]`
        of_names = not isinstance(item.slice, ast.Constant | ast.Slice)
        if of_names and any(map(_is_command, flow.expressions.pieces(item.slice))):
            yield _HANDED, (item,)
    for annotation in _annotations(flow):
        if isinstance(annotation.value, str) and _CALLS_BY_IMPORT.search(annotation.value):
            yield _HANDED, (annotation,)
    for container, key, value in flow.items_set():
        if "os.environ" in flow.expressions.names(container):
            if any(map(_is_command, flow.expressions.pieces(value))):
                yield _HANDED, (value,)
            if flow.text(key) in _RUN_THEM and "__file__" in flow.text(value):
                yield "runs-own-data", (value,)
    for node in flow.of_kind(ast.Dict):
        for name, value in zip(node.keys, node.values, strict=True):
            named = isinstance(name, ast.Constant) and name.value in _RUN_THEM
            if named and "__file__" in flow.text(value):
                yield "runs-own-data", (value,)
    for assigned in flow.of_kind(ast.Assign):
        if any(_is_argv(each, flow) for each in assigned.targets):
            command = flow.text(assigned.value).replace("\n", " ")
            for rule, pattern in tables.COMMANDS:
                if rule == "installs-another-package" and pattern.search(command):
                    yield rule, (assigned.value,)


def _runs_own_files(call: Call, flow: Flow) -> bool:
    """Whether a file of the package becomes the interpreter, or examples in its texts are run."""
    if call.names.isdisjoint(_TAKES_OWN_FILES):
        return False
    given = flow.text(*call.arguments)
    is_examples = "pytest.main" in call.names
    return "__file__" in given and (not is_examples or "--doctest" in given)


def _is_argv(target: ast.expr, flow: Flow) -> bool:
    whole = target.value if isinstance(target, ast.Subscript) else target
    is_attribute = isinstance(whole, ast.Attribute) and whole.attr == "argv"
    return is_attribute and "sys.argv" in flow.expressions.names(whole)


def _hands_a_command_over(call: Call, flow: Flow) -> bool:
    if call.does(tables.STARTS) or call.does(tables.PIPES):
        # What is the command of a program is looked at elsewhere.
        given = [value for key, value in call.keywords if key == _INPUT]
        given += call.arguments[:1] if call.does(tables.PIPES) else ()
        return any(_has_command(flow.text(each)) for each in given) or any(
            _is_command(piece)
            for key, value in call.keywords
            if key == "env"
            for piece in flow.expressions.pieces(value)
        )
    given = [value for key, value in call.keywords if key not in _TOLD]
    given += call.arguments
    for each in given:
        if isinstance(each, ast.Constant) and len(str(each.value)) < _SHORTEST:
            continue
        for piece in flow.expressions.pieces(each):
            code = "import" in piece or "__" in piece
            code = code and bool(_CALLS_BY_IMPORT.search(piece) or _is_code(piece))
            if (code or _is_command(piece)) and not only_shows(call, flow):
                return True
    return False


def _has_command(text: str) -> bool:
    return any(pattern.search(text) for pattern in _COMMANDS)


def _is_command(piece: str) -> bool:
    """Whether a text is a command as a whole."""
    return bool(_IS_A_COMMAND.match(piece)) and _has_command(piece)


def _is_code(piece: str) -> bool:
    """Whether a text is Python that starts such a command."""
    return "import" in piece and bool(_CALLS_IN_CODE.search(piece)) and _has_command(piece)


def only_shows(call: Call, flow: Flow) -> bool:
    """Whether a function only shows what it is given, or keeps it in an object of the package."""
    if any(map(_SHOWS.fullmatch, call.last_names)):
        return True
    if any(name.startswith("re.") for name in call.names):
        return True
    starts = tables.STARTS in tables.with_any(call.names)
    for name in call.names if not starts else ():
        own = name in flow.expressions.classes or name.startswith(".")
        own = own or flow.is_own(name.partition(".")[0])
        if own and name.rpartition(".")[2][:1].isupper():
            return True
    return False


def _annotations(flow: Flow) -> Iterator[ast.Constant]:
    types: list[ast.expr | None] = [each.annotation for each in flow.of_kind(ast.AnnAssign)]
    for function in flow.functions:
        arguments = function.args
        given = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        types += [function.returns, *(each.annotation for each in given)]
    yield from (each for each in types if isinstance(each, ast.Constant))
