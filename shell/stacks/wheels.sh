#!/usr/bin/env bash
# Summary: Fetch the wheels that requirements/gate.txt pins, for the machine and Python of the builds.
#
# Usage: wheels.sh FOLDER
#
# FOLDER is made. A build that has no internet installs from it and from nothing else; its pip checks
# each wheel against the pinned hashes, as this one does. PYTHON names another python3 with pip.

set -eu -o pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
python=${PYTHON:-python3}
build_python=3.13 # as `runtime-versions` of the buildspecs

if [ $# -ne 1 ] || [ "${1#-}" != "$1" ]; then
  sed -n 's/^# \{0,1\}//; 2,7p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
mkdir "$1"
pinned=$(mktemp)
trap 'rm -f "$pinned"' EXIT

# pip looks at markers with the Python that runs it, whatever it fetches for.
"$python" -I - "$project/requirements/gate.txt" "$build_python" >"$pinned" <<'END'
import sys
from pip._vendor.packaging.markers import Marker

file, version = sys.argv[1:]
build = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": f"{version}.0",
    "python_version": version,
    "sys_platform": "linux",
}
with open(file, encoding="utf-8") as requirements:
    text = requirements.read().replace("\\\n", " ")
for line in text.splitlines():
    if line.strip() and not line.lstrip().startswith("#"):
        requirement, hashes, digests = line.partition(" --hash=")
        name, _, marker = requirement.partition(";")
        if not marker.strip() or Marker(marker.strip()).evaluate(build):
            print(name.strip(), hashes.strip() + digests)
END

# The image is Amazon Linux 2023, whose glibc is 2.34; each tag must be named.
platforms=(--platform manylinux1_x86_64 --platform manylinux2010_x86_64 --platform manylinux2014_x86_64)
for minor in $(seq 5 34); do
  platforms+=(--platform "manylinux_2_${minor}_x86_64")
done
"$python" -I -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
  --only-binary :all: --implementation cp --python-version "$build_python" "${platforms[@]}" \
  --requirement "$pinned" --dest "$1"
