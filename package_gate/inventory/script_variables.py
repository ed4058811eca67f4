"""Texts of scripts with their own variables put in, as shells, `make`, CMake and Meson would.

`F=cu` and `$(F)rl` is `curl`: what is looked for in a script is looked for in this as well.
"""

import re

_SET = re.compile(
    r"(?:^|[;\s])(?:(?:export|local|readonly|declare|define)\s+)?([A-Za-z_]\w*)[ \t]*[:?+!]{0,2}="
    r"[ \t]*([^\s;&|)]*)|\bset\s*\(\s*([A-Za-z_]\w*)\s+([^\s)]+)",
    re.MULTILINE | re.IGNORECASE,
)
"""A variable and its value: of a shell or of `make`, and `set(A b)` of CMake."""
_USED = re.compile(r"\$\{(\w+)\}|\$\((\w+)\)|\$(\w+)")
_PUT_BETWEEN = re.compile(r"\"\"|''|\\(?=[A-Za-z])")
"""What a shell takes out of the middle of a word."""
_MAX_VALUE = 200
_MESON_SET = re.compile(r"^\s*([A-Za-z_]\w*)\s*=\s*'([^'\\\n]{0,200})'\s*$", re.MULTILINE)
_MESON_USED = re.compile(r"(?<![\w'.])([A-Za-z_]\w*)(?=\s*\+)|(?<=\+)(\s*)([A-Za-z_]\w*)(?![\w'(])")
_MESON_PLUS = re.compile(r"'\s*\+\s*'")


def expanded(text: str) -> str:
    """Give a text with its own variables put in, and those that nothing sets taken out."""
    if "$" not in text:
        return _PUT_BETWEEN.sub("", text)
    values: dict[str, str] = {}
    for match in _SET.finditer(text):
        name, value = match[1] or match[3], match[2] if match[1] else match[4]
        values.setdefault(name, value.strip("\"'")[:_MAX_VALUE])

    def held(match: re.Match[str]) -> str:
        return values.get(match[1] or match[2] or match[3], "")

    return _PUT_BETWEEN.sub("", _USED.sub(held, _USED.sub(held, text)))


def expanded_meson(text: str) -> str:
    """Give the text of a `meson.build` with texts that are added to each other put together."""
    values = {match[1]: match[2] for match in _MESON_SET.finditer(text)}

    def held(match: re.Match[str]) -> str:
        value = values.get(match[1] or match[3])
        return match[0] if value is None else f"{match[2] or ''}'{value}'"

    return _MESON_PLUS.sub("", _MESON_USED.sub(held, text))
