#!/usr/bin/env bash
# Summary: Let a gate with isolated stages run packages in throw-away sandboxes and watch, or stop that.
#
# Usage: source shell/create-observe-stack.sh [--yes]
#        source shell/delete-observe-stack.sh [--yes]
#
# What observes (cfn/observe.yaml) is nested in the gate's stack: it has the gate's bundle and network,
# and changes with them. Exported before:
#   STACK_NAME           the gate's
#   AWS_REGION           where the state file is missing
#   OBSERVE_IMAGE        a tar.gz with the file system in which packages run; docs/observe.md says how to
#                        make one. A gate that has one keeps it when this is not set
#   OBSERVE_CONCURRENCY  how many builds observe at once (default: 5)
# Both show what changes and ask; --yes asks nothing.

# shellcheck source=shell/stacks/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"
# shellcheck source=shell/stacks/builds.sh
. "$stacks/builds.sh"
# shellcheck source=shell/stacks/nested.sh
. "$stacks/nested.sh"

create() {
  local digest
  may OBSERVE_CONCURRENCY '[1-9][0-9]{0,2}|1000' 'a number of builds, at most 1000'
  look_at_gate
  if [ "$(stack_value "$STACK_NAME" Parameter:Isolation)" != staged ]; then
    problem "The gate $STACK_NAME has one build for all: packages are observed in the closed network of isolated stages. Create the gate again with ISOLATION=staged first."
  fi
  if [ -n "${OBSERVE_IMAGE-}" ]; then
    gzip -t "$OBSERVE_IMAGE" 2>/dev/null || problem "OBSERVE_IMAGE is $OBSERVE_IMAGE, but must be a tar.gz."
  elif [ -z "$(stack_value "$STACK_NAME" Parameter:ObserveImage)" ]; then
    problem "OBSERVE_IMAGE is not set: a tar.gz with the file system in which packages run. docs/observe.md says how to make one."
  fi
  stop_if_problems
  if [ -n "${OBSERVE_IMAGE-}" ]; then
    digest=$(sha256 "$OBSERVE_IMAGE")
    parameter ObserveImage "gate/$digest.tar.gz"
    if ! cli s3api head-object --bucket "$bucket" --key "gate/$digest.tar.gz" --query ContentLength >/dev/null; then
      say "Bucket $bucket: upload of the file system $digest"
      cli s3 cp --only-show-errors "$OBSERVE_IMAGE" "s3://$bucket/gate/$digest.tar.gz" ||
        aws_failed "upload to the bucket $bucket"
    fi
  fi
  setting ObserveConcurrency OBSERVE_CONCURRENCY
  ensure_gate
  say "Packages of the gate $STACK_NAME run in throw-away sandboxes and are watched, in $(stack_value "$STACK_NAME" Parameter:ObserveConcurrency) builds at once. What was decided before is looked at again."
}

delete() {
  look_at_gate
  if [ -z "$(stack_value "$STACK_NAME" Parameter:ObserveImage)" ]; then
    say "The gate $STACK_NAME observes nothing."
    return
  fi
  OBSERVE_IMAGE='' # set and empty: the template's default, which is none
  setting ObserveImage OBSERVE_IMAGE
  ensure_gate
  say "Nothing of a package runs in the gate $STACK_NAME any more."
}

run_program "$@"
