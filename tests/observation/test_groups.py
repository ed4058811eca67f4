"""Control groups are made where the kernel lets this process, and nowhere else."""

from pathlib import Path

from package_gate.observation import groups
from package_gate.observation.documents import Bounds
from package_gate.observation.observe import isolation_of

MOUNT = "31 24 0:28 {root} {mount} rw,relatime - {kind} {kind} rw,{options}"


def mount(mount: Path, kind: str = "cgroup2", options: str = "nsdelegate", root: str = "/") -> str:
    return MOUNT.format(root=root, mount=mount, kind=kind, options=options)


def test_a_group_that_was_delegated_has_them(tmp_path: Path) -> None:
    scope = tmp_path / "user" / "app" / "gate.scope"
    scope.mkdir(parents=True)
    for folder, given in ((scope, ""), (scope.parent, "memory pids\n"), (tmp_path, "cpu memory")):
        folder.joinpath("cgroup.subtree_control").write_text(given)

    found = [*groups.parents(mount(tmp_path), "0::/user/app/gate.scope\n")]

    assert [(each.folder, each.controllers) for each in found] == [
        (scope.parent, frozenset({"memory", "pids"})),
        (tmp_path, frozenset({"cpu", "memory"})),
    ]


def test_a_group_without_controllers_has_none(tmp_path: Path) -> None:
    assert [*groups.parents(mount(tmp_path), "0::/\n")] == []


def test_the_first_version_has_a_hierarchy_for_each_controller(tmp_path: Path) -> None:
    mounts = "\n".join(
        [
            mount(tmp_path / "memory", "cgroup", "memory", root="/job"),
            mount(tmp_path / "cpu", "cgroup", "cpu,cpuacct"),
            mount(tmp_path / "freezer", "cgroup", "freezer"),
        ]
    )
    own = "5:memory:/job/inner\n4:cpu,cpuacct:/\n3:freezer:/\n0::/\n"

    found = [*groups.parents(mounts, own)]

    assert {(str(each.folder), *each.controllers) for each in found} == {
        (str(tmp_path / "memory" / "inner"), "memory"),
        (str(tmp_path / "cpu"), "cpu"),
    }
    assert all(each.is_first_version for each in found)


def test_groups_are_removed_and_what_they_hold_is_said() -> None:
    with groups.made(Bounds()) as made:
        assert all(folder.is_dir() for folder in made.folders)
        assert bool(made.folders) == bool(made.held)
        assert ("control groups" in isolation_of(made.held)) == bool(made.held)
    assert not any(folder.exists() for folder in made.folders)


def test_bounds_that_were_met_are_counted(tmp_path: Path) -> None:
    tmp_path.joinpath("memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    tmp_path.joinpath("pids.events").write_text("max 7\n")

    assert groups.met([tmp_path]) == {"memory": 2, "pids": 7}
