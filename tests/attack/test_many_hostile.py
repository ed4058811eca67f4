"""Many hostile archives in one run of the whole gate; by hand a thousand (benchmark `hostile`)."""

from pathlib import Path

from tests.archive.hostile_run import run_hostile
from tests.archive.hostile_variants import variants
from tests.local_run import LocalRun


def run(local: LocalRun, requests: str) -> tuple[int, str]:
    done = local.run(requests)
    return done.returncode, done.stdout


def test_no_hostile_archive_is_approved_or_lost_among_others(tmp_path: Path) -> None:
    everything = list(variants(1200, seed=1))
    some = everything[::31]
    assert len(some) > 30
    assert any(not variant.rule for variant in some)
    assert 10 < sum(variant.project != "" for variant in some) < len(some) - 10

    assert run_hostile(some, tmp_path, run).faults == []
