"""Which modules of an unpacked package import which, as far as their text says.

It is read off with regular expressions, since parsing takes a hundred times as long. What only
looks like an import does no harm: it is one more module to look at.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cached_property

_WORD = rb"[\w\x80-\xff]++"
_DOTTED = rb"%b(?:\s*+\.\s*+%b)*+" % (_WORD, _WORD)
_IMPORT = re.compile(
    rb"\bfrom\b([.\s]*+(?:(?!import\b)%b)?+)\s*+\bimport\b\s*+(?=(\([^)]*+\)|[^\n;#]*+))"
    rb"|\bimport\s+(%b(?:\s+as\s+%b)?(?:\s*,\s*%b(?:\s+as\s+%b)?)*)"
    % (_DOTTED, _DOTTED, _WORD, _DOTTED, _WORD)
)
"""What `from` takes is not consumed: that one may stand in a comment, and hold an import itself."""
_DOT = re.compile(rb"\s*+\.\s*+")
_NAME = re.compile(rb"[\w.\x80-\xff]++")
_ALIAS = re.compile(rb"\s+as\s+%b" % _WORD)
_LIBRARY = re.compile(r"^[^/]+\.data/(?:pure|plat)lib/")
"""Where a wheel may have modules as well; all of them land in one folder."""


class ModuleGraph:
    """The Python files of a package by their paths in its tree."""

    def __init__(
        self, modules: dict[str, bytes], is_of_a_build: Callable[[str], bool] = lambda _: False
    ) -> None:
        """Take the files' contents by path, and who may import from any folder (`sys.path`)."""
        self.modules = modules
        self._is_of_a_build = is_of_a_build
        self._places = {installed(path): path for path in modules}
        self._resolved: dict[tuple[str, str, bool], tuple[str, str]] = {}

    def importers(self, path: str) -> list[str]:
        """Give the modules that may import this one."""
        return [each for each in self._importers.get(path, ()) if each != path]

    def imports_itself(self, path: str) -> bool:
        """Whether a module may have itself by its name, to call what it defines."""
        return path in self._importers.get(path, ())

    def resolve(self, path: str, name: str) -> tuple[str, str]:
        """Find the module that a dotted name in a module leads to, and the rest of the name.

        Args:
            path: of the module that has the name.
            name: such as `.agent.Agent`, where the dots at the beginning count folders.

        Returns:
            The module's path, "" when it is none of this package, and the rest of the name.
        """
        asked = path.rpartition("/")[0], name, self._is_of_a_build(path)
        if asked not in self._resolved:
            self._resolved[asked] = self._resolve(path, name)
        return self._resolved[asked]

    def _resolve(self, path: str, name: str) -> tuple[str, str]:
        dots = len(name) - len(name.lstrip("."))
        parts = [part for part in name[dots:].split(".") if part]
        parts, beyond = parts[: self._depth], parts[self._depth :]
        folders = installed(path).split("/")[:-1]
        above = [folders[:length] for length in range(len(folders), -1, -1)]
        for base in [above[min(dots, len(above)) - 1]] if dots else above:
            for length in range(len(parts), -1 if dots else 0, -1):
                place = "/".join((*base, *parts[:length]))
                # As Python does, which prefers the folder.
                for module in (f"{place}/__init__.py" if place else "__init__.py", f"{place}.py"):
                    if module in self._places:
                        return self._places[module], ".".join((*parts[length:], *beyond))
        for length in range(len(parts), 0, -1) if self._is_of_a_build(path) else ():
            place = "/".join(parts[:length])
            for module in self._by_name.get(parts[length - 1], ()):
                if f"/{module}".endswith((f"/{place}.py", f"/{place}/__init__.py")):
                    return module, ".".join((*parts[length:], *beyond))
        return "", ""

    def anywhere(self, name: str) -> list[str]:
        """Give the modules, in whatever folder of a source tree, that have a dotted name."""
        place = name.replace(".", "/")
        ends = (f"/{place}.py", f"/{place}/__init__.py")
        same = self._by_name.get(place.rpartition("/")[2], ())
        return [path for path in same if f"/{path}".endswith(ends)]

    @cached_property
    def _depth(self) -> int:
        return 1 + max((path.count("/") for path in self.modules), default=0)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.modules:
            name = path.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2]
            found.setdefault(name, []).append(path)
        return found

    @cached_property
    def _importers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path, content in self.modules.items():
            targets = {self.resolve(path, name)[0] for name in set(imported_names(content))}
            for target in targets - {""}:
                found.setdefault(target, []).append(path)
        return found


def installed(path: str) -> str:
    """Give the path of a wheel's module below the folder that modules are imported from."""
    return _LIBRARY.sub("", path, count=1)


def imported_names(code: bytes) -> Iterator[str]:
    """Give all names that may be modules: `from a import b` may mean `a` or `a.b`.

    Args:
        code: of a module, as `read_source` gives it.
    """
    if not code.isascii():
        code = unicodedata.normalize("NFKC", code.decode("utf-8", "replace")).encode()
    for match in _IMPORT.finditer(code.replace(b"\\\n", b" ")):
        module, names, plain = match.groups()
        if plain is not None:
            names, module = _DOT.sub(b".", plain), b""
        base = b"".join(module.split()).decode("utf-8", "replace")
        if base:
            yield base
        for each in _NAME.findall(_ALIAS.sub(b"", names)):
            name = each.decode("utf-8", "replace")
            yield f"{base}{name}" if base.endswith(".") or not base else f"{base}.{name}"
