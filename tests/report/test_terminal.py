import io
import re
import threading
from dataclasses import replace

from rich.console import Console

from package_gate.core.request import LineError, PyPISource, Request
from package_gate.core.run import Run
from package_gate.report.terminal import Progress, print_verdicts
from tests.report.sample_run import (
    approved,
    earlier,
    hostile_run,
    refused,
    run,
    sample_run,
    scanner_crash,
)


def printed(told: Run, *, terminal: bool = False, width: int = 100) -> str:
    file = io.StringIO()
    console = Console(
        file=file, force_terminal=terminal, width=width, color_system="standard",
        legacy_windows=False, soft_wrap=True, highlight=False, _environ={},
    )  # fmt: skip
    print_verdicts(told, console)
    return file.getvalue()


def test_a_build_log_gets_a_plain_line_for_each_request() -> None:
    output = printed(sample_run())
    assert "\x1b" not in output
    assert (
        "refused: PyYAML==5.3.1 (1 package, sample advisories): "
        "critical vulnerability PYSEC-2021-142 in pyyaml 5.3.1 (and 1 more)\n"
    ) in output
    assert "undecided: polars==1.30.0 (0 packages): polars 1.30.0 was released" in output
    assert output.endswith("\n6 approved, 1 refused, 2 undecided, 2 bad lines\n")


def test_an_install_command_is_printed_in_one_piece_however_narrow_the_console_is() -> None:
    command = approved().decision.install_command
    assert f"    {command}\n" in printed(sample_run(), width=40)
    assert f"    {command}" in printed(sample_run(), terminal=True, width=40)


def test_advice_that_concerns_several_requests_is_printed_once() -> None:
    other = replace(scanner_crash(), request=Request("other", PyPISource("other"), "", 9))
    output = printed(run(scanner_crash(), other))
    assert "\nlangchain, other\n    Those who run the gate act" in output
    assert output.count("Those who run the gate act") == 1


def test_warnings_and_bad_lines_come_first() -> None:
    output = printed(sample_run())
    first = output.index("WARNING: SAMPLE ADVISORIES")
    assert first < output.index("WARNING: An email") < output.index("line 6: The columns")
    assert output.index("line 6: The columns") < output.index("approved")


def test_a_terminal_gets_a_table_with_the_verdict_in_colour() -> None:
    output = printed(sample_run(), terminal=True, width=160)
    assert "━" in output
    assert "\x1b[1;31mrefused" in output
    assert "\x1b[1;32mapproved" in output


def test_a_warning_is_whole_on_a_terminal() -> None:
    for width in (60, 160):
        output = printed(sample_run(), terminal=True, width=width)
        words = " ".join(re.sub(r"\x1b\[[0-9;]*m|│", " ", output).split())
        assert "give a real snapshot with --advisories." in words


def test_a_narrow_terminal_gets_no_table_and_no_broken_word() -> None:
    output = printed(sample_run(), terminal=True, width=60)
    assert "━" not in output
    assert "\x1b[1;31mrefused\x1b[0m: \x1b[1mPyYAML==5.3.1" in output
    assert "    1 package, sample advisories: critical" in output
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output).splitlines()
    copied = ("    python -m pip", "    Write:", "Report:")
    assert [line for line in plain if len(line) > 60 and not line.startswith(copied)] == []


def test_what_is_approved_is_told_with_its_version_and_its_notebooks() -> None:
    told = approved()
    only = ("Python 3.11 on linux", "Python 3.12 on linux")
    told = replace(told, decision=replace(told.decision, targets=only))
    assert "scikit-learn 1.5.2 for Python 3.11 / 3.12 on linux\n" in printed(run(told))
    assert "scikit-learn 1.5.2 for Python" in printed(run(told), terminal=True, width=160)


def test_a_terminal_of_90_columns_gets_a_table_and_one_of_89_a_list() -> None:
    assert "━" in printed(sample_run(), terminal=True, width=90)
    assert "━" not in printed(sample_run(), terminal=True, width=89)


def test_thousands_of_earlier_verdicts_are_counted_and_not_listed() -> None:
    output = printed(run(*(earlier(number) for number in range(5000)), approved()))
    assert len(output.splitlines()) < 40
    assert "and 4980 more that earlier runs decided" in output
    assert "scikit-learn==1.5.2" in output


