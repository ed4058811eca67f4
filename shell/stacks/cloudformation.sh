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

defaults=' '

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

# stack_has NAME KEY: the value is there, if only an empty one.
stack_has() {
  awk -F '\t' -v key="$2" '$1 == key { found = 1 } END { exit !found }' "$scratch/$1.stack"
}

# look_at_stack NAME KIND: describe it if that is possible by now; for adopt.
look_at_stack() {
  looked_at=''
  : >"$scratch/looked-at.stack"
  if [ -n "$account" ] && [ -z "$problems" ]; then
    describe_stack looked-at "$1"
    if stack_exists looked-at && [ "$(stack_value looked-at Kind)" = "$2" ]; then
      looked_at=$1
    fi
  fi
}

# adopt VARIABLE PARAMETER: a variable that is not set gets the value of the stack that was looked at.
adopt() {
  local value
  if [ -z "${!1+set}" ] && [ -n "$looked_at" ]; then
    value=$(stack_value looked-at "Parameter:$2")
    if [ -n "$value" ]; then
      export "$1=$value"
    fi
  fi
}

# parameter NAME VALUE: for the next ensure_stack. What is not given, or empty, stays as the stack has
# it; of a new stack it is the template's default.
parameter() {
  if [ -n "$2" ]; then
    printf '%s\t%s\n' "$1" "$2" >>"$scratch/given"
  fi
}

# setting NAME VARIABLE: a parameter by the variable. One that is set and empty takes the template's
# default again.
setting() {
  if [ -n "${!2-}" ]; then
    parameter "$1" "${!2}"
  elif [ -n "${!2+set}" ]; then
    defaults="$defaults$1 "
  fi
}

# ensure_stack NAME KIND TEMPLATE [ADDRESS]: create it or bring it up to date, with the parameters
# given before. An existing stack changes only after a look at what changes, and a yes.
#
# TEMPLATE is a file of cfn/; ADDRESS is where it was uploaded to, when it is too large to send.
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
      : >"$scratch/$name.stack"
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
  plan_parameters "$name" "$3"
  rm -f "$scratch/given"
  defaults=' '
  if [ "$operation" = create ]; then
    say "Stack $name: create"
    id=$(send_stack create-stack StackId "$@") || aws_failed "create the stack $name"
  else
    id=$(stack_value "$name" Id)
    if ! update_stack "$@"; then
      say "Stack $name is up to date."
      return
    fi
  fi
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

# plan_parameters NAME TEMPLATE: sets $parameters for the AWS CLI, and $changes to lines of what
# changes. CloudFormation takes the template's default for every parameter that an update does not
# send, so each is sent.
plan_parameters() {
  local name default before after entry
  parameters=''
  changes=''
  touch "$scratch/given"
  while IFS=$'\t' read -r name default; do
    before=$(stack_value "$1" "Parameter:$name")
    after=$(awk -F '\t' -v key="$name" '$1 == key { print $2 }' "$scratch/given")
    entry=''
    case $defaults in
      *" $name "*) after=$default ;;
      *) after=${after:-$before} ;;
    esac
    if stack_has "$1" "Parameter:$name" && [ "$after" = "$before" ]; then
      entry='"UsePreviousValue": true'
    elif [ -n "$after" ]; then
      entry="\"ParameterValue\": $(json_string "$after")"
    fi
    if [ -n "$entry" ]; then
      parameters="$parameters${parameters:+,}
{\"ParameterKey\": \"$name\", $entry}"
    fi
    if ! stack_has "$1" "Parameter:$name"; then
      before='(new)'
      after=${after:-$default}
    fi
    if [ "$after" != "$before" ]; then
      changes="$changes  $name: $(shown "$before") -> $(shown "$after")"$'\n'
    fi
  done < <(template_parameters "$2")
}

# shown VALUE: as people are shown a parameter.
shown() {
  if [ "${#1}" -gt 200 ]; then
    printf '%s… (%s characters)\n' "${1:0:40}" "${#1}"
  else
    printf '%s\n' "${1:-(empty)}"
  fi
}

