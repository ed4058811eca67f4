"""A scan tells all it knows: of every pin, and of files by names that people give them."""

import pytest

from package_gate.dependency_scan import closures
from tests.dependency_scan.world import World, told, verdicts

CONDA = """\
name: train
channels: [conda-forge]
dependencies:
- python=3.11
- pip:
  - PyYAML==5.3.1
  - one==1.0  # the model
"""


def test_a_pin_that_left_the_index_is_looked_up_beside_others(world: World) -> None:
    world.index.add_wheel("attrs", "21.2.0")
    world.add_advisory("pymocks", "0.0.1")
    result = world.scan({"requirements.txt": "pymocks==0.0.1\nattrs==21.2.0\n"})
    assert verdicts(result) == {"pymocks 0.0.1": "refused", "attrs 21.2.0": "approved"}
    assert len(told(result)) == 1


def test_a_pinned_build_of_another_index_is_looked_up_beside_others(world: World) -> None:
    world.index.add_wheel("torch", "2.0.0")
    world.index.add_wheel("jsonlines", "3.0.0")
    world.add_advisory("torch", "1.8.1")
    result = world.scan({"requirements.txt": "torch==1.8.1+cu111\njsonlines==3.0.0\n"})
    assert verdicts(result) == {"torch 1.8.1+cu111": "refused", "jsonlines 3.0.0": "approved"}


def test_misspelt_lines_of_a_long_file_cost_only_themselves(world: World) -> None:
    names = [f"p{number}" for number in range(60)]
    for name in names:
        world.index.add_wheel(name, "1.0", [f"{name}-dep"])
        world.index.add_wheel(f"{name}-dep", "1.0")
    lines = [*names[:30], "p5-typo==1", *names[30:], "p7-typo"]
    result = world.scan({"requirements.txt": "\n".join(lines)})
    assert len(result.packages) == 121
    assert [line.split(" can't be resolved")[0] for line in told(result)] == [
        "requirements.txt:31: 'p5-typo==1'", "requirements.txt:62: 'p7-typo'",
    ]  # fmt: skip


def test_a_line_of_a_long_file_whose_dependency_is_missing_costs_only_itself(world: World) -> None:
    names = [f"q{number}" for number in range(60)]
    for name in names:
        world.index.add_wheel(name, "1.0")
    world.index.add_wheel("broken", "1.0", ["nowhere"])
    lines = [*names[:40], "broken", *names[40:]]
    result = world.scan({"requirements.txt": "\n".join(lines)})
    assert len(result.packages) == 60
    [problem] = told(result)
    assert problem.startswith("requirements.txt:41: 'broken' can't be resolved")


def test_looking_for_lines_that_fail_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closures, "MAX_ALONE", 3)
    lines = [f"typo{number}==1" for number in range(30)]
    world.add_advisory("typo29", "1")
    result = world.scan({"requirements.txt": "\n".join(lines)})
    assert verdicts(result)["typo29 1"] == "refused"
    assert told(result)


@pytest.mark.parametrize(
    "path", ["conda.yaml", "environment-gpu.yml", "env/train.yml", "environment.yml", "a/b.yaml"]
)
def test_the_pip_section_of_a_conda_environment_is_scanned(world: World, path: str) -> None:
    for name, version in (("pyyaml", "5.3.1"), ("pyyaml", "6.0"), ("one", "1.0")):
        world.index.add_wheel(name, version)
    world.add_advisory("pyyaml", "5.3.1")
    result = world.scan({path: CONDA})
    assert verdicts(result) == {"pyyaml 5.3.1": "refused", "one 1.0": "approved"}
    assert told(result) == []
    [package] = [each for each in result.packages if each.name == "pyyaml"]
    assert [(str(each.direct.place.path), each.direct.place.line) for each in package.chains] == [
        (path, 6)
    ]
    assert result.proposals == ()
    assert "can't be rewritten by itself" in result.unfixed[0].text


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "x", "dependencies": [{"pip": ["one==1.0"]}]}\n',
        "? dependencies\n: - pip: [one==1.0]\n",
    ],
)
def test_a_conda_environment_in_another_style_is_scanned(world: World, text: str) -> None:
    world.index.add_wheel("one", "1.0")
    world.add_advisory("one", "1.0")
    assert verdicts(world.scan({"a/b.yaml": text})) == {"one 1.0": "refused"}


@pytest.mark.parametrize("size", [300_000, 1_500_000])
def test_a_conda_environment_that_is_too_large_is_told(world: World, size: int) -> None:
    world.index.add_wheel("one", "1.0")
    text = "#" * size + "\ndependencies:\n- pip: [two==1.0]\n"
    [problem] = told(world.scan({"b.yaml": text, "requirements.txt": "one"}))
    assert problem.startswith("b.yaml")
    assert "larger than" in problem


