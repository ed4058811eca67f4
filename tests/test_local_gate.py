"""The whole gate on one machine, as a process: real index, real downloads, real scanners, pip."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from package_gate.commands.advisory_sources import SAMPLE_ADVISORIES
from tests import preloaded, programs
from tests.fakes.https_server import HTTPSServer, Responder, respond
from tests.fakes.package_index import PackageIndex
from tests.local_run import POLICY, PROJECT, LocalRun

DEFAULT_SCANNERS = pytest.mark.parametrize("scanners", [None], ids=["default scanners"])
"""For a run with all that are on by default."""


@pytest.fixture
def scanners() -> str | None:
    """Where a test is about something else, the scanners are one of each kind."""
    return "osv,ruff"


@pytest.fixture
def local(tmp_path: Path, server: HTTPSServer, scanners: str | None) -> LocalRun:
    environment = {"PACKAGE_GATE_SCANNERS": scanners} if scanners else {}
    return LocalRun(tmp_path, PackageIndex(server), environment=environment)


def pip_download(local: LocalRun, requirement: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [programs.pip() / "pip", "--isolated", "download", "--dest", local.folder / "got",
         "--index-url", (local.output / "simple").as_uri(), requirement],
        env={"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@DEFAULT_SCANNERS
def test_approved_closures_install_with_pip_and_refused_ones_are_not_there(
    local: LocalRun,
) -> None:
    local.index.add_wheel("app", "1.0", ["dep>=1"])
    local.index.add_wheel("dep", "1.5")
    local.index.add_wheel("holey", "2.0", ["dep"])
    local.add_advisory("holey", "2.0")
    result = local.run("app,pypi:app,jo@example.com\nholey,pypi:holey==2.0\n")
    assert result.returncode == 0, result.stdout + result.stderr
    assert local.verdicts() == {"app": "approved", "holey": "refused"}
    assert pip_download(local, "app").returncode == 0
    assert {path.name.split("-")[0] for path in (local.folder / "got").iterdir()} == {"app", "dep"}
    assert "No matching distribution found for holey" in pip_download(local, "holey").stderr
    for name in ("report.html", "findings.sarif", "junit.xml"):
        assert (local.output / name).stat().st_size > 0
    emails = [path.read_text() for path in (local.output / "outbox").iterdir()]
    assert any("To: jo@example.com" in email for email in emails)
    assert len(emails) == 2


def test_a_second_run_scans_and_downloads_nothing(local: LocalRun) -> None:
    local.index.add_wheel("app", "1.0")
    local.run("app,pypi:app\n")
    local.index.server.requests.clear()
    result = local.run("app,pypi:app\n")
    assert result.returncode == 0
    assert local.index.server.requests == []
    assert "scanning" not in result.stdout


def test_an_archive_in_the_guidances_two_column_form(local: LocalRun) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("tool-master/tool.py", "x = 1\n")
    local.index.server.routes["/o/tool/archive/refs/heads/master.zip"] = respond(
        content.getvalue(), headers={"Content-Type": "application/zip"}
    )
    url = f"{local.index.server.url}/o/tool/archive/refs/heads/master.zip"
    result = local.run(f"tool,{url}\n")
    assert result.returncode == 0, result.stdout + result.stderr
    assert (local.output / "generic/tool/Latest/tool.zip").read_bytes() == content.getvalue()
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    local.run(f"right,{url}#sha256={digest}\nwrong,{url}#sha256={'0' * 64}\n")
    assert local.verdicts() == {"right": "approved", "wrong": "refused"}


def test_a_private_host_that_the_policy_does_not_name_is_refused(local: LocalRun) -> None:
    local.policy = ""
    result = local.run(f"tool,{local.index.server.url}/tool.zip\n")
    assert result.returncode == 0
    assert local.verdicts() == {"tool": "refused"}
    assert local.index.server.requests == []


def test_bad_lines_are_told_and_leave_something_unfinished(local: LocalRun) -> None:
    local.index.add_wheel("app", "1.0")
    result = local.run("app,pypi:app\nnonsense\n")
    assert result.returncode == 1
    assert local.verdicts() == {"app": "approved"}
    assert local.report()["errors"][0]["line"] == 2
    assert "line 2" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--requests", "/nowhere.csv"], "There is no request file /nowhere.csv"),
        (["--policy", "/nowhere.toml"], "The policy /nowhere.toml can't be read"),
        (["--scanners", "osv,none"], "there is no scanner 'none'"),
        (["--output", "/proc/nowhere"], "/proc/nowhere can't be written"),
        (["--unknown"], "unrecognized arguments: --unknown"),
    ],
)
def test_a_wrong_argument_is_status_2_and_named(
    local: LocalRun, arguments: list[str], message: str
) -> None:
    result = local.run("", *arguments)
    assert result.returncode == 2
    assert message in result.stderr


def test_a_typo_in_the_policy_stops_the_gate_before_any_download(local: LocalRun) -> None:
    local.policy = "[cooldown]\ndayz = 1"
    result = local.run("app,pypi:app\n")
    assert result.returncode == 2
    assert "dayz" in result.stderr
    assert local.index.server.requests == []


def test_advisories_that_cannot_be_read_leave_everything_undecided(local: LocalRun) -> None:
    local.index.add_wheel("app", "1.0")
    local.add_advisory("x", "1")
    next((local.advisories / "PyPI").iterdir()).write_text("{")
    result = local.run("app,pypi:app\n")
    assert result.returncode == 1
    assert local.verdicts() == {"app": "undecided"}
    assert not (local.output / "simple/app").exists()


def test_advisories_out_of_reach_leave_everything_undecided_and_say_what_to_do(
    local: LocalRun,
) -> None:
    local.index.add_wheel("app", "1.0")
    result = local.run("app,pypi:app\n", "--advisories", "https://localhost:9")
    assert result.returncode == 1
    assert local.verdicts() == {"app": "undecided"}
    assert "--advisories" in local.report()["requests"][0]["reasons"][0]


def test_verdicts_with_sample_advisories_say_so_and_are_made_again_with_real_ones(
    local: LocalRun,
) -> None:
    local.index.add_wheel("app", "1.0")
    local.index.add_wheel("urllib3", "1.25.8")
    requests = "app,pypi:app\nurllib3,pypi:urllib3==1.25.8\n"
    result = local.run(requests, "--advisories", str(SAMPLE_ADVISORIES))
    assert result.returncode == 0, result.stdout + result.stderr
    assert local.verdicts() == {"app": "approved", "urllib3": "refused"}
    assert local.report()["sample_advisories"] is True
    assert all(request["sample_advisories"] for request in local.report()["requests"])
    assert "SAMPLE ADVISORIES" in result.stdout
    assert "SAMPLE ADVISORIES" in (local.output / "report.html").read_text()
    local.run(requests)
    assert local.report()["sample_advisories"] is False
    assert all(request["decided_now"] for request in local.report()["requests"])
    assert local.verdicts() == {"app": "approved", "urllib3": "approved"}


@pytest.mark.parametrize(
    "script", ["codeartifact-codeguru-security-scan.py", "github-codeguru-security-scan.py"]
)
def test_the_entry_points_name_all_that_is_not_configured(local: LocalRun, script: str) -> None:
    result = subprocess.run(
        [sys.executable, PROJECT / script, "--output", local.output],
        env={"PATH": os.environ["PATH"], "HOME": str(local.folder)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert result.returncode == 2
    for name in ("SNSTopic", "PACKAGE_GATE_RECORDS", "AWS_REGION"):
        assert f"{name} is missing" in result.stderr


@DEFAULT_SCANNERS
def test_configuration_that_lies_around_changes_nothing(local: LocalRun) -> None:
    """What a requester could plant where the gate runs: uv, ruff, pip, git, netrc, Python."""
    local.index.add_wheel("app", "1.0")
    cwd = local.folder / "cwd"
    cwd.mkdir()
    planted = "https://planted.example/simple"
    (cwd / "uv.toml").write_text(f'index-url = "{planted}"\n')
    (cwd / "pyproject.toml").write_text(f'[tool.uv]\nindex-url = "{planted}"\n[tool.ruff]\nx = 1\n')
    (cwd / "ruff.toml").write_text("not = [valid")
    (cwd / ".env").write_text(f"UV_DEFAULT_INDEX={planted}\n")
    (cwd / ".netrc").write_text("machine localhost login canary password canary\n")
    (cwd / "package_gate.py").write_text("raise SystemExit('planted module was imported')\n")
    (cwd / "rich.py").write_text("raise SystemExit('planted module was imported')\n")
    (local.folder / "home").mkdir()
    (local.folder / "home/.netrc").write_text("machine localhost login canary password canary\n")
    (local.folder / "home/.netrc").chmod(0o600)
    result = local.run("app,pypi:app\n")
    assert result.returncode == 0, result.stdout + result.stderr
    assert local.verdicts() == {"app": "approved"}
    assert all("Authorization" not in headers for *_, headers in local.index.server.requests)


@DEFAULT_SCANNERS
@pytest.mark.parametrize(
    ("step", "number"),
    [
        ("resolving", signal.SIGINT),
        ("resolving", signal.SIGKILL),
        ("fetching", signal.SIGINT),
        ("fetching", signal.SIGKILL),
        ("scanning", signal.SIGINT),
        ("scanning", signal.SIGTERM),
        ("scanning", signal.SIGHUP),
        ("scanning", signal.SIGKILL),
    ],
)
def test_a_stopped_run_is_finished_by_the_next(
    local: LocalRun, step: str, number: signal.Signals
) -> None:
    """The steps after these are too short for a signal: see test_gate.py for a kill at each."""
    local.index.add_wheel("app", "1.0")
    stopped = threading.Event()

    def held(responder: Responder) -> Responder:
        """Answer when the run has been stopped, so that the step can't be over before."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            stopped.wait(100)
            responder(handler)

        return answer

    for path, responder in local.index.server.routes.items():
        if step == "resolving" or (step == "fetching" and path.endswith(".whl")):
            local.index.server.routes[path] = held(responder)
    process = preloaded.Popen(
        local.command("app,pypi:app\n"),
        env=local.environ(),
        cwd=local.folder / "cwd",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if step in line:
            break
    process.send_signal(number)
    stopped.set()
    rest = process.stdout.read()
    status = process.wait(100)
    process.stdout.close()
    assert status == (-signal.SIGKILL if number is signal.SIGKILL else 128 + number)
    if number is not signal.SIGKILL:
        assert rest.endswith("package gate: stopped. The next run finishes what is open.\n")
        assert not any(word in rest for word in ("WARNING", "ERROR", "Traceback")), rest
    deadline = time.monotonic() + 100
    while workers_of(local) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert workers_of(local) == []
    result = local.run("app,pypi:app\n")
    assert result.returncode == 0, result.stdout + result.stderr
    assert local.verdicts() == {"app": "approved"}
    assert not (local.output / ".scratch").exists()
    assert len(list((local.output / "outbox").iterdir())) == 1


def workers_of(local: LocalRun) -> list[str]:
    """Give the processes that still work in the run's scratch folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(local.output) in str((process / "cwd").readlink()):
                found.append(process.name)
        except OSError:
            continue
    return found


def test_a_rescan_that_refuses_takes_the_package_out_of_the_index(local: LocalRun) -> None:
    local.index.add_wheel("app", "1.0")
    local.run("app,pypi:app\n")
    assert pip_download(local, "app").returncode == 0
    local.add_advisory("app", "1.0", severity="CRITICAL")
    result = local.run("app,pypi:app\n", "--rescan")
    assert local.verdicts() == {"app": "refused"}
    assert "was approved, is refused now" in " ".join(result.stdout.split())
    assert pip_download(local, "app").returncode != 0


def test_a_waiver_lets_a_refused_package_through_with_the_next_run(local: LocalRun) -> None:
    local.index.add_wheel("app", "1.0")
    local.add_advisory("app", "1.0")
    local.run("app,pypi:app\n")
    assert local.verdicts() == {"app": "refused"}
    local.policy += (
        '[[waivers]]\npackage = "app"\nfinding = "PYSEC-2026-1"\nexpires = 2099-01-01\n'
        'approved_by = "Jo"\nreason = "Not reachable."\n'
    )
    local.run("app,pypi:app\n")
    assert local.verdicts() == {"app": "approved"}


def test_options_are_taken_from_the_environment_too(local: LocalRun) -> None:
    local.index.add_wheel("app", "1.0")
    local.environment["PACKAGE_GATE_DRY_RUN"] = "1"
    assert local.run("app,pypi:app\n").returncode == 0
    assert local.verdicts() == {"app": "approved"}
    for folder in ("decisions", "outbox", "simple"):
        assert not (local.output / folder).exists()
    local.environment = {"PACKAGE_GATE_SCANNERS": "none"}
    result = local.run("app,pypi:app\n")
    assert result.returncode == 2
    assert "there is no scanner 'none'" in result.stderr


@DEFAULT_SCANNERS
def test_two_runs_on_one_folder_do_not_mix(local: LocalRun) -> None:
    local.index.add_wheel("app", "1.0")
    command = local.command("app,pypi:app\n")
    processes = [
        preloaded.Popen(
            command, env=local.environ(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(2)
    ]
    statuses = sorted(process.wait(60) for process in processes)
    assert statuses in ([0, 0], [0, 1])
    assert local.verdicts() == {"app": "approved"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of 6 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_leaves_its_request_undecided_and_the_others_alone(
    local: LocalRun, small_disk: Path
) -> None:
    local.index.add_wheel("small", "1.0")
    noise = os.urandom(8 * 1024 * 1024)
    local.output = small_disk / "out"

    def when_the_other_is_decided(handler: BaseHTTPRequestHandler) -> None:
        until = time.monotonic() + 120  # what is decided while the disk is full is undecided
        records = local.output / "decisions" / "requests"
        while time.monotonic() < until and not any(records.glob("*.json")):
            time.sleep(0.05)
        respond(noise)(handler)

    local.index.server.routes["/large.zip"] = when_the_other_is_decided
    result = local.run(f"large,{local.index.server.url}/large.zip\nsmall,pypi:small\n")
    assert result.returncode == 1, result.stdout + result.stderr
    assert local.verdicts() == {"large": "undecided", "small": "approved"}
    assert "No space left on device" in str(local.report())


@DEFAULT_SCANNERS
def test_a_scanner_that_cannot_start_leaves_everything_undecided(local: LocalRun) -> None:
    local.index.add_wheel("app", "1.0")
    local.policy += "[limits]\nscan_memory_bytes = 20_000_000\n"
    result = local.run("app,pypi:app\n")
    assert result.returncode == 1
    assert local.verdicts() == {"app": "undecided"}
    assert "did not finish" in local.report()["requests"][0]["reasons"][0]


def test_provenance_is_verified_as_pypi_serves_it(local: LocalRun) -> None:
    data = PROJECT / "tests" / "data" / "provenance"
    [real] = data.glob("*.whl")
    name, version = real.name.split("-")[:2]
    entry = local.index.add_file(name, real.name, real.read_bytes())
    local.index.attest(entry, Path(f"{real}.provenance").read_bytes())
    forged = local.index.add_wheel("forged", "1.0")
    local.index.attest(forged, Path(f"{real}.provenance").read_bytes())
    lost = local.index.add_wheel("lost", "1.0")
    local.index.attest(lost, None)
    lost["provenance"] = f"{local.index.url}/lost/provenance"
    local.index.add_wheel("silent", "1.0")
    local.policy = POLICY + '[provenance]\nrequire = "downgrade"\n'
    result = local.run(
        f"real,pypi:{name}=={version}\nforged,pypi:forged\nlost,pypi:lost\nsilent,pypi:silent\n"
    )
    assert result.returncode == 1, result.stdout + result.stderr
    assert local.verdicts() == {
        "real": "approved",
        "forged": "refused",
        "lost": "undecided",
        "silent": "approved",
    }
    said = {
        each["name"]: each["packages"][0].get("provenance") for each in local.report()["requests"]
    }
    assert said["real"] == "attested by circleci:fdd9283f-e619-46af-8f9c-851f7d3e8b2b"
    assert said["silent"] == "unknown: the index offers no attestations"
    page = (local.output / "report.html").read_text()
    assert f"<dt>Provenance</dt><dd>{said['real']}</dd>" in page
    explained = subprocess.run(
        [sys.executable, "-m", "package_gate", "explain", name, "--output", local.output],
        env=local.environ(), cwd=local.folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"provenance: {said['real']}" in explained.stdout
    assert not (local.folder / "home" / ".cache" / "sigstore-python").exists()
