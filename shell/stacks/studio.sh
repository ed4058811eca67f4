# shellcheck shell=bash
# shellcheck disable=SC2154 # common.sh and the programs set what is used here
# Summary: Delete a Studio domain, and all that SageMaker has made for it.
#
# CloudFormation deletes the domain but keeps its file system with the home folders, whose mount
# targets hold the subnets, and two security groups for NFS, which hold the VPC. So all of these go
# before the stack, which then finds the domain gone.

# find_studio STACK: sets $studio to the id of its domain, empty for none, and $homes to its file
# system. A domain that is gone counts too, because what was made for it may be there still.
find_studio() {
  homes=''
  studio=$(cli cloudformation list-stack-resources --stack-name "$1" --query \
    "StackResourceSummaries[?ResourceType=='AWS::SageMaker::Domain'].PhysicalResourceId") ||
    aws_failed "list the resources of $1"
  case $studio in
    d-*) ;;
    *)
      studio=''
      return
      ;;
  esac
  if homes=$(cli sagemaker describe-domain --domain-id "$studio" --query HomeEfsFileSystemId); then
    return
  fi
  grep -q ResourceNotFound "$scratch/error" || aws_failed "describe the domain $studio"
  if state_is_current "$1"; then
    homes=$(state_value "$1" HOMES)
  fi
  if [ -z "$homes" ]; then
    homes=$(cli efs describe-file-systems --query \
      "FileSystems[?Tags[?Key=='ManagedByAmazonSageMakerResource' && ends_with(Value, '/$studio')]].FileSystemId") ||
      aws_failed "look for the file system of $studio"
  fi
}

# remove_studio: what find_studio has found.
remove_studio() {
  until_gone "apps of $studio" apps
  until_gone "spaces of $studio" spaces
  until_gone "user profiles of $studio" user_profiles
  until_gone "domain $studio" domain
  until_gone "home folders of $studio" home_folders
  until_gone "security groups of $studio" nfs_groups
}

# until_gone WHAT FUNCTION: call it until it prints nothing. It deletes what can go by now, and
# prints what is still there.
until_gone() {
  local left shown='' deadline=$((SECONDS + ${PACKAGE_GATE_WAIT_SECONDS:-1800}))
  while :; do
    left=$("$2") || exit
    if [ -z "$left" ]; then
      return
    fi
    if [ -z "$shown" ]; then
      say "Waiting for the $1 to go. Ctrl-C is safe: run the same again to go on."
    fi
    if [ "$left" != "$shown" ]; then
      say "  still there: ${left//$'\n'/, }"
      shown=$left
    fi
    if [ "$SECONDS" -ge "$deadline" ]; then
      fail "The $1 did not go in time. $(cli_error) Run the same again to go on."
    fi
    sleep "${PACKAGE_GATE_POLL_SECONDS:-5}"
  done
}

# let_be WHAT: end because a deletion failed, unless that is gone already or can't go yet.
let_be() {
  local fine='[A-Za-z.]*NotFound|[A-Za-z]*InUse|IncorrectFileSystemLifeCycleState|DependencyViolation'
  grep -q -E "\\(($fine)\\)" "$scratch/error" || aws_failed "delete $1"
}

apps() {
  local listed type name person space status owner
  # Those that have failed are in nobody's way, and can't be deleted.
  listed=$(cli sagemaker list-apps --domain-id-equals "$studio" --query \
    "Apps[?Status!='Deleted' && Status!='Failed'].[AppType,AppName,UserProfileName,SpaceName,Status]") ||
    aws_failed "list the apps of $studio"
  while IFS=$'\t' read -r type name person space status; do
    case $space in
      '') continue ;;
      None) owner=(--user-profile-name "$person") ;;
      *) owner=(--space-name "$space") ;;
    esac
    if [ "$status" != Deleting ]; then
      cli sagemaker delete-app --domain-id "$studio" --app-type "$type" --app-name "$name" \
        "${owner[@]}" >/dev/null || let_be "the app $name"
    fi
    printf '%s\n' "$name"
  done <<<"$listed"
}

