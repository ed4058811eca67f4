from pathlib import Path

import pytest

from package_gate.scanners.behaviour.compiled_sources import of_compiled_sources

TAKING = {
    "src/fast.c": '__asm__(".incbin \\"" ROOT "/.aws/credentials\\"");',
    "src/fast.S": '.text\n  .incbin "/home/rows/data.bin"',
    "src/lib.rs": 'const KEY: &str = include_str!("/root/.ssh/id_ed25519");',
    "fast.cpp": 'const char key[] = {\n#embed "/proc/self/environ"\n};',
    "include/fast.hpp": '# include "/etc/shadow"',
}
HONEST = {
    "src/fast.c": '#include <stdio.h>\n#include "../include/fast.h"\n',
    "src/table.S": '.incbin "data/table.bin"',
    "src/lib.rs": 'const PAGE: &str = include_str!(concat!(env!("OUT_DIR"), "/page.html"));',
    "src/path.c": "/* reads ~/.netrc and /etc/passwd when it is asked to */\nint x;",
    "docs/fast.txt": '.incbin "/home/rows/data.bin"',
}


@pytest.mark.parametrize("path", sorted(TAKING))
def test_a_file_of_the_machine_that_goes_into_a_library_is_seen(tmp_path: Path, path: str) -> None:
    _write(tmp_path, path, TAKING[path])

    ((found, behaviour),) = of_compiled_sources(tmp_path)
    assert (found, behaviour.rule) == (path, "reads-credentials")
    assert behaviour.fingerprint


@pytest.mark.parametrize("path", sorted(HONEST))
def test_files_of_the_tree_are_not(tmp_path: Path, path: str) -> None:
    _write(tmp_path, path, HONEST[path])

    assert not list(of_compiled_sources(tmp_path))


def _write(tree: Path, path: str, text: str) -> None:
    target = tree / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
