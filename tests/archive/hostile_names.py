"""Entries with hostile names, in zips and tars."""

from pathlib import Path

from package_gate.core.finding import Severity
from tests.archive.makers import Zipped, make_tar, make_zip, tar_file
from tests.archive.registry import Hostile

CRITICAL, HIGH, MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM
LOW, INFO = Severity.LOW, Severity.INFO

NAMES: list[Hostile] = []

ZIP_NAMES = [
    ("dot-dot", b"../evil.py", "path-traversal", CRITICAL),
    ("dot-dot-inside", b"a/../../evil.py", "path-traversal", CRITICAL),
    ("dot-dot-backslash", b"..\\evil.py", "path-traversal", CRITICAL),
    ("absolute", b"/tmp/evil.py", "absolute-path", CRITICAL),
    ("drive-letter", b"C:/evil.py", "absolute-path", CRITICAL),
    ("drive-relative", b"C:evil.py", "absolute-path", CRITICAL),
    ("unc-path", b"\\\\server\\evil.py", "absolute-path", CRITICAL),
    ("backslash", b"a\\evil.py", "backslash-in-name", HIGH),
    ("nul", b"evil.py\0.txt", "nul-in-name", HIGH),
    ("newline", b"evil\n.py", "control-character", MEDIUM),
    ("terminal-escape", b"\x1b[2Jevil.py", "control-character", MEDIUM),
    ("bidi-override", "evil\u202eyp.txt".encode(), "bidi-character", HIGH),
    ("zero-width", "re\u200bquests.py".encode(), "bidi-character", HIGH),
    ("hangul-filler", "numpy\u3164/evil.py".encode(), "bidi-character", HIGH),
    ("tags", "a\U000e0065\U000e0076.py".encode(), "bidi-character", HIGH),
    ("full-width-slash", "a\uff0fevil.py".encode(), "lookalike-path", HIGH),
    ("division-slash", "a\u2215evil.py".encode(), "lookalike-path", HIGH),
    ("full-width-backslash", "a\uff3cevil.py".encode(), "lookalike-path", HIGH),
    ("full-width-dots", "\uff0e\uff0e/evil.py".encode(), "lookalike-path", HIGH),
    ("two-dot-leader", "\u2025/evil.py".encode(), "lookalike-path", HIGH),
    ("reserved-windows-name", b"aux.py", "unportable-name", INFO),
    ("trailing-dot", b"evil.py.", "unportable-name", INFO),
    ("trailing-space", b"evil.py ", "unportable-name", INFO),
    ("double-slash", b"a//evil.py", "unnormalised-name", INFO),
    ("empty-name", b"", "empty-name", MEDIUM),
    ("too-long", b"a/" * 30 + b"b" * 2000, "limit-path", HIGH),
    ("part-too-long", b"b" * 300, "limit-path", HIGH),
    ("name-of-64-kB", b"b" * 65535, "limit-path", HIGH),
    ("too-deep", b"a/" * 60 + b"evil.py", "limit-depth", HIGH),
]
for _case, _name, _rule, _severity in ZIP_NAMES:
    _flags = 0 if _name.isascii() else 1 << 11

    def _named(path: Path, name: bytes = _name, flags: int = _flags) -> None:
        path.write_bytes(make_zip([Zipped(b"good.py"), Zipped(name, flags=flags)]))

    NAMES.append(Hostile(f"zip-name-{_case}", "hostile.zip", _named, _rule, _severity))


TAR_NAMES = [
    ("dot-dot", b"../evil.py", "path-traversal", CRITICAL),
    ("dot-dot-inside", b"a/b/../../../evil.py", "path-traversal", CRITICAL),
    ("absolute", b"/tmp/evil.py", "absolute-path", CRITICAL),
    ("double-slash-absolute", b"//tmp/evil.py", "absolute-path", CRITICAL),
    ("drive-letter", b"C:/evil.py", "absolute-path", CRITICAL),
    ("backslash", b"a\\evil.py", "backslash-in-name", HIGH),
    ("newline", b"evil\n.py", "control-character", MEDIUM),
    ("bidi-override", "evil\u202eyp.txt".encode(), "bidi-character", HIGH),
    ("drive-relative", b"C:evil.py", "absolute-path", CRITICAL),
    ("unc-path", b"\\\\server\\evil.py", "absolute-path", CRITICAL),
    ("dot-dot-backslash", b"..\\evil.py", "path-traversal", CRITICAL),
    ("terminal-escape", b"\x1b[2Jevil.py", "control-character", MEDIUM),
    ("zero-width", "re\u200bquests.py".encode(), "bidi-character", HIGH),
    ("tags", "a\U000e0065\U000e0076.py".encode(), "bidi-character", HIGH),
    ("full-width-slash", "a\uff0fevil.py".encode(), "lookalike-path", HIGH),
    ("full-width-dots", "\uff0e\uff0e/evil.py".encode(), "lookalike-path", HIGH),
    ("trailing-dot", b"evil.py.", "unportable-name", INFO),
    ("double-slash", b"a//evil.py", "unnormalised-name", INFO),
    ("not-utf8", b"\xff\xfe.py", "name-not-utf8", INFO),
    ("reserved-windows-name", b"NUL", "unportable-name", INFO),
    ("empty", b"", "empty-name", MEDIUM),
    ("too-deep", b"a/" * 45 + b"b", "limit-depth", HIGH),
]
for _case, _name, _rule, _severity in TAR_NAMES:

    def _named_tar(path: Path, name: bytes = _name) -> None:
        path.write_bytes(make_tar(tar_file(b"good.py"), tar_file(name)))

    NAMES.append(Hostile(f"tar-name-{_case}", "hostile.tar", _named_tar, _rule, _severity))
