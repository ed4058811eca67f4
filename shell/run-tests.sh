#!/usr/bin/env bash
# Summary: Install what the tests need and run all of them.
#
# Usage: run-tests.sh [PYTEST-ARGUMENT...]
#
# All arguments go to pytest, for example: run-tests.sh -k archive

set -eu

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck source=shell/python-environment.sh
. "$project/shell/python-environment.sh"

python_environment tests requirements-dev.txt
python_environment awscli requirements-awscli.txt
cd "$project"
exec .venv/tests/bin/python -m pytest --numprocesses auto "$@"
