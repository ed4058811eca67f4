"""Approved means: the email's command works in the notebook, for every target Python."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.https_server import HTTPSServer, https_server, respond
from tests.fakes.package_index import PackageIndex, metadata, wheel
from tests.local_run import POLICY, LocalRun
from tests.notebooks import NEW_PIP, OLD_PIP, interpreter, notebook

PYTHONS = ("3.11", "3.12")
BACKEND = b"""\
import pathlib, sys, zipfile
import buildhelper
def get_requires_for_build_wheel(config_settings=None):
    return []
def build_wheel(directory, config_settings=None, metadata_directory=None):
    filename = "source-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(directory) / filename, "w") as wheel:
        wheel.writestr("source.py", pathlib.Path("source.py").read_text())
        for name, text in {
            "METADATA": pathlib.Path("PKG-INFO").read_text(),
            "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
            "RECORD": "",
        }.items():
            wheel.writestr(f"source-1.0.dist-info/{name}", text)
    return filename
"""
REQUESTS = """\
app,"pypi:app[more]>=1"
source,pypi:source
eleven,pypi:eleven==1.0
nowhere,pypi:nowhere==1.0
stale,pypi:stale==1.0
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HTTPSServer]:
    with https_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, server: HTTPSServer) -> LocalRun:
    """Run a gate once over requests of every kind."""
    index = PackageIndex(server)
    index.add_wheel("app", "1.0", ["dep", 'addition; extra == "more"'], extras=["more"])
    index.add_wheel("dep", "1.0", requires_python="<3.12")
    index.add_wheel("dep", "2.0", requires_python=">=3.12")
    index.add_wheel("addition", "1.0")
    core = metadata("backend", "1.0", ["buildhelper"])
    index.add_file("backend", *wheel("backend", "1.0", core, content={"backend.py": BACKEND}))
    index.add_wheel("buildhelper", "1.0")
    index.add_sdist(
        "source",
        "1.0",
        {
            "PKG-INFO": metadata("source", "1.0", ["dep"]),
            "pyproject.toml": b"[build-system]\nrequires = ['backend']\nbuild-backend = 'backend'",
            "source.py": b"ANSWER = 42\n",
        },
    )
    index.add_wheel("eleven", "1.0", requires_python=">=3.7,<3.12")
    index.add_wheel("nowhere", "1.0", requires_python="<3.7")
    core = metadata("stale", "1.0", ["dep (>=1.*)"])
    index.add_file("stale", *wheel("stale", "1.0", core))
    core = metadata("direct", "1.0", ["dep"])
    filename, content = wheel("direct", "1.0", core)
    server.routes[f"/elsewhere/{filename}"] = respond(content)
    run = LocalRun(
        tmp_path_factory.mktemp("run"),
        index,
        policy=POLICY.replace('["3.11"]', '["3.11", "3.12"]'),
        environment={"PACKAGE_GATE_SCANNERS": "osv,ruff"},
    )
    result = run.run(f"{REQUESTS}direct,{server.url}/elsewhere/{filename}\n")
    assert result.returncode == 0, result.stdout + result.stderr
    return run


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebooks")


def python(version: str) -> Path:
    """Find a Python, or skip the test."""
    found = interpreter(version)
    if found is None:
        pytest.skip(f"there is no Python {version} on this machine")
    return found


def command(local: LocalRun, name: str) -> str:
    (found,) = (each for each in local.report()["requests"] if each["name"] == name)
    return str(found["install_command"])


@pytest.mark.parametrize("pip", [OLD_PIP, NEW_PIP])
@pytest.mark.parametrize("version", PYTHONS)
def test_the_command_of_each_approval_installs_it(
    local: LocalRun, notebooks: Path, version: str, pip: str
) -> None:
    working = notebook(notebooks / f"{version}-{pip}", python(version), pip)
    for name, modules in {
        "app": ("app", "dep", "addition"),
        "source": ("source", "dep"),
        "direct": ("direct", "dep"),
    }.items():
        installed = working.run(command(local, name))
        assert installed.returncode == 0, installed.stdout + installed.stderr
        for module in modules:
            imported = working.imports(module)
            assert imported.returncode == 0, imported.stderr
    assert working.imports("backend").returncode != 0, "a build's tools were installed"


def test_what_is_for_one_python_only_says_so_wherever_it_is_told(local: LocalRun) -> None:
    (eleven,) = (each for each in local.report()["requests"] if each["name"] == "eleven")
    assert eleven["verdict"] == "approved"
    assert eleven["targets"] == ["Python 3.11 on x86_64-manylinux_2_28"]
    assert "asks for Python >=3.7,<3.12" in eleven["notes"][0].replace(", ", ",")
    said = "It is for Python 3.11 on x86_64-manylinux_2_28 only"
    assert said in (local.output / "report.html").read_text()
    emails = [" ".join(path.read_text().split()) for path in (local.output / "outbox").iterdir()]
    (email,) = (each for each in emails if "eleven" in each)
    assert said in email


@pytest.mark.parametrize("version", PYTHONS)
def test_it_can_be_installed_where_it_says_and_nowhere_else(
    local: LocalRun, notebooks: Path, version: str
) -> None:
    working = notebook(notebooks / f"{version}-eleven", python(version))
    installed = working.run(command(local, "eleven"))
    assert (installed.returncode == 0) is (version == "3.11"), installed.stderr


def test_what_is_for_no_python_of_the_policy_is_refused(local: LocalRun) -> None:
    (nowhere,) = (each for each in local.report()["requests"] if each["name"] == "nowhere")
    assert nowhere["verdict"] == "refused"
    assert "nowhere 1.0 asks for Python <3.7" in nowhere["reasons"][0]


def test_metadata_that_new_pips_refuse_is_told_with_what_to_do(
    local: LocalRun, notebooks: Path
) -> None:
    (stale,) = (each for each in local.report()["requests"] if each["name"] == "stale")
    assert stale["verdict"] == "approved"
    (note,) = (each for each in stale["notes"] if "pip 24.1 and newer refuse" in each)
    assert "dep (>=1.*)" in note
    assert "pypi:pip<24.1" in note
    for pip, installs in ((OLD_PIP, True), (NEW_PIP, False)):
        working = notebook(notebooks / f"stale-{pip}", python("3.11"), pip)
        installed = working.run(stale["install_command"])
        assert (installed.returncode == 0) is installs, installed.stderr


def test_a_wheel_by_its_address_says_what_does_not_come_with_it(local: LocalRun) -> None:
    (direct,) = (each for each in local.report()["requests"] if each["name"] == "direct")
    assert any("pypi:NAME: dep" in note for note in direct["notes"])
