"""What a pickle asks for, told from its instructions: nothing of it is loaded."""

import pickletools

MAX_BYTES = 4 * 1024 * 1024
"""Larger ones are not read through: an instruction takes a microsecond."""
START = b"\x80"
"""How a pickle of protocol 2 and newer begins; older ones may be any text."""
_ASK = {"GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"}
"""The instructions that bring in a function or a class. Without one there is nothing to call."""


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
