#!/usr/bin/env bash
# Summary: Write the files of requirements/ from what pyproject.toml names.
#
# Usage: lock-requirements.sh [UV-ARGUMENT...]
#
# What is pinned stays as it is where it can. All arguments go to `uv pip compile`: --upgrade takes the
# newest of everything, --upgrade-package ruff of one package.

set -eu

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck source=shell/python-environment.sh
. "$project/shell/python-environment.sh"

# lock NAME UV-ARGUMENT...
lock() {
  local output=requirements/$1.txt locked
  shift
  "$project/.venv/gate/bin/uv" pip compile --no-config --quiet --universal --python-version 3.11 \
    --no-strip-extras --generate-hashes --custom-compile-command shell/lock-requirements.sh \
    --output-file "$output" "$@"
  locked=$(also_without_extras <"$output")
  echo "$locked" >"$output"
}

# pip 23 takes the pin of a package with extras for no pin of the package without, and the other way.
also_without_extras() {
  awk '
    /^[a-z0-9-]+\[[^]]*\]==/ { plain = $0; sub(/\[[^]]*\]/, "", plain); copied = plain "\n"; inside = 1 }
    inside && /^ +--hash/ { copied = copied $0 "\n" }
    { print }
    inside && !/\\$/ { printf "%s", copied; inside = 0 }'
}

python_environment gate requirements/gate.txt
cd "$project"
lock gate pyproject.toml "$@"
lock tests pyproject.toml --group tests --constraints requirements/gate.txt "$@"
lock fuzz pyproject.toml --group fuzz --constraints requirements/gate.txt "$@"
lock benchmarks --group benchmarks --constraints requirements/gate.txt "$@" # the same GuardDog
lock awscli --group awscli "$@"
lock checkov --group checkov "$@"
