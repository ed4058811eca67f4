#!/usr/bin/env bash
# Summary: Pack the gate's code and policy for the build, and print the SHA-256.
#
# Usage: bundle.sh OUTPUT
#
# OUTPUT becomes a tar.gz with what the build runs, as it stands in this folder now, committed or not;
# what .gitignore names stays out. The same content gives the same bytes (with the same gzip). Works in
# a checkout and without one, and leaves its .git, hooks and configuration alone.

set -eu -o pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
content=(
  package_gate
  codeartifact-codeguru-security-scan.py
  github-codeguru-security-scan.py
  dependency-scan.py
  scan-policy.toml
  shell/fetch-snyk.sh
)
# Where it is here, and where builds look for it, those of stacks of earlier versions too.
pinned=requirements/gate.txt
pinned_in_bundle=requirements.txt

if [ $# -ne 1 ] || [ "${1#-}" != "$1" ]; then
  sed -n 's/^# \{0,1\}//; 2,8p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
if ! command -v git >/dev/null; then
  echo "git is missing. Install it: the bundle is made with it." >&2
  exit 2
fi
for name in "${content[@]}" "$pinned"; do
  if [ ! -e "$project/$name" ]; then
    echo "$project/$name is missing. Run this in a whole copy of the project." >&2
    exit 2
  fi
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Git with a repository of its own that sees the project as its files, and with nobody's settings. All
# that goes into the archive's bytes is fixed here: author, dates, modes.
git_alone() {
  env -i PATH="$PATH" HOME="$scratch" TMPDIR="$scratch" GIT_CONFIG_NOSYSTEM=1 GIT_ATTR_NOSYSTEM=1 \
    GIT_DEFAULT_HASH=sha1 GIT_DIR="$scratch/git" GIT_WORK_TREE="$project" \
    GIT_AUTHOR_NAME=package-gate GIT_AUTHOR_EMAIL=package-gate GIT_AUTHOR_DATE='@0 +0000' \
    GIT_COMMITTER_NAME=package-gate GIT_COMMITTER_EMAIL=package-gate GIT_COMMITTER_DATE='@0 +0000' \
    git -C "$project" -c tar.umask=0022 -c core.autocrlf=false -c core.hooksPath=/dev/null "$@"
}

sha256() {
  if command -v sha256sum >/dev/null; then
    sha256sum
  else
    shasum -a 256
  fi
}

env -i PATH="$PATH" HOME="$scratch" GIT_CONFIG_NOSYSTEM=1 GIT_DEFAULT_HASH=sha1 \
  git init --quiet --bare --template= "$scratch/git"
git_alone config core.bare false
git_alone add -- "${content[@]}"
blob=$(git_alone hash-object -w -- "$pinned")
git_alone update-index --add --cacheinfo "100644,$blob,$pinned_in_bundle"
tree=$(git_alone write-tree)
commit=$(git_alone commit-tree -m 'The gate' "$tree")
git_alone archive --format=tar "$commit" | gzip -n -9 >"$scratch/bundle.tar.gz"
digest=$(sha256 <"$scratch/bundle.tar.gz")
cp "$scratch/bundle.tar.gz" "$1"
echo "${digest%% *}"
