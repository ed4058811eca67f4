# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # common.sh and the programs set what is used here
# Summary: What programs share that change a gate which is there, by a parameter of its stack.

# look_at_gate: sets $kind and $bucket.
look_at_gate() {
  need STACK_NAME "$stack_pattern" 'the name of the stack of the gate'
  check_region_and_account "${STACK_NAME-}"
  describe_stack "$STACK_NAME"
  kind=$(stack_value "$STACK_NAME" Kind)
  bucket=$(stack_value "$STACK_NAME" Parameter:S3ArtifactsBucket)
  case $kind in
    codeartifact | github)
      gate_is_current "$STACK_NAME" "$kind-private-repo.yaml" ||
        problem "The gate $STACK_NAME has other templates than this checkout: run ./shell/update-gate.sh first."
      ;;
    *) problem "There is no gate $STACK_NAME in account $account, $AWS_REGION." ;;
  esac
  stop_if_problems
}

ensure_gate() {
  ensure_stack "$STACK_NAME" "$kind" "$kind-private-repo.yaml" \
    "$(template_address "$kind-private-repo.yaml")"
}