def test_what_earlier_runs_refused_is_listed_before_what_they_approved() -> None:
    refusal = replace(refused(), decided_now=False)
    output = printed(run(*(earlier(number) for number in range(100)), refusal))
    assert "and 81 more that earlier runs decided" in output
    assert sum(line.startswith("refused") for line in output.splitlines()) == 1


def test_hostile_text_neither_commands_the_terminal_nor_becomes_markup() -> None:
    plain = printed(hostile_run())
    assert all(line.isprintable() for line in plain.split("\n"))
    assert "[red]bold[/red]" in plain
    assert ":skull:" in plain

    coloured = printed(hostile_run(), terminal=True, width=200)
    assert "\x1b]8" not in coloured
    assert "\u202e" not in coloured
    assert "\x1b[31m" not in coloured.replace("\x1b[31mrefused", "")


def test_no_text_of_a_requester_is_a_command_to_a_build_service() -> None:
    texts = (
        "::stop-commands::x",
        "  ::error::x",
        "##[add-path]/tmp",
        "x ##vso[task.x]y",
        "##VSO[a",
    )
    output = printed(
        replace(hostile_run(), line_errors=tuple(LineError(1, t, t, t) for t in texts))
    )
    assert output.count("stop-commands::x") == 3
    assert not any(line.lstrip().startswith("::") for line in output.splitlines())
    assert "##[" not in output
    assert "##vso[" not in output.lower()


def test_progress_in_a_build_log_is_a_line_a_step() -> None:
    file = io.StringIO()
    with Progress(Console(file=file, force_terminal=False, width=30)) as progress:
        progress.step("scikit-learn", "resolving")
        progress.step("evil\x1b[31m\n[red]", "fetching " + "x" * 60)
    first, second = file.getvalue().splitlines()
    assert first == "scikit-learn: resolving"
    assert second == r"evil\x1b[31m [red]: fetching " + "x" * 60


def test_progress_on_a_terminal_shows_the_latest_steps_and_is_gone_at_the_end() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, _environ={})
    with Progress(console) as progress:
        for number in range(20):
            progress.step(f"package-{number}", "scanning")
        console.print(progress._render())
    output = file.getvalue()
    assert "package-19: scanning" in output
    assert "package-3: scanning" not in output.split("package-19")[0]
    assert "\x1b[2K" in output


def test_progress_on_a_terminal_counts_and_forgets_what_has_ended() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, _environ={})
    with Progress(console) as progress:
        progress.step("idna 3.10", "fetching")
        progress.step("numpy 2.1", "scanning")
        progress.count("packages", 1, 98)
        progress.count("requests", 0, 10)
        progress.end("idna 3.10", "approved")
        console.print("now:", progress._render())
    now = file.getvalue().rpartition("now:")[2]
    assert "0/10 requests, 1/98 packages" in now
    assert "numpy 2.1: scanning" in now
    assert "idna" not in now


def test_a_long_download_shows_how_much_of_it_is_here() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, _environ={})
    with Progress(console) as progress:
        progress.step("torch 2.9", "fetching 812 MB", lambda: 120_400_000)
        console.print("now:", progress._render())
    assert "torch 2.9: fetching 812 MB, 120 MB so far (0 s)" in file.getvalue()


def test_what_came_of_it_is_a_line_of_a_build_log() -> None:
    file = io.StringIO()
    with Progress(Console(file=file, force_terminal=False)) as progress:
        progress.end("idna 3.10")
        progress.end("idna", "approved")
        progress.count("requests", 1, 1)
    assert file.getvalue() == "idna: approved\n"


def test_progress_takes_steps_from_several_threads() -> None:
    file = io.StringIO()
    with Progress(Console(file=file, force_terminal=False)) as progress:

        def work(name: str) -> None:
            for _ in range(50):
                progress.step(name, "scanning")

        threads = [
            threading.Thread(target=work, args=[name]) for name in ("one", "two", "three", "four")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(set(file.getvalue().splitlines())) == [
        "four: scanning", "one: scanning", "three: scanning", "two: scanning",
    ]  # fmt: skip
    assert len(file.getvalue().splitlines()) == 200