def test_the_block_of_a_script_is_found_behind_a_megabyte(world: World) -> None:
    world.index.add_wheel("one", "1.0")
    world.add_advisory("one", "1.0")
    block = "# /// script\n# dependencies = ['one==1.0']\n# ///\n"
    assert verdicts(world.scan({"run.py": "# pad\n" * 200_000 + block})) == {"one 1.0": "refused"}


def test_environments_of_a_hatch_toml_are_told(world: World) -> None:
    world.index.add_wheel("one", "1.0")
    builds = {"hatch.toml": "[build.targets.wheel]\n", "requirements.txt": "one"}
    assert told(world.scan(builds)) == []
    [problem] = told(world.scan(builds | {"hatch.toml": "[envs.a]\ndependencies = ['two']\n"}))
    assert problem.startswith("hatch.toml:None: It is not scanned: ")


def test_conda_packages_are_named_as_not_judged(world: World) -> None:
    text = "dependencies: [python=3.11, conda-forge::numpy=1.26=py311, 'scipy>=1']\n"
    result = world.scan({"environment.yml": text})
    [problem] = told(result)
    assert "conda packages are not judged (numpy, scipy)" in problem


@pytest.mark.parametrize(
    "text",
    ["name: chart\ndependencies:\n- name: redis\n  version: 1\n", "dependencies:\n  a: 1\n", "x: 1",
     "{{ template }}\ndependencies:\n- a: [\n"],
)  # fmt: skip
def test_yaml_files_of_other_tools_are_none_of_these(world: World, text: str) -> None:
    world.index.add_wheel("one", "1.0")
    result = world.scan({"Chart.yaml": text, "requirements.txt": "one"})
    assert told(result) == []


@pytest.mark.parametrize(
    "text",
    [b"dependencies: [", b"dependencies:\n- \xff\n", b"dependencies: " + b"[" * 100_000],
)
def test_a_conda_environment_that_can_not_be_read_is_told(world: World, text: bytes) -> None:
    [problem] = [line for line in told(world.scan({"environment.yml": text})) if "YAML" in line
                 or "UTF-8" in line]  # fmt: skip
    assert problem.startswith("environment.yml")


@pytest.mark.parametrize("path", ["requirements.lock", "requirement.txt", "requirements-dev.lock"])
def test_requirements_by_names_that_people_give_them_are_scanned(world: World, path: str) -> None:
    world.index.add_wheel("one", "1.0")
    world.add_advisory("one", "1.0")
    assert verdicts(world.scan({path: "one==1.0\n"})) == {"one 1.0": "refused"}


@pytest.mark.parametrize(
    "path",
    ["pixi.toml", "pixi.lock", "conda-lock.yml", "gpu.conda-lock.yml", "conda-linux-64.lock"],
)
def test_files_of_other_tools_are_named_as_not_read(world: World, path: str) -> None:
    world.index.add_wheel("one", "1.0")
    [problem] = told(world.scan({path: "x", "requirements.txt": "one"}))
    assert problem.startswith(f"{path}:None: It is not scanned: ")


SCRIPT = """\
#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "one==1.0",
#   "two",
# ]
# ///
import one
"""


def test_a_script_that_says_what_it_needs_is_scanned(world: World) -> None:
    world.index.add_wheel("one", "1.0")
    world.index.add_wheel("two", "1.0")
    world.add_advisory("one", "1.0")
    result = world.scan({"tools/fetch.py": SCRIPT, "other.py": "print('# /// script')\n"})
    assert verdicts(result) == {"one 1.0": "refused", "two 1.0": "approved"}
    [package] = [each for each in result.packages if each.name == "one"]
    assert package.chains[0].direct.place.line == 5
    assert told(result) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("# ///\n", ""), "has no end"),
        (('"two"', '"two @ https://u:canary@h.example/two.whl"'), "neither fetched nor scanned"),
        (('"two"', '"=="'), "is no requirement"),
        (("# dependencies = [", "# dependencies = [["), "no valid TOML"),
        (("# ///\n", '# [tool.uv]\n# index-url = "https://h.example/s"\n# ///\n'), "not followed"),
        ((">=3.11", "newest"), "names no Python versions"),
    ],
)
def test_what_a_script_asks_for_otherwise_is_told(
    world: World, change: tuple[str, str], problem: str
) -> None:
    world.index.add_wheel("one", "1.0")
    world.index.add_wheel("two", "1.0")
    result = world.scan({"fetch.py": SCRIPT.replace(*change)})
    assert any(problem in line for line in told(result))
    assert "canary" not in repr(told(result))
