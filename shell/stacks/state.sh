# shellcheck shell=bash
# shellcheck disable=SC2154 # common.sh and the programs set what is used here
# Summary: Remembers what was created, for a deletion from another shell on another day.
#
# One file a stack, ${PACKAGE_GATE_STATE:-~/.package-gate}/STACK.env, mode 600: lines NAME=VALUE.
# It holds no secret and is read as text, never run. It is a help only: without it STACK_NAME and
# AWS_REGION are enough.

state_file() {
  printf '%s/%s.env\n' "${PACKAGE_GATE_STATE:-${HOME:?}/.package-gate}" "$1"
}

# save_state NAME KIND [NAME=VALUE…]
save_state() {
  local file name=$1 kind=$2
  shift 2
  file=$(state_file "$name")
  mkdir -p "${file%/*}"
  printf '%s\n' "STACK_NAME=$name" "KIND=$kind" "AWS_REGION=$AWS_REGION" "ACCOUNT=$account" \
    ${1+"$@"} >"$file.new"
  mv -f "$file.new" "$file"
}

# state_value NAME KEY: nothing when there is no such file or value.
state_value() {
  local file
  file=$(state_file "$1")
  if [ -f "$file" ]; then
    sed -n "s/^$2=//p" "$file"
  fi
}

# state_is_current NAME: the file tells of this account and region.
state_is_current() {
  [ "$(state_value "$1" AWS_REGION)" = "$AWS_REGION" ] &&
    [ "$(state_value "$1" ACCOUNT)" = "$account" ]
}

# forget_state NAME: unless it tells of another account or region.
forget_state() {
  if state_is_current "$1"; then
    rm -f "$(state_file "$1")"
  fi
}
