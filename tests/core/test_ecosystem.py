"""The rules of each ecosystem, and that nothing else tells ecosystems apart."""

import ast
from pathlib import Path

from package_gate.core.artifact import Origin
from package_gate.core.ecosystem import ARCHIVE, ECOSYSTEMS, PYPI, digest_version, ecosystem_of


def test_every_origin_has_rules_of_its_own() -> None:
    assert {origin: ecosystem_of(origin).origin for origin in Origin} == {
        origin: origin for origin in Origin
    }
    assert len(ECOSYSTEMS) == len(Origin)


def test_spellings_of_one_pypi_package_are_one() -> None:
    assert PYPI.normalise_name("Ruamel.YAML_x") == "ruamel-yaml-x"
    assert PYPI.same_version("1.0", "1.0.0")
    assert PYPI.same_version("1.0RC1", "1.0rc1")
    assert not PYPI.same_version("1.0", "1.1")
    assert PYPI.same_version("not a version", "not a version")


def test_an_archive_has_the_version_that_its_bytes_give_it() -> None:
    version = digest_version("0123456789abcdef" * 4)
    assert version == "sha256-0123456789abcdef0123456789abcdef"
    assert ARCHIVE.same_version(version, version)
    assert not ARCHIVE.same_version(version, version.replace("0", "1", 1))


def test_a_pypi_package_has_a_purl_and_an_archive_has_none() -> None:
    assert PYPI.purl("Ruamel.YAML", "0.18.6") == "pkg:pypi/ruamel-yaml@0.18.6"
    assert PYPI.purl("torch", "2.4.1+cpu") == "pkg:pypi/torch@2.4.1%2Bcpu"
    assert ARCHIVE.purl("tomli", "sha256-00") == ""


def test_what_advisories_know_by_name_can_be_looked_up() -> None:
    assert (PYPI.looked_up_by_name, PYPI.osv_name) == (True, "PyPI")
    assert not ARCHIVE.looked_up_by_name


def test_nothing_but_sources_and_publishers_compares_origins() -> None:
    comparing = set()
    package = Path(__file__).parent.parent.parent / "package_gate"
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare | ast.Match | ast.Dict) and any(
                isinstance(each, ast.Attribute)
                and isinstance(each.value, ast.Name)
                and each.value.id == "Origin"
                for each in ast.walk(node)
            ):
                comparing.add(path.relative_to(package).parts[0])
    assert comparing <= {"sources", "publishers"}
    assert "publishers" in comparing
