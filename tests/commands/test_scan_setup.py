"""Which scanners and advisories a run has."""

from pathlib import Path

import pytest

from package_gate.commands import scan_setup
from package_gate.commands.scan_setup import SAMPLE_ADVISORIES, ScanSetup
from package_gate.core.errors import ConfigurationError
from package_gate.core.policy import Limits
from package_gate.net.session import Network
from tests.fakes.https_server import HTTPSServer, respond


def is_sample(
    folder: Path, *, advisories: str = "", may_use_sample: bool, network: Network | None = None
) -> bool:
    with ScanSetup(
        ["osv"],
        advisories,
        network or Network(),
        Limits(),
        folder,
        may_use_sample=may_use_sample,
    ) as setup:
        return setup.sample


def test_the_sample_stands_in_for_an_api_out_of_reach_only_where_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_setup, "OSV_API", "https://localhost:9")
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
    monkeypatch.setattr(scan_setup, "OSV_API", server.url)
    network = Network(ca_bundle=str(server.ca_file))
    assert is_sample(tmp_path, may_use_sample=True, network=network) is sample


def test_no_sample_stands_in_for_advisories_that_were_asked_for(tmp_path: Path) -> None:
    for advisories in ("https://localhost:9", str(tmp_path)):
        assert not is_sample(tmp_path, advisories=advisories, may_use_sample=True)


def test_the_sample_is_known_by_whatever_name_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(SAMPLE_ADVISORIES)
    for name in (SAMPLE_ADVISORIES, tmp_path / "link"):
        assert is_sample(tmp_path, advisories=str(name), may_use_sample=True)
        with pytest.raises(ConfigurationError, match=r"only scan-locally\.sh may use"):
            is_sample(tmp_path, advisories=str(name), may_use_sample=False)
