# shellcheck shell=bash
# Summary: Make a Python environment of this project and keep it up to date.
#
# Read by scan-locally.sh and run-tests.sh, which run in a shell of their own:
#   python_environment NAME REQUIREMENTS-FILE
# makes .venv/NAME in the folder $project with exactly the pinned packages, hashes
# checked. The second time it only compares the pins with those that it installed,
# and says nothing.

: "${project:?is set by the script that reads this file}"

find_python() {
  local candidate
  for candidate in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "Python 3.11 or newer is needed. Install it, or name it: PYTHON=/path/to/python3 $0" >&2
  return 2
}

# Comments say who needs a package; only what is pinned counts.
pins() {
  sed '/^ *#/d' "$1"
}

python_environment() {
  local folder="$project/.venv/$1" requirements="$project/$2" python
  local installed="$folder/installed-requirements.txt"
  if [ -x "$folder/bin/python" ] && [ -f "$installed" ] &&
    [ "$(pins "$requirements")" = "$(pins "$installed")" ]; then
    return
  fi
  python=$(find_python) || return
  echo "Installing what $2 pins into .venv/$1 (only the first time)…" >&2
  rm -rf "$folder"
  # -I: neither Python nor pip takes modules from the folder in which the command was given.
  if ! "$python" -I -m venv "$folder"; then
    echo "The Python module venv is missing. On Debian and Ubuntu: apt-get install python3-venv" >&2
    return 2
  fi
  "$folder/bin/python" -I -m pip install --quiet --disable-pip-version-check \
    --require-hashes --only-binary :all: --requirement "$requirements" || {
    echo "The packages could not be installed; pip says why above." >&2
    return 2
  }
  cp "$requirements" "$installed"
}
