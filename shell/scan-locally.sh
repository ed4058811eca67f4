#!/usr/bin/env bash
# Summary: Run the whole gate on this machine, without an AWS account.
#
# Usage: scan-locally.sh [--requests FILE] [--policy FILE] [--output DIR]
#                        [--advisories PATH-OR-URL] [--scanners a,b,c]
#                        [--rescan] [--dry-run] [--fail-on refused]
#                        [--json] [--quiet | --verbose]
#
# Reads external-package-request.csv and scan-policy.toml of this checkout and
# writes local-repository/ in it, unless told otherwise. All arguments are
# handed on; --help lists them. Exit status: 0 every request was decided or
# waits for a cooldown to end, 1 something is unfinished, 2 the configuration or the arguments are wrong.

set -eu

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck source=shell/python-environment.sh
. "$project/shell/python-environment.sh"

python_environment gate requirements/gate.txt
# Where options and the caller's environment say nothing else, everything is this checkout's.
export PACKAGE_GATE_REQUESTS=${PACKAGE_GATE_REQUESTS:-$project/external-package-request.csv}
export PACKAGE_GATE_POLICY=${PACKAGE_GATE_POLICY:-$project/scan-policy.toml}
export PACKAGE_GATE_OUTPUT=${PACKAGE_GATE_OUTPUT:-$project/local-repository}
PYTHONPATH=$project exec "$project/.venv/gate/bin/python" -P -s -m package_gate run "$@"
