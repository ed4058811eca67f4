#!/usr/bin/env bash
# Summary: Give a gate the code and the policy of this checkout.
#
# Usage: update-gate.sh [--yes] [--stack NAME]
#
# Shows what changes first: the files, the policy's whole difference, the stack's parameters. Then
# it asks, unless --yes is given. NAME is STACK_NAME by default. AWS_REGION is needed where the
# state file is missing. Everything else of the stack stays as it is.

unset PRIVATE_GITHUB_PAT # has no use here
# shellcheck source=shell/stacks/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/stacks/common.sh"

update() {
  local kind bucket before
  need STACK_NAME "$stack_pattern" 'the name of the stack of the gate, or give --stack NAME'
  check_region_and_account "${STACK_NAME-}"
  describe_stack "$STACK_NAME"
  kind=$(stack_value "$STACK_NAME" Kind)
  bucket=$(stack_value "$STACK_NAME" Parameter:S3ArtifactsBucket)
  before=$(stack_value "$STACK_NAME" Parameter:GateBundleSHA256)
  case $kind in
    codeartifact | github) ;;
    *) problem "There is no gate $STACK_NAME in account $account, $AWS_REGION." ;;
  esac
  stop_if_problems

  make_bundle "$scratch/bundle"
  if [ "$before" = "$bundle_digest" ]; then
    say "The gate $STACK_NAME has the code and the policy of this checkout already ($before)."
    return
  fi
  show_changes
  confirm "Update the gate $STACK_NAME in account $account, $AWS_REGION?"
  cli s3 cp --only-show-errors "$scratch/bundle" "s3://$bucket/gate/$bundle_digest.tar.gz" ||
    aws_failed "upload the bundle"
  set_parameters
  ensure_stack "$STACK_NAME" "$kind" previous
  say "The next push or retry uses it. To begin at once:"
  say "  aws codepipeline start-pipeline-execution --region $AWS_REGION --name $(stack_value "$STACK_NAME" Parameter:CodePipelineName)"
}

read_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --yes) yes=yes ;;
      --stack)
        export STACK_NAME=${2-}
        shift
        ;;
      *)
        usage
        exit 2
        ;;
    esac
    shift || true
  done
}

show_changes() {
  mkdir "$scratch/in-use" "$scratch/this-checkout"
  tar -xzf "$scratch/bundle" -C "$scratch/this-checkout"
  fetch_bundle_in_use
  say "Files that change:"
  # Fails when there is a difference.
  (cd "$scratch" && diff -rq in-use this-checkout) >&2 || true
  say ""
  say "The policy:"
  (cd "$scratch" && diff -uN in-use/scan-policy.toml this-checkout/scan-policy.toml) >&2 &&
    say "  stays as it is"
  say ""
  say "Parameters of the stack $STACK_NAME:"
  say "  GateBundle        $(stack_value "$STACK_NAME" Parameter:GateBundle)"
  say "                 -> gate/$bundle_digest.tar.gz"
  say "  GateBundleSHA256  $before"
  say "                 -> $bundle_digest"
  say ""
}

# Leaves the folder empty when the bundle is not what the stack says: builds refuse it too.
fetch_bundle_in_use() {
  if ! cli s3 cp --only-show-errors "s3://$bucket/$(stack_value "$STACK_NAME" Parameter:GateBundle)" \
    "$scratch/bundle-in-use"; then
    say "The bundle in use can't be read, so everything counts as new: $(cli_error)"
  elif [ "$(sha256 "$scratch/bundle-in-use")" != "$before" ]; then
    say "WARNING: somebody changed the bundle in use: its SHA-256 is not $before. Builds refuse it. Everything counts as new."
  else
    tar -xzf "$scratch/bundle-in-use" -C "$scratch/in-use"
  fi
}

# Every parameter as it is, but for the bundle.
set_parameters() {
  local name
  parameter GateBundle "gate/$bundle_digest.tar.gz"
  parameter GateBundleSHA256 "$bundle_digest"
  while read -r name; do
    case $name in
      GateBundle | GateBundleSHA256) ;;
      *) previous_parameter "$name" ;;
    esac
  done < <(sed -n 's/^Parameter:\([A-Za-z0-9]*\).*/\1/p' "$scratch/$STACK_NAME.stack")
}

read_arguments "$@"
run update
