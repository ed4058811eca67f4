"""Which sources of advisories a run has."""

from pathlib import Path

import pytest

from package_gate.advisories import snyk
from package_gate.advisories.snyk import SnykSettings
from package_gate.commands import advisory_sources as module
from package_gate.commands.advisory_sources import (
    SAMPLE_ADVISORIES,
    SNYK_PLAN,
    SNYK_TOKEN,
    advisory_sources,
)
from package_gate.core.errors import ConfigurationError
from package_gate.net.session import Network
from tests.fakes.https_server import HTTPSServer, respond


def is_sample(
    folder: Path, *, advisories: str = "", may_use_sample: bool, network: Network | None = None
) -> bool:
    with advisory_sources(
        ["osv"], advisories, {}, network or Network(), folder, may_use_sample=may_use_sample
    ) as chosen:
        return chosen.sample


def test_the_sample_stands_in_for_an_api_out_of_reach_only_where_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OSV_API", "https://localhost:9")
    assert is_sample(tmp_path, may_use_sample=True)
    assert not is_sample(tmp_path, may_use_sample=False)


@pytest.mark.parametrize(("status", "sample"), [(200, False), (503, True)])
def test_the_sample_stays_away_when_the_api_answers(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: HTTPSServer,
    status: int,
    *,
    sample: bool,
) -> None:
    server.routes["/v1/querybatch"] = respond(b"{}", status=status)
    monkeypatch.setattr(module, "OSV_API", server.url)
    network = Network(ca_bundle=str(server.ca_file))
    assert is_sample(tmp_path, may_use_sample=True, network=network) is sample


def test_no_sample_stands_in_for_advisories_that_were_asked_for(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text("{}")
    for advisories in ("https://localhost:9", str(tmp_path)):
        assert not is_sample(tmp_path, advisories=advisories, may_use_sample=True)


def test_the_sample_is_known_by_whatever_name_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(SAMPLE_ADVISORIES)
    for name in (SAMPLE_ADVISORIES, tmp_path / "link"):
        assert is_sample(tmp_path, advisories=str(name), may_use_sample=True)
        with pytest.raises(
            ConfigurationError, match=r"which only a run that publishes to a folder may use"
        ):
            is_sample(tmp_path, advisories=str(name), may_use_sample=False)


def test_the_sources_that_are_named_are_made_and_nothing_is_read_or_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    names = ["guarddog", "inspector", "osv", "codeguru"]
    environ = {"AWS_REGION": "eu-west-1"}
    with advisory_sources(names, "s3://bucket/all.zip", environ, Network(), tmp_path) as chosen:
        assert [source.name for source in chosen.sources] == ["inspector", "osv"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("plan", "enterprise"), [("", False), ("free", False), ("enterprise", True)]
)
def test_snyks_plan_says_what_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan: str, enterprise: bool
) -> None:
    made: list[SnykSettings] = []
    monkeypatch.setattr(snyk, "Snyk", lambda settings, *clients: made.append(settings))
    environ = {"AWS_REGION": "eu-west-1", SNYK_TOKEN: "ssm:/snyk", SNYK_PLAN: plan}

    advisory_sources(["snyk"], "", environ, Network(), tmp_path)

    assert [settings.enterprise for settings in made] == [enterprise]


def test_a_plan_that_snyk_does_not_have_is_a_mistake(tmp_path: Path) -> None:
    environ = {"AWS_REGION": "eu-west-1", SNYK_TOKEN: "ssm:/snyk", SNYK_PLAN: "team"}
    with pytest.raises(ConfigurationError, match=f"{SNYK_PLAN} must be free or enterprise"):
        advisory_sources(["snyk"], "", environ, Network(), tmp_path)


def test_snyk_without_a_token_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=SNYK_TOKEN):
        advisory_sources(["snyk"], "", {"AWS_REGION": "eu-west-1"}, Network(), tmp_path)


def test_advisories_that_are_nowhere_are_a_mistake(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.zip")
    with pytest.raises(ConfigurationError, match="do not exist"):
        advisory_sources(["osv"], missing, {}, Network(), tmp_path)
