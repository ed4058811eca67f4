# shellcheck shell=bash
# shellcheck disable=SC2154 # common.sh and the programs set what is used here
# Summary: CloudFormation stacks: create or update, wait, tell why one failed, delete.
#
# Our stacks carry the tag package-gate=KIND. A stack without it is never touched.

# Where a stack's description is kept: lines NAME<TAB>VALUE, none for a stack that is not there.
# Names: Id, Status, Kind, Parameter:NAME, Output:NAME.
stack_query="Stacks[0].[[
  ['Id', StackId], ['Status', StackStatus], ['Kind', Tags[?Key=='package-gate'].Value | [0]]],
  Parameters[].[join('', ['Parameter:', ParameterKey]), ParameterValue],
  Outputs[].[join('', ['Output:', OutputKey]), OutputValue]][]"

parameters=''

# describe_stack NAME [ID]: ask for it; stack_value answers from that.
describe_stack() {
  if ! cli cloudformation describe-stacks --stack-name "${2:-$1}" --query "$stack_query" \
    >"$scratch/$1.stack"; then
    grep -q 'does not exist' "$scratch/error" || aws_failed "describe the stack $1"
    : >"$scratch/$1.stack"
  fi
}

# stack_value NAME KEY: nothing when the stack or the value is not there.
stack_value() {
  awk -F '\t' -v key="$2" '$1 == key { print $2 }' "$scratch/$1.stack"
}

# stack_exists NAME: as it was when it was last described.
stack_exists() {
  case $(stack_value "$1" Status) in
    '' | DELETE_COMPLETE) return 1 ;;
  esac
}

# check_stack NAME KIND: a stack of that name that is not one of that kind is a problem.
check_stack() {
  local kind
  describe_stack "$1"
  if stack_exists "$1"; then
    kind=$(stack_value "$1" Kind)
    case $kind in
      "$2") ;;
      None) problem "There is a stack $1 already, which was not made by the package gate. Choose another name." ;;
      *) problem "There is a stack $1 already, of the kind $kind and not $2. Choose another name, or the scripts for $kind." ;;
    esac
  fi
}

# parameter NAME VALUE: for the next ensure_stack. An empty value is left to the template's default.
parameter() {
  if [ -n "$2" ]; then
    parameters="$parameters${parameters:+,}
{\"ParameterKey\": \"$1\", \"ParameterValue\": $(json_string "$2")}"
  fi
}

# previous_parameter NAME: the value that the stack has.
previous_parameter() {
  parameters="$parameters${parameters:+,}
{\"ParameterKey\": \"$1\", \"UsePreviousValue\": true}"
}

# ensure_stack NAME KIND TEMPLATE: create it or bring it up to date, with the parameters given
# before. TEMPLATE is a file, an https:// address in S3, or `previous`.
ensure_stack() {
  local name=$1 status id operation
  wait_for_stack "$name"
  status=$(stack_value "$name" Status)
  case $status in
    '' | DELETE_COMPLETE) operation=create ;;
    # Nothing was ever in use of such a stack.
    REVIEW_IN_PROGRESS | ROLLBACK_COMPLETE | CREATE_FAILED | ROLLBACK_FAILED)
      say "Stack $name was never created to the end ($status): it goes first."
      remove_stack "$name" || exit 1
      operation=create
      ;;
    DELETE_FAILED)
      fail "Stack $name is half deleted (DELETE_FAILED). Delete it to the end first: shell/delete-*-stack.sh tells what stands in the way."
      ;;
    UPDATE_ROLLBACK_FAILED)
      show_failures "$(stack_value "$name" Id)"
      fail "Stack $name could not go back to what it was. Fix what is listed, then: aws cloudformation continue-update-rollback --stack-name $name --region $AWS_REGION"
      ;;
    *) operation=update ;;
  esac
  say "Stack $name: $operation"
  if ! id=$(change_stack "$operation" "$@"); then
    if grep -q 'No updates are to be performed' "$scratch/error"; then
      say "Stack $name is up to date."
      parameters=''
      return
    fi
    aws_failed "$operation the stack $name"
  fi
  parameters=''
  wait_for_stack "$name" "$id"
  status=$(stack_value "$name" Status)
  case $status in
    CREATE_COMPLETE | UPDATE_COMPLETE) say "Stack $name: $status" ;;
    *)
      say "Stack $name: $status. What failed:"
      show_failures "$id"
      say "Fix that and run the same again."
      exit 1
      ;;
  esac
}

# change_stack create|update NAME KIND TEMPLATE: begin, and print the stack's id.
change_stack() {
  local template=(--template-body file:///dev/fd/3) file=/dev/null
  case $4 in
    previous) template=(--use-previous-template) ;;
    https://*) template=(--template-url "$4") ;;
    *) file=$4 ;; # by descriptor: the AWS CLI expands `$` and `~` in a path
  esac
  cli cloudformation "$1-stack" --stack-name "$2" --tags "Key=package-gate,Value=$3" \
    "${template[@]}" --parameters file:///dev/fd/4 --capabilities CAPABILITY_NAMED_IAM \
    --query StackId 3<"$file" 4< <(printf '[%s]' "$parameters")
}

