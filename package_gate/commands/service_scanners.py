"""The scanners that are services: each is chosen by `--scanners` and configured by the environment.

They hold credentials, so they run inside the gate and not in worker processes. The AWS and SBOM
libraries are imported only when one of them is chosen.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from package_gate.aws.session import AWSSession, region_of
from package_gate.core.errors import ConfigurationError
from package_gate.net.session import Network
from package_gate.scanners.interface import Scanner

SNYK_TOKEN = "PACKAGE_GATE_SNYK_TOKEN"  # noqa: S105 - the name of a variable
SNYK_ORGANISATION = "PACKAGE_GATE_SNYK_ORGANISATION"
SNYK_VARIABLES = re.compile(r"HTTPS_PROXY|NO_PROXY|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SNYK_API")


def service_scanner(
    name: str, environ: Mapping[str, str], network: Network, scratch: Path
) -> Scanner:
    """Make one of the scanners that have no worker.

    Raises:
        ConfigurationError: something it needs is missing; it is named.
    """
    session = AWSSession(region_of(environ))
    if name == "codeguru":
        from package_gate.scanners.codeguru import CodeGuru, CodeGuruSettings

        settings = CodeGuruSettings(scratch, network)
        return CodeGuru(settings, session.client("codeguru-security"))
    if name == "inspector":
        from package_gate.advisories.inspector import Inspector

        return Inspector(session.client("inspector-scan"))
    from package_gate.advisories.snyk import Snyk, SnykSettings

    if not environ.get(SNYK_TOKEN):
        raise ConfigurationError(
            f"{SNYK_TOKEN} is missing: where Snyk's token is, ssm:NAME or secretsmanager:NAME."
        )
    return Snyk(
        SnykSettings(
            token=environ[SNYK_TOKEN],
            scratch=scratch,
            program_path=environ.get("PATH", ""),
            organisation=environ.get(SNYK_ORGANISATION, ""),
            environment={
                key: value for key, value in environ.items() if SNYK_VARIABLES.fullmatch(key)
            },
        ),
        session.client("ssm"),
        session.client("secretsmanager"),
    )
