# shellcheck shell=bash
# Summary: Make a Python environment of this project and keep it up to date.
#
# Read by scan-locally.sh and run-tests.sh, which run in a shell of their own:
#   python_environment NAME REQUIREMENTS-FILE
# makes .venv/NAME in the folder $project with exactly the pinned packages, hashes
# checked, and says how far it is. What pip says goes to .venv/NAME.log. The second
# time it only compares the pins with those that it installed, and says nothing.

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

# Say how many packages pip has come to, on one line of a terminal; elsewhere nothing.
show_progress() {
  local total=$1 fetched=0 line
  while IFS= read -r line; do
    [ -t 2 ] || continue
    case $line in
      Collecting\ *)
        fetched=$((fetched + 1))
        printf '\r\033[K  %d of at most %d packages fetched' "$fetched" "$total" >&2
        ;;
      Installing\ *) printf '\r\033[K  %d packages fetched, installing…' "$fetched" >&2 ;;
    esac
  done
  [ ! -t 2 ] || printf '\r\033[K' >&2
}

python_environment() {
  local folder="$project/.venv/$1" requirements="$project/$2" log="$project/.venv/$1.log"
  local python total began=$SECONDS
  local installed="$folder/installed-requirements.txt"
  if [ -x "$folder/bin/python" ] && [ -f "$installed" ] &&
    [ "$(pins "$requirements")" = "$(pins "$installed")" ]; then
    return
  fi
  python=$(find_python) || return
  total=$(grep -c '^[A-Za-z0-9]' "$requirements") || total=0
  echo "Installing what $2 pins ($total packages) into .venv/$1 (only the first time)…" >&2
  rm -rf "$folder"
  # -I: neither Python nor pip takes modules from the folder in which the command was given.
  if ! "$python" -I -m venv "$folder"; then
    echo "The Python module venv is missing. On Debian and Ubuntu: apt-get install python3-venv" >&2
    return 2
  fi
  if ! (
    set -o pipefail
    "$folder/bin/python" -I -m pip install --disable-pip-version-check --no-color \
      --progress-bar off --require-hashes --only-binary :all: --requirement "$requirements" 2>&1 |
      tee "$log" | show_progress "$total"
  ); then
    grep '^ERROR' "$log" | tail -n 3 >&2
    echo "The packages could not be installed; all that pip said is in $log" >&2
    return 2
  fi
  cp "$requirements" "$installed"
  echo "Installed in $((SECONDS - began)) s." >&2
}