# wait_for_stack NAME [ID]: until nothing is in progress; shows what happens meanwhile.
wait_for_stack() {
  local status shown=0
  while :; do
    describe_stack "$@"
    status=$(stack_value "$1" Status)
    case $status in
      REVIEW_IN_PROGRESS) return ;;
      *_IN_PROGRESS) ;;
      *) return ;;
    esac
    if [ "$shown" = 0 ]; then
      say "Waiting for stack $1 ($status). Ctrl-C is safe: run the same again to go on."
    fi
    events_of "$(stack_value "$1" Id)"
    awk -F '\t' -v shown="$shown" '
      { line[NR] = $1 "  " $3 " (" $2 ")" }
      END { for (i = NR - shown; i > 0; i--) print "  " line[i] }' "$scratch/events" >&2
    shown=$(awk 'END { print NR }' "$scratch/events")
    sleep "${PACKAGE_GATE_POLL_SECONDS:-5}"
  done
}

# events_of ID: of the stack's latest operation, newest first, to $scratch/events, as lines
# STATUS<TAB>TYPE<TAB>LOGICAL-ID<TAB>PHYSICAL-ID<TAB>REASON.
events_of() {
  cli cloudformation describe-stack-events --stack-name "$1" --max-items 500 --query \
    'StackEvents[].[ResourceStatus,ResourceType,LogicalResourceId,PhysicalResourceId,ResourceStatusReason]' \
    >"$scratch/all-events" || aws_failed "list the events of $1"
  awk -F '\t' -v id="$1" '
    NF > 4 { print }
    $4 == id && $1 ~ /^(CREATE|UPDATE|DELETE)_IN_PROGRESS$/ { exit }' \
    "$scratch/all-events" >"$scratch/events"
}

# show_failures ID: each resource that failed in the latest operation, with its reason.
show_failures() {
  local id=$1 nested
  events_of "$id"
  # What is cancelled because something else failed explains nothing.
  awk -F '\t' '$1 ~ /_FAILED$/ && tolower($5) !~ /cancelled/ {
    line[++n] = "  " $3 " (" $2 "): " $5
  } END { for (i = n; i > 0; i--) print line[i] }' "$scratch/events" >&2
  nested=$(awk -F '\t' -v id="$id" '
    $1 ~ /_FAILED$/ && $2 == "AWS::CloudFormation::Stack" && $4 != id && $4 != "" { print $4 }' \
    "$scratch/events" | sort -u)
  for id in $nested; do
    say "  In the nested stack $id:"
    show_failures "$id"
  done
}

# resources_of STACK: of it and its nested stacks, as lines TYPE<TAB>PHYSICAL-ID.
resources_of() {
  local listed type id
  listed=$(cli cloudformation list-stack-resources --stack-name "$1" --query \
    "StackResourceSummaries[?ResourceStatus!='DELETE_COMPLETE'].[ResourceType,PhysicalResourceId]") ||
    aws_failed "list the resources of $1"
  while IFS=$'\t' read -r type id; do
    printf '%s\t%s\n' "$type" "$id"
    if [ "$type" = AWS::CloudFormation::Stack ] && [ -n "$id" ] && [ "$id" != None ]; then
      resources_of "$id"
    fi
  done <<<"$listed"
}

# remove_stack NAME: delete it and wait; fails, with the reasons, when something stands in the way.
remove_stack() {
  local id status
  wait_for_stack "$1"
  id=$(stack_value "$1" Id)
  if [ -z "$id" ]; then
    return
  fi
  say "Stack $1: delete"
  cli cloudformation delete-stack --stack-name "$id" >/dev/null || aws_failed "delete the stack $1"
  wait_for_stack "$1" "$id"
  status=$(stack_value "$1" Status)
  case $status in
    '' | DELETE_COMPLETE) say "Stack $1: DELETE_COMPLETE" ;;
    *)
      say "Stack $1: $status. What stands in the way:"
      show_failures "$id"
      return 1
      ;;
  esac
}

# remove_stack_with_buckets NAME: empties the buckets of it and its nested stacks, and deletes it.
remove_stack_with_buckets() {
  local attempt type id buckets
  for attempt in 1 2 3; do
    buckets=''
    resources_of "$1" >"$scratch/resources"
    while IFS=$'\t' read -r type id; do
      if [ "$type" = AWS::S3::Bucket ] && bucket_exists "$id"; then
        buckets="$buckets $id"
        say "Bucket $id: empty"
        empty_bucket "$id"
      fi
    done <"$scratch/resources"
    if remove_stack "$1"; then
      return
    fi
    if [ -z "$buckets" ] || [ "$attempt" = 3 ]; then
      fail "Fix that and run the same again."
    fi
    say "Logs may have come into a bucket after it was emptied: once more."
  done
}

# prepare_deletion KIND NAME: all checks.
prepare_deletion() {
  check_region_and_account "$2"
  check_stack "$2" "$1"
  stop_if_problems
}

# delete_stack_of NAME: ask and delete, after prepare_deletion.
delete_stack_of() {
  if stack_exists "$1"; then
    confirm "Delete the stack $1 in account $account, $AWS_REGION?"
    remove_stack_with_buckets "$1"
  else
    say "There is no stack $1 in $AWS_REGION."
  fi
  forget_state "$1"
}
