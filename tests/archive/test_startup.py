"""Lines of `.pth` files that honest wheels have pass; those that reach `sys.path` refuse."""

from pathlib import Path

import pytest

from package_gate.archive.roles import begins_as_bytecode
from package_gate.archive.startup_lines import is_plain
from package_gate.core.finding import Severity
from tests.archive.test_installed import severities

NAMESPACE = (
    "import sys, types, os;has_mfs = sys.version_info > (3, 5);"
    "p = os.path.join(sys._getframe(1).f_locals['sitedir'], *('demo', 'a'));"
    "importlib = has_mfs and __import__('importlib.util');"
    "has_mfs and __import__('importlib.machinery');"
    "m = has_mfs and sys.modules.setdefault('demo.a', importlib.util.module_from_spec("
    "importlib.machinery.PathFinder.find_spec('demo.a', [os.path.dirname(p)])));"
    "m = m or sys.modules.setdefault('demo.a', types.ModuleType('demo.a'));"
    "mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p);"
    "m and setattr(sys.modules['demo'], 'a', m)"
)
HONEST = (
    NAMESPACE,
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == "
    "'local'; enabled and __import__('_distutils_hack').add_shim(); ",
    'import sys; exec(\'import os\\n\\nif os.getenv("COVERAGE_PROCESS_START"):\\n try:\\n  '
    'import coverage\\n except:\\n  pass\\n else:\\n  coverage.process_startup(slug="pth")\')',
    "import os, sys;exec('if \\'COV\\' in os.environ:\\n try:\\n  from demo.embed import init\\n"
    '  init()\\n except Exception as exc:\\n  sys.stderr.write("no subprocess: {0!r}".'
    "format(dict((k, v) for k, v in os.environ.items())))\\n')",
    "import hunter; hunter._embed_via_environment()",
    "import pywin32_bootstrap",
    "import os; os.path.exists(os.path.join('a', 'b')) and __import__('demo')",
    "import this is no Python",
)
HARMFUL = (
    "import sys; p = sys.path; p.insert(0, p.pop())",
    "import sys; setattr(sys, 'path', ['/tmp/x'] + sys.path)",
    "import sys; sys.__dict__['pa'+'th'][:0] = ['/tmp/x']",
    "import sys; sys.path.sort()",
    "import sys as s; vars(s)",
    "import os; os.sys.path",
    "import os; makepath(sitedir)",
    "import os; __import__('sys').path",
    "import os; __import__(os.environ['A'])",
    "import os; exec('import sys; sys.path.reverse()')",
    "import os; exec(os.environ['A'])",
    "import threading; from threading import _sys as os; os.path.insert(0, 'x')",
    "import a; os = a.b; os.path.sort()",
    "import a; [os.path.sort() for os in [a.b]]",
    "import a; (lambda os: os.path.sort())(a.b)",
    "import operator; operator.attrgetter('path')",
    "import sys; sys.modules['boto3'] = None",
    "import sys; from sys import path as p; p.clear()",
    "import os; os.path.__globals__",
    NAMESPACE.replace("'demo', 'a'", "'..', 'a'"),
    NAMESPACE.replace("'__path__'", "'path'"),
    "import a; " + "(" * 10_000,
)


@pytest.mark.parametrize("line", HONEST)
def test_lines_of_honest_wheels_are_plain(line: str, tmp_path: Path) -> None:
    assert is_plain(line)
    found = severities("demo_pkg", {"demo.pth": line.encode()}, tmp_path)
    assert found == {"startup-hook": Severity.INFO}


@pytest.mark.parametrize("line", HARMFUL)
def test_lines_that_reach_the_path_are_not(line: str, tmp_path: Path) -> None:
    assert not is_plain(line)
    found = severities("demo_pkg", {"demo.pth": line.encode()}, tmp_path)
    assert found["startup-code"] == Severity.HIGH


def test_what_an_executed_text_calls_counts(tmp_path: Path) -> None:
    line = b"import os; exec('import os; os.system(\"a b\")')"
    assert severities("demo_pkg", {"demo.pth": line}, tmp_path)["startup-code"] == Severity.HIGH


def test_a_folder_that_a_path_file_adds_may_begin_with_a_space(tmp_path: Path) -> None:
    files = {"demo.pth": b" extra \n", " extra/boto3/__init__.py": b"", " extra/demo.py": b""}
    assert severities("demo_pkg", files, tmp_path)["foreign-module"] == Severity.HIGH


@pytest.mark.parametrize("file", ["boot.py", "boot/__init__.py"])
def test_a_module_that_a_path_file_imports_may_not_put_folders_first(
    file: str, tmp_path: Path
) -> None:
    files = {"demo.pth": b"import demo_pkg.boot\n", f"demo_pkg/{file}": b"import sys\n"}
    assert severities("demo_pkg", files, tmp_path / "a") == {"startup-hook": Severity.INFO}

    files[f"demo_pkg/{file}"] += b"sys.path.insert(0, 'x')\n"
    assert severities("demo_pkg", files, tmp_path / "b")["startup-code"] == Severity.HIGH


@pytest.mark.parametrize(
    "place",
    [
        *("boto3-99.0-py3.11.egg", "boto3-99.0-py3.11.egg/EGG-INFO/PKG-INFO"),
        *("more/boto3-99.dist-info/METADATA", "more/boto3.egg-info"),
    ],
)
def test_metadata_of_another_distribution_refuses(place: str, tmp_path: Path) -> None:
    files = {"demo.pth": b"more\n", place: b"Name: boto3\n", "more/demo_pkg-1.dist-info/A": b""}
    assert severities("demo_pkg", files, tmp_path)["dist-info"] == Severity.HIGH


def test_its_own_does_not(tmp_path: Path) -> None:
    files = {"demo.pth": b"more\n", "more/demo_pkg-1.dist-info/METADATA": b"Name: demo-pkg\n"}
    assert severities("demo_pkg", files, tmp_path) == {"startup-hook": Severity.INFO}


@pytest.mark.parametrize("flags", [b"\0\0\0\0", b"\3\0\0\0", b"\x0a\x0a\x0a\x0a"])
def test_bytecode_is_told_whatever_its_flags(flags: bytes) -> None:
    assert begins_as_bytecode(b"\xa7\x0d\r\n" + flags + b"\1" * 8 + b"\xe3\0")


@pytest.mark.parametrize("text", [b"a\r\r\n1\r\r\n2\r\r\n3\r\r\n", b"{\r\r\n  1\r\r\n}\r\r\n"])
def test_text_with_doubled_line_ends_is_no_bytecode(text: bytes) -> None:
    assert not begins_as_bytecode(text)