spaces() {
  local listed name status
  listed=$(cli sagemaker list-spaces --domain-id-equals "$studio" \
    --query 'Spaces[].[SpaceName,Status]') || aws_failed "list the spaces of $studio"
  while IFS=$'\t' read -r name status; do
    case $status in
      '') continue ;;
      Deleting) ;;
      *)
        cli sagemaker delete-space --domain-id "$studio" --space-name "$name" >/dev/null ||
          let_be "the space $name"
        ;;
    esac
    printf '%s\n' "$name"
  done <<<"$listed"
}

user_profiles() {
  local listed name status
  listed=$(cli sagemaker list-user-profiles --domain-id-equals "$studio" \
    --query 'UserProfiles[].[UserProfileName,Status]') || aws_failed "list the user profiles of $studio"
  while IFS=$'\t' read -r name status; do
    case $status in
      '') continue ;;
      Deleting) ;;
      *)
        cli sagemaker delete-user-profile --domain-id "$studio" --user-profile-name "$name" \
          >/dev/null || let_be "the user profile $name"
        ;;
    esac
    printf '%s\n' "$name"
  done <<<"$listed"
}

domain() {
  local answer status reason
  if ! answer=$(cli sagemaker describe-domain --domain-id "$studio" --query '[Status,FailureReason]'); then
    grep -q ResourceNotFound "$scratch/error" || aws_failed "describe the domain $studio"
    return
  fi
  IFS=$'\t' read -r status reason <<<"$answer"
  # Before it was asked, that is the end of an earlier try.
  if [ "$status" = Delete_Failed ] && [ -e "$scratch/asked" ]; then
    fail "SageMaker could not delete the domain $studio: $reason"
  fi
  if [ "$status" != Deleting ]; then
    touch "$scratch/asked"
    cli sagemaker delete-domain --domain-id "$studio" \
      --retention-policy HomeEfsFileSystem=Delete >/dev/null || let_be "the domain $studio"
  fi
  printf '%s\n' "$studio"
}

# SageMaker deletes them with the domain, but not when CloudFormation has deleted that.
home_folders() {
  local listed id state
  case $homes in
    fs-*) ;;
    *) return ;;
  esac
  if ! listed=$(cli efs describe-mount-targets --file-system-id "$homes" \
    --query 'MountTargets[].[MountTargetId,LifeCycleState]'); then
    grep -q FileSystemNotFound "$scratch/error" || aws_failed "list the mount targets of $homes"
    return
  fi
  while IFS=$'\t' read -r id state; do
    case $state in
      '' | deleting | deleted) ;;
      *)
        cli efs delete-mount-target --mount-target-id "$id" >/dev/null ||
          let_be "the mount target $id"
        ;;
    esac
  done <<<"$listed"
  if [ -z "$listed" ]; then
    cli efs delete-file-system --file-system-id "$homes" >/dev/null ||
      let_be "the file system $homes"
  fi
  printf '%s\n' "$homes"
}

# They name each other in their rules, so the rules go first.
nfs_groups() {
  local names=security-group-for-inbound-nfs-$studio,security-group-for-outbound-nfs-$studio
  local listed rules group rule outbound
  listed=$(cli ec2 describe-security-groups --filters "Name=group-name,Values=$names" \
    --query 'SecurityGroups[].[GroupId]') || aws_failed "look for the security groups of $studio"
  for group in $listed; do
    rules=$(cli ec2 describe-security-group-rules --filters "Name=group-id,Values=$group" \
      --query 'SecurityGroupRules[].[SecurityGroupRuleId,IsEgress]') ||
      aws_failed "list the rules of $group"
    while IFS=$'\t' read -r rule outbound; do
      case $outbound in
        True)
          cli ec2 revoke-security-group-egress --group-id "$group" \
            --security-group-rule-ids "$rule" >/dev/null || let_be "the rule $rule"
          ;;
        False)
          cli ec2 revoke-security-group-ingress --group-id "$group" \
            --security-group-rule-ids "$rule" >/dev/null || let_be "the rule $rule"
          ;;
      esac
    done <<<"$rules"
  done
  for group in $listed; do
    cli ec2 delete-security-group --group-id "$group" >/dev/null ||
      let_be "the security group $group"
    printf '%s\n' "$group"
  done
}
