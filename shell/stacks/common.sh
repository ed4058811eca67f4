# shellcheck shell=bash
# shellcheck disable=SC2034 # the programs use what is set here
# Summary: What the programs of this folder share: messages, checks, the AWS CLI.
#
# How to add a stack:
#
# 1. stacks/NAME.sh, run as `NAME.sh create [--yes] [--replace]` or `NAME.sh delete [--yes]`:
#
#      #!/usr/bin/env bash
#      # Summary: …
#      # Usage: …
#      . "${BASH_SOURCE[0]%/*}/common.sh"
#
#      create() {
#        need AWS_REGION "$region_pattern" 'a region, such as eu-central-1'
#        may NOTEBOOK_SIZE '[0-9]+' 'a number of GB, such as 20'
#        check_account                             # the AWS CLI, credentials, region
#        stop_if_problems                          # tells all of them at once
#        check_stack "$name" notebook              # a name that somebody else has is a problem too
#        stop_if_problems
#        setting NotebookSize NOTEBOOK_SIZE        # what is not set stays as it is
#        ensure_stack "$name" notebook isolated-notebook.yaml
#        save_state "$name" notebook
#        export_to_caller NOTEBOOK_NAME "$(stack_value "$name" Output:NotebookName)"
#      }
#
#      delete() {
#        prepare_deletion notebook "$name"         # the region and the checks
#        delete_stack_of "$name"                   # asks, empties buckets, deletes, forgets
#      }
#
#      run_program "$@"
#
# 2. create-NAME-stack.sh and delete-NAME-stack.sh, which people source: copy those of the VPC.
#
# Standard output is for export_to_caller alone; what people read goes to standard error.
# Exit status: 0 done, 1 AWS or the user said no, 2 something is missing or wrong, 130 interrupted.

{ set +xv; } 2>/dev/null # the environment may hold a token
set +o posix
set -eu -o pipefail
umask 077
# Read here, and inherited by nothing that is started from here.
export -n PRIVATE_GITHUB_PAT
export AWS_PAGER='' AWS_CLI_AUTO_PROMPT=off

stacks=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
project=${stacks%/shell/stacks}
# shellcheck source=shell/stacks/cloudformation.sh
. "$stacks/cloudformation.sh"
# shellcheck source=shell/stacks/state.sh
. "$stacks/state.sh"
# shellcheck source=shell/stacks/buckets.sh
. "$stacks/buckets.sh"

# Patterns of whole values, for need and may.
region_pattern='[a-z]{2,}(-[a-z]+)+-[0-9]'
# Names of other resources begin with it; the template's longest suffix still fits.
stack_pattern='[A-Za-z][A-Za-z0-9-]{0,39}'
email_pattern='[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+'

problems=''
yes=''
replace=''
records=''
account=''

say() {
  printf '%s\n' "$*" >&2
}

fail() {
  say "$@"
  exit 1
}

# problem TEXT: something that is missing or wrong; told by stop_if_problems.
problem() {
  problems="$problems  - $1"$'\n'
}

stop_if_problems() {
  if [ -n "$problems" ]; then
    say "Nothing was changed. Fix this and run it again:"
    printf '%s' "$problems" >&2
    exit 2
  fi
}

# matches VALUE PATTERN: the extended regular expression matches the whole value.
matches() {
  local LC_ALL=C
  [[ $1 =~ ^($2)$ ]]
}

# need NAME PATTERN MEANING: an environment variable that must be there.
need() {
  if [ -z "${!1-}" ]; then
    problem "$1 is not set (or not exported): $3"
  else
    may "$@"
  fi
}

# may NAME PATTERN MEANING: one that may be missing.
may() {
  if [ -n "${!1-}" ] && ! matches "${!1}" "$2"; then
    problem "$1 is $(printf '%q' "${!1}"), but must be $3"
  fi
}

# The AWS CLI, the credentials and the region. Sets $account.
check_account() {
  local region=us-east-1 version identity
  if ! command -v aws >/dev/null; then
    problem "The AWS CLI is not installed: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
    return
  fi
  version=$(aws --version 2>&1) || version="it fails: $version"
  case $version in
    *aws-cli/[12].*) ;;
    *)
      problem "The AWS CLI must be version 2 or 1; \`aws --version\` says: $version"
      return
      ;;
  esac
  if matches "${AWS_REGION-}" "$region_pattern"; then
    region=$AWS_REGION
  fi
  if identity=$(AWS_REGION=$region cli sts get-caller-identity --query Account); then
    account=$identity
  else
    problem "AWS does not take your credentials in $region. Sign in (\`aws sso login\`, \`aws configure\`, AWS_PROFILE) until \`aws sts get-caller-identity --region $region\` works. It says: $(cli_error)"
  fi
}

