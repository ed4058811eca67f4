#!/usr/bin/env bash
# Summary: Install what the benchmarks need and run one of them.
#
# Usage: run-benchmark.sh NAME [ARGUMENT...]
#
# NAME is a module of benchmarks/: fifty_wheels, many_requests, growth, large_archive, verdict_quality,
# fuzz, kill_runs, one_writer, differential, hostile, installs, observing, reevaluate, sign, template_mutations.

set -eu

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck source=shell/python-environment.sh
. "$project/shell/python-environment.sh"

if [ $# -eq 0 ]; then
  sed -n 's/^# \{0,1\}//; 2,7p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
name=$1
shift
python_environment tests requirements/tests.txt
case $name in
  fuzz) python_environment fuzz requirements/fuzz.txt ;;
  *) python_environment benchmarks requirements/benchmarks.txt ;;
esac
cd "$project"
exec .venv/tests/bin/python -m "benchmarks.$name" "$@"
