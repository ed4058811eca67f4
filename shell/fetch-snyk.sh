#!/usr/bin/env bash
# Summary: Fetch Snyk's program for a build, and check that it is the one that is pinned here.
#
# Usage: fetch-snyk.sh FOLDER
#
# FOLDER, which is made, gets the program `snyk`. Not by npm: that fetches the same program, and
# packages that nobody pinned. For another version take the digest from sha256sums.txt in Snyk's npm
# package.

set -eu

version=1.1307.4
digest=b0baee4fa4d7d11b7df927a1046cf8137a8a89fafac8101a45c3c0e0777ddc35

if [ $# -ne 1 ] || [ "${1#-}" != "$1" ]; then
  sed -n 's/^# \{0,1\}//; 2,8p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
mkdir "$1"
curl --fail --silent --show-error --location --proto "=https" --retry 3 \
  --output "$1/snyk" "https://downloads.snyk.io/cli/v$version/snyk-linux"
if ! echo "$digest  $1/snyk" | sha256sum --check --strict --status; then
  echo "What downloads.snyk.io gave is not Snyk's program of version $version. Nothing of it was run." >&2
  rm "$1/snyk"
  exit 1
fi
chmod 755 "$1/snyk"