# check_region_and_account NAME: of a stack that is there; the state file knows the region too.
check_region_and_account() {
  AWS_REGION=${AWS_REGION:-$(state_value "$1" AWS_REGION)}
  export AWS_REGION
  need AWS_REGION "$region_pattern" 'the region of the stack, such as eu-central-1'
  check_account
  stop_if_problems
}

# cli SERVICE OPERATION …: the AWS CLI in the region, answering as text.
cli() {
  aws "$@" --region "$AWS_REGION" --output text 2>"$scratch/error"
}

# What the last failed `cli` said, in one line.
cli_error() {
  tr -s '\r\n' ' ' <"$scratch/error" | sed 's/^ //; s/ $//'
}

# aws_failed WHAT: end because `cli` failed.
aws_failed() {
  fail "AWS could not $1: $(cli_error)"
}

# json_string VALUE: the value, which has no control characters, as a JSON string.
json_string() {
  printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"
}

# sha256 FILE
sha256() {
  local digest
  digest=$({ sha256sum "$1" || shasum -a 256 "$1"; } 2>/dev/null) ||
    fail "sha256sum or shasum is needed."
  printf '%s\n' "${digest:0:64}"
}

# make_bundle FILE: sets $bundle_digest.
make_bundle() {
  bundle_digest=$(bash "$stacks/bundle.sh" "$1") || fail "The bundle of the gate could not be made."
  matches "$bundle_digest" '[0-9a-f]{64}' || fail "bundle.sh gave no SHA-256: $bundle_digest"
}

# confirm QUESTION: go on only with a yes.
confirm() {
  may_go_on "$yes" --yes yes "$1" || exit
}

# may_go_on GIVEN OPTIONS WORD QUESTION: fails unless the options are given or the word is typed.
may_go_on() {
  local answer=''
  if [ "$1" = "${2//[- ]/}" ]; then
    return
  fi
  if [ ! -t 0 ]; then
    say "There is no terminal to ask at. Give $2 to go on without a question."
    return 2
  fi
  printf '%s Type %s: ' "$4" "$3" >&2
  read -r answer || say ''
  if [ "$answer" != "$3" ]; then
    say "Nothing was changed."
    return 1
  fi
}

# export_to_caller NAME VALUE: for the shell that sources create-*-stack.sh, which evaluates this.
export_to_caller() {
  matches "$2" '[A-Za-z0-9._:/-]+' || fail "$1 has an unexpected value: $2"
  printf '\\export %s=%s\n' "$1" "$2"
  say "$1=$2"
}

# all_below PID: it and what runs below it; nothing where there is no ps.
all_below() {
  ps -A -o pid= -o ppid= 2>/dev/null | awk -v top="$1" '
    { parent[$1] = $2 }
    END {
      for (pid in parent) {
        for (at = pid; at != top && at in parent && at != parent[at]; at = parent[at]) {}
        if (at == top) print pid
      }
    }' | sort || true
}

# Nothing is left of the work but what AWS has begun.
interrupted() {
  local work=${!-} found='' before
  trap '' HUP INT TERM
  if [ -n "$work" ]; then
    while :; do # what is stopped starts nothing more
      before=$found
      found=$(all_below "$work")
      if [ "$found" = "$before" ]; then
        break
      fi
      # shellcheck disable=SC2086 # a process each
      kill -s STOP $found 2>/dev/null || true
    done
    # shellcheck disable=SC2086
    kill -s KILL ${found:-$work} 2>/dev/null || true
    wait "$work" 2>/dev/null || true
  fi
  if [ -t 0 ]; then
    stty echo # the AWS CLI may have been asking for a code
  fi
  say ''
  say "Interrupted. What AWS has begun goes on there; run the same again to continue."
  exit 130
}

usage() {
  sed -n '/^# Summary:/,/^[^#]/{s/^# \{0,1\}//p;}' "$0" >&2
}

# run FUNCTION: do the work, with a folder for what is only needed now.
#
# A child does it, which Ctrl-C does not reach, and this shell only waits: amid `$(…)` Bash loses a
# signal, or fails to parse the trap.
run() {
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/package-gate.XXXXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  trap interrupted HUP INT TERM
  export TMPDIR=$scratch
  "$1" <&0 &
  wait "$!"
}

# run_program create|delete [OPTION…]
run_program() {
  local operation=${1-}
  case $operation in
    create | delete) shift ;;
    *)
      usage
      exit 2
      ;;
  esac
  while [ $# -gt 0 ]; do
    case $operation$1 in
      *--yes) yes=yes ;;
      create--replace) replace=replace ;;
      delete--records)
        records=${2-}
        if [ -z "$records" ]; then
          fail "--records needs a folder."
        fi
        shift
        ;;
      *--help)
        usage
        exit 0
        ;;
      *)
        say "Unknown: $1"
        usage
        exit 2
        ;;
    esac
    shift
  done
  run "$operation"
}
