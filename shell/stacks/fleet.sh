#!/usr/bin/env bash
# Summary: Give a gate with isolated stages a fleet of builds for large plans, or take it away.
#
# Usage: source shell/create-fleet-stack.sh [--yes]
#        source shell/delete-fleet-stack.sh [--yes]
#
# The fleet (cfn/scan-fleet.yaml) is nested in the gate's stack: it has the gate's bundle, roles and
# network, and changes with them. Exported before:
#   STACK_NAME         the gate's
#   AWS_REGION         where the state file is missing
#   FLEET_FROM         from how many packages of a plan on builds scan side by side (default: 1000)
#   FLEET_CONCURRENCY  how many at once (default: 20)
#   FLEET_COMPUTE      BUILD_GENERAL1_SMALL, _MEDIUM, _LARGE or _XLARGE (default: _MEDIUM)
#   FLEET_MINUTES      after how many minutes each is stopped (default: 120)
# A fleet that is there keeps what is not set; what is set and empty takes the default again.
# Both show what changes and ask; --yes asks nothing.

# shellcheck source=shell/stacks/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"
# shellcheck source=shell/stacks/builds.sh
. "$stacks/builds.sh"
# shellcheck source=shell/stacks/nested.sh
. "$stacks/nested.sh"

default_from=1000

create() {
  may FLEET_FROM '[1-9][0-9]{0,5}' 'a number of packages, such as 1000'
  may FLEET_CONCURRENCY '[1-9][0-9]{0,2}|1000' 'a number of builds, at most 1000'
  may FLEET_COMPUTE 'BUILD_GENERAL1_(SMALL|MEDIUM|LARGE|XLARGE)' \
    'BUILD_GENERAL1_ with SMALL, MEDIUM, LARGE or XLARGE'
  may FLEET_MINUTES '[1-9][0-9]{0,3}' 'a number of minutes, such as 120'
  look_at_gate
  if [ "$(stack_value "$STACK_NAME" Parameter:Isolation)" != staged ]; then
    problem "The gate $STACK_NAME has one build for all: a fleet scans in the closed network of isolated stages. Create the gate again with ISOLATION=staged first."
  fi
  stop_if_problems
  if [ -z "${FLEET_FROM-}" ]; then
    case ${FLEET_FROM-unset}/$(stack_value "$STACK_NAME" Parameter:FleetFrom) in
      unset/[1-9]*) ;;
      *) FLEET_FROM=$default_from ;;
    esac
  fi
  setting FleetFrom FLEET_FROM
  setting FleetConcurrency FLEET_CONCURRENCY
  setting FleetCompute FLEET_COMPUTE
  setting FleetMinutes FLEET_MINUTES
  ensure_gate
  say "Plans of at least $(stack_value "$STACK_NAME" Parameter:FleetFrom) packages are scanned by $(stack_value "$STACK_NAME" Parameter:FleetConcurrency) builds at once, as far as the account's quota of builds goes."
}

delete() {
  look_at_gate
  case $(stack_value "$STACK_NAME" Parameter:FleetFrom) in
    '' | 0)
      say "The gate $STACK_NAME has no fleet."
      return
      ;;
  esac
  parameter FleetFrom 0
  ensure_gate
  say "One build scans the plans of the gate $STACK_NAME again."
}

run_program "$@"
