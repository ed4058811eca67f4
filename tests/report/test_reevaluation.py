import io
from dataclasses import replace

from rich.console import Console

from package_gate.core.reevaluation import Reevaluated
from package_gate.report.reevaluation import print_reevaluation
from tests.report.sample_run import refused, run


def printed(outcome: Reevaluated) -> str:
    file = io.StringIO()
    print_reevaluation(outcome, Console(file=file, width=100, soft_wrap=True, highlight=False))
    return file.getvalue()


def test_where_nothing_was_decided_again_no_verdicts_are_counted() -> None:
    nothing = replace(run(), warnings=("Look at this.",))
    output = printed(Reevaluated(7, (), (), nothing))
    assert "WARNING: Look at this." in output
    assert "0 approved" not in output
    assert output.endswith("7 packages looked up, 0 decided again, 0 reported\n")


def test_what_was_decided_again_is_told_as_of_a_run() -> None:
    output = printed(Reevaluated(7, (), (), run(refused())))
    assert "refused: PyYAML==5.3.1" in output
    assert "0 approved, 1 refused, 0 undecided" in output
