#!/usr/bin/env bash
# Summary: Give a gate the code, the policy and the templates of this checkout.
#
# Usage: update-gate.sh [--yes] [--replace] [--stack NAME]
#
# Shows what changes first: the files, the policy's whole difference, the templates, the stack's
# parameters and resources. Then it asks, unless --yes is given; for the loss of a domain, a repository
# and the like --replace besides. NAME is STACK_NAME by default. AWS_REGION is needed where the state
# file is missing. Every other parameter of the stack stays as it is.

unset PRIVATE_GITHUB_PAT # has no use here
# shellcheck source=shell/stacks/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/stacks/common.sh"
# shellcheck source=shell/stacks/builds.sh
. "$stacks/builds.sh"

update() {
  local kind before
  need STACK_NAME "$stack_pattern" 'the name of the stack of the gate, or give --stack NAME'
  check_region_and_account "${STACK_NAME-}"
  describe_stack "$STACK_NAME"
  kind=$(stack_value "$STACK_NAME" Kind)
  case $kind in
    codeartifact | github) check_stack "$STACK_NAME-artifacts" artifacts ;;
    *) problem "There is no gate $STACK_NAME in account $account, $AWS_REGION." ;;
  esac
  stop_if_problems

  bucket=$(stack_value "$STACK_NAME" Parameter:S3ArtifactsBucket)
  before=$(stack_value "$STACK_NAME" Parameter:GateBundleSHA256)
  make_bundle "$scratch/bundle"
  ensure_stack "$STACK_NAME-artifacts" artifacts artifacts-bucket.yaml
  if is_current "$kind-private-repo.yaml"; then
    say "The gate $STACK_NAME has the code, the policy and the templates of this checkout already ($before)."
    return
  fi
  show_files
  show_template "$kind-private-repo.yaml"
  # Of no effect until the stack names them.
  upload "${pipeline_templates[@]}" "$kind-private-repo.yaml"
  if [ "$(stack_value "$STACK_NAME" Parameter:Isolation)" = staged ]; then
    publish_wheels
  fi
  pipeline_template_parameters
  parameter GateBundle "gate/$bundle_digest.tar.gz"
  parameter GateBundleSHA256 "$bundle_digest"
  ensure_stack "$STACK_NAME" "$kind" "$kind-private-repo.yaml" \
    "$(template_address "$kind-private-repo.yaml")"
  say "The next push or retry uses it. To begin at once:"
  say "  aws codepipeline start-pipeline-execution --region $AWS_REGION --name $(stack_value "$STACK_NAME" Parameter:CodePipelineName)"
}

# is_current TEMPLATE: bundle and templates are those of this checkout.
is_current() {
  gate_is_current "$STACK_NAME" "$1" && [ "$before" = "$bundle_digest" ]
}

read_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --yes) yes=yes ;;
      --replace) replace=replace ;;
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

show_files() {
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
}

# show_template TEMPLATE: what changes in it. Of the nested one ensure_stack shows the digest.
show_template() {
  if ! same_text "$scratch/template-in-use" "$project/cfn/$1"; then
    say "The template:"
    diff -u --label in-use --label "cfn/$1" "$scratch/template-in-use" "$project/cfn/$1" >&2 || true
    say ""
  fi
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

read_arguments "$@"
run update
