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

# People source the create and delete scripts in zsh too.
ensure_zsh() {
  if command -v zsh >/dev/null; then
    return
  fi
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing zsh, which the tests need…" >&2
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends zsh; } >&2 && return
  fi
  echo "The tests need zsh. On Debian and Ubuntu: sudo apt-get install zsh" >&2
  return 2
}

# What package-gate observe needs; without it, its tests are skipped and say so.
install_for_observing() {
  if command -v bwrap >/dev/null && command -v strace >/dev/null && compgen -G '/usr/lib/*/faketime' >/dev/null; then
    return
  fi
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing bubblewrap, strace and faketime, which the tests of package-gate observe need…" >&2
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends bubblewrap strace faketime; } >&2 || true
  fi
}

python_environment tests requirements/tests.txt
python_environment awscli requirements/awscli.txt
python_environment checkov requirements/checkov.txt
ensure_zsh
install_for_observing
cd "$project"
# Two for each core, because many tests wait for processes that they start.
workers=$((2 * $(getconf _NPROCESSORS_ONLN)))
exec .venv/tests/bin/python -m pytest --numprocesses "$workers" --dist worksteal "$@"