# template_parameters TEMPLATE: as lines NAME<TAB>DEFAULT.
template_parameters() {
  awk '
    function tell() { if (name != "") print name "\t" value; name = value = "" }
    /^[^ #]/ { tell(); inside = $1 == "Parameters:" }
    inside && /^  [A-Za-z0-9]+:/ { tell(); name = $1; sub(/:.*/, "", name) }
    inside && /^    Default: / { value = substr($0, 14); gsub(/^"|"$/, "", value) }
    END { tell() }' "$project/cfn/$1"
}

# send_stack OPERATION QUERY NAME KIND TEMPLATE [ADDRESS] [OPTION…]: with the planned parameters.
send_stack() {
  local operation=$1 query=$2 name=$3 kind=$4 template=(--template-body file:///dev/fd/3)
  local file=$project/cfn/$5
  shift 5
  case ${1-} in
    https://*)
      template=(--template-url "$1")
      shift
      ;;
  esac
  # By descriptor: the AWS CLI expands `$` and `~` in a path.
  cli cloudformation "$operation" --stack-name "$name" --tags "Key=package-gate,Value=$kind" \
    "${template[@]}" --parameters file:///dev/fd/4 --capabilities CAPABILITY_NAMED_IAM \
    --query "$query" ${1+"$@"} 3<"$file" 4< <(printf '[%s]' "$parameters")
}

# update_stack NAME KIND TEMPLATE [ADDRESS]: fails when nothing changes. Shows what does, asks, and
# begins exactly that: a change set.
update_stack() {
  local name=$1 answer status reason set
  template_in_use "$name"
  if [ -z "$changes" ] && same_text "$scratch/template-in-use" "$project/cfn/$3"; then
    return 1
  fi
  set=package-gate-$(date +%s)-$$
  say "Stack $name: looking at what would change"
  send_stack create-change-set Id "$@" --change-set-name "$set" --change-set-type UPDATE >/dev/null ||
    aws_failed "tell what would change in the stack $name"
  while :; do
    answer=$(about_change_set describe '[Status,StatusReason]') ||
      aws_failed "describe the changes of the stack $name"
    IFS=$'\t' read -r status reason <<<"$answer"
    case $status in
      *_PENDING | *_IN_PROGRESS) sleep "${PACKAGE_GATE_POLL_SECONDS:-5}" ;;
      *) break ;;
    esac
  done
  if [ "$status" != CREATE_COMPLETE ]; then
    about_change_set delete >/dev/null || true
    case $reason in
      *"didn't contain changes"* | *'No updates are to be performed'*) return 1 ;;
      *) fail "The stack $name can't be updated: $reason" ;;
    esac
  fi
  about_change_set describe \
    'Changes[].ResourceChange.[Action,Replacement,ResourceType,LogicalResourceId,PhysicalResourceId]' \
    >"$scratch/changes" || aws_failed "describe the changes of the stack $name"
  show_stack_changes "$name" "$3"
  status=0
  confirm_changes "$name" || status=$?
  if [ "$status" != 0 ]; then
    about_change_set delete >/dev/null || true
    exit "$status"
  fi
  say "Stack $name: update"
  about_change_set execute >/dev/null || aws_failed "update the stack $name"
}

# about_change_set describe|delete|execute [QUERY]: the one that update_stack has made.
about_change_set() {
  cli cloudformation "$1-change-set" --stack-name "$name" --change-set-name "$set" ${2+--query "$2"}
}

# template_in_use NAME: to $scratch/template-in-use, as it was sent.
template_in_use() {
  cli cloudformation get-template --stack-name "$1" --template-stage Original --query TemplateBody \
    >"$scratch/template-in-use" || aws_failed "read the template of the stack $1"
}

# same_text FILE FILE: but for line ends at the end.
same_text() {
  [ "$(cat "$1")" = "$(cat "$2")" ]
}

# What a replacement or a removal takes away, by type.
taken_away() {
  case $1 in
    AWS::EC2::VPC) echo 'the network, and nothing that is in it goes along' ;;
    AWS::CodeArtifact::Domain) echo 'the domain: notebooks find no package in another one, and log in elsewhere' ;;
    AWS::CodeArtifact::Repository) echo 'the repository: another one has none of its packages' ;;
    AWS::SageMaker::NotebookInstance) echo 'the notebook, with its volume' ;;
    AWS::SageMaker::Domain) echo "the Studio domain, with its users' home folders" ;;
    AWS::S3::Bucket) echo 'the bucket: another one is empty' ;;
    AWS::KMS::Key) echo 'the key: what it encrypted can be read for 30 days more' ;;
  esac
}

# show_stack_changes NAME TEMPLATE: sets $losses to what is replaced or removed for good.
show_stack_changes() {
  local action replacement type name id what
  losses=''
  say ""
  say "Parameters of the stack $1 that change:"
  printf '%s' "${changes:-  none
}" >&2
  if ! same_text "$scratch/template-in-use" "$project/cfn/$2"; then
    say "Its template changes to that of this checkout, cfn/$2."
  fi
  say "Resources that change:"
  while IFS=$'\t' read -r action replacement type name id; do
    case $action/$replacement in
      */True) what='replaced by a new one' ;;
      */Conditional) what='may be replaced by a new one' ;;
      Remove/*) what='removed' ;;
      Add/*) what='made' ;;
      *) what='changed in place' ;;
    esac
    say "  $name ($type): $what"
    case $what in
      replaced* | may* | removed)
        if [ -n "$(taken_away "$type")" ]; then
          losses="$losses  $name ($id), $what: $(taken_away "$type")"$'\n'
        fi
        ;;
    esac
  done <"$scratch/changes"
  say ""
}

# confirm_changes NAME: --yes does for what can be changed back.
confirm_changes() {
  if [ -z "$losses" ]; then
    may_go_on "$yes" --yes yes "Update the stack $1 in account $account, $AWS_REGION?"
  else
    say "WARNING: this takes away:"
    printf '%s' "$losses" >&2
    may_go_on "$yes$replace" '--yes --replace' replace "Update the stack $1 in account $account, $AWS_REGION?"
  fi
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
