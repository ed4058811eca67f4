"""What a pickle asks for, told from its instructions: nothing of it is loaded."""

import pickletools
import re

START_BYTES = 1024
"""Of a file that does not begin like a pickle."""
MAX_BYTES = 4 * 1024 * 1024
"""Larger ones are not read through: an instruction takes a microsecond."""
START = b"\x80"
"""How a pickle of protocol 2 and newer begins; older ones may be any text."""
_CALLS = {
    b"os": (b"system", b"popen", b"execv", b"execl", b"spawnl", b"spawnv"),
    b"posix": (b"system", b"popen", b"execv", b"spawnv"),
    b"nt": (b"system", b"popen", b"execv", b"spawnv"),
    b"subprocess": (b"Popen", b"call", b"run", b"check_call", b"check_output", b"getoutput"),
    b"builtins": (b"exec", b"eval", b"compile", b"__import__"),
    b"__builtin__": (b"exec", b"eval", b"compile", b"__import__"),
    b"runpy": (b"run_path", b"run_module", b"_run_code"),
    b"pty": (b"spawn",),
    b"code": (b"interact",),
    b"importlib": (b"import_module",),
    b"webbrowser": (b"open",),
    **dict.fromkeys((b"timeit", b"cProfile", b"profile", b"pdb", b"bdb", b"doctest", b"trace"), ()),
    **dict.fromkeys((b"codeop", b"ctypes", b"socket", b"http.client", b"smtplib", b"ftplib"), ()),
    **dict.fromkeys((b"shutil", b"venv", b"ensurepip", b"pydoc", b"marshal", b"sqlite3"), ()),
    **dict.fromkeys((b"asyncio", b"unittest", b"tkinter", b"threading", b"_thread"), ()),
    b"urllib.request": (b"urlopen", b"urlretrieve"),
    b"pip": (b"main",),
}
"""Module → functions that no pickle of data needs; () for all."""
_ANY = rb"[A-Za-z_]\w*"
CALLS_WHEN_LOADED = re.compile(
    b"|".join(
        # GLOBAL of protocols 0 to 3, and STACK_GLOBAL with its two texts (Lib/pickletools.py).
        rb"c%b\n(?:%b)\n|\x8c%b%b[^\n]{0,6}(?:\x8c(?:%b)[^\n]{0,4}|h.)\x94?\x93"
        % (
            re.escape(module),
            b"|".join(names) or _ANY,
            re.escape(bytes([len(module)])),
            re.escape(module),
            # A name that is the module's as well stands there once: BINGET.
            b"|".join(re.escape(bytes([len(name)])) + name for name in names) or b"." + _ANY,
        )
        for module, names in _CALLS.items()
    ),
    re.DOTALL,
)
"""A pickle, or a part of one, that calls one of these as soon as it is loaded."""
_ASK = {"GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"}
"""The instructions that bring in a function or a class. Without one there is nothing to call."""


_BY_NAME = {"PERSID", "BINPERSID"}
_UNKNOWN = re.compile(r"at position \d+, opcode b'.*' unknown$|no string quotes around")
_STOP = b"."
_NONSENSE = re.compile(rb"[pg]\D|[ci](?!\s*\S+\s*\n)")
"""An instruction with a line that has to be a number, or a module's name, and is none."""


def is_no_pickle(start: bytes) -> bool:
    """Whether a file that anybody may come across ends, read as a pickle, before it calls anything.

    It ends where an instruction takes something from the stack, or up to a mark, and nothing is
    there, and where it asks for an object by a name of the program's own, of which none is known.

    Args:
        start: of the file. What is not told by that may be one.
    """
    start = start.lstrip(_STOP)
    if not start or _NONSENSE.match(start):
        return True
    depth, marked = 0, False
    try:
        for instruction, _, _ in pickletools.genops(start):
            takes = instruction.stack_before
            to_a_mark = pickletools.markobject in takes
            if not marked and (to_a_mark or len(takes) > depth):
                return True
            if instruction.name in _BY_NAME:
                return True
            marked = marked or instruction.name == "MARK"
            depth += len(instruction.stack_after) - len(takes)
            by_line = instruction.arg is not None and instruction.arg.n == pickletools.UP_TO_NEWLINE
            if instruction.name in _ASK or by_line:  # others may read a line in another way
                return False
    except ValueError as error:
        return _UNKNOWN.match(str(error)) is not None
    except (RecursionError, MemoryError):
        pass
    return False


def is_plain_data(content: bytes) -> bool:
    """Whether this is one pickle, of numbers, texts and containers alone."""
    if not content.startswith(START) or len(content) > MAX_BYTES:
        return False
    end = 0
    try:
        for instruction, _, place in pickletools.genops(content):
            if instruction.name in _ASK:
                return False
            end = place or 0
    except (ValueError, RecursionError, MemoryError):  # what is no pickle, or is cut off
        return False
    return end == len(content) - 1  # the last one is STOP
