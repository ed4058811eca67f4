"""Requirements whose markers fit none of the policy's targets are installed somewhere else."""

from package_gate.core.decision import Verdict
from tests.dependency_scan.world import World, proposed, told, verdicts

WINDOWS = "; sys_platform == 'win32'"
WHEEL = "cp311-cp311-win_amd64"


def test_they_are_scanned_with_what_they_bring_in_and_fixed(world: World) -> None:
    world.index.add_wheel("one", "1.0")
    for version in ("1.0", "2.0"):
        world.index.add_wheel("other", version, ["deep"])
    world.index.add_wheel("deep", "1.0")
    world.add_advisory("other", "1.0")
    result = world.scan({"requirements.txt": f"one==1.0\nother==1.0 {WINDOWS}\n"})
    assert verdicts(result) == {
        "other 1.0": "refused", "deep 1.0": "approved", "one 1.0": "approved",
    }  # fmt: skip
    assert proposed(result) == {"requirements.txt": f"one==1.0\nother==2.0 {WINDOWS}\n"}


def test_each_of_several_pins_of_a_package_is_scanned(world: World) -> None:
    world.index.add_wheel("one", "1.0")
    world.index.add_wheel("one", "2.0")
    world.add_advisory("one", "1.0")
    text = "one==1.0 ; python_version < '3.9'\none==2.0 ; python_version >= '3.9'\n"
    assert verdicts(world.scan({"requirements.txt": text})) == {
        "one 1.0": "refused", "one 2.0": "approved",
    }  # fmt: skip


def test_a_pin_without_files_for_the_targets_is_looked_up_alone(world: World) -> None:
    world.index.add_wheel("one", "1.0")
    world.index.add_wheel("windows", "1.0", tag=WHEEL)
    world.add_advisory("windows", "1.0")
    result = world.scan({"requirements.txt": f"one\nwindows==1.0 {WINDOWS}\n"})
    assert verdicts(result) == {"windows 1.0": "refused", "one 1.0": "approved"}
    assert told(result) == []
    assert any("only the release itself was looked up" in note for note in result.notes)


def test_what_cannot_be_known_of_them_is_told(world: World) -> None:
    world.index.add_wheel("one", "1.0")
    world.index.add_wheel("windows", "1.0", tag=WHEEL)
    lines = [f"windows {WINDOWS}", f"missing==1.0 {WINDOWS}", f"one==9.0 {WINDOWS}"]
    result = world.scan({"requirements.txt": "\n".join(["one", *lines])})
    assert result.verdict is Verdict.UNDECIDED
    assert [problem.split("' is for none")[0].split(";")[0] for problem in told(result)] == [
        "requirements.txt:2: 'windows", "requirements.txt:3: 'missing==1.0",
        "requirements.txt:4: 'one==9.0",
    ]  # fmt: skip


def test_a_constraint_for_other_platforms_does_not_stand_against_them(world: World) -> None:
    for version in ("1.0", "2.0"):
        world.index.add_wheel("one", version)
    old, new = "; python_version < '3.9'", "; python_version >= '3.9'"
    result = world.scan(
        {
            "requirements.txt": f"-c constraints.txt\none<2 {old}\none {new}\n",
            "constraints.txt": f"one==2.0 {new}\n",
        }
    )
    assert told(result) == []
    assert verdicts(result) == {"one 1.0": "approved", "one 2.0": "approved"}
