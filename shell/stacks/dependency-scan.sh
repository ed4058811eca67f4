#!/usr/bin/env bash
# Summary: Create or delete the dependency scan of a repository (cfn/dependency-scan.yaml).
#
# Usage: source shell/create-dependency-scan-stack.sh
#        source shell/delete-dependency-scan-stack.sh [--yes]
#
# Exported before creating:
#   AWS_REGION         the region, such as eu-central-1
#   SNS_EMAIL          the address that gets the results
#   REPOSITORY_NAME    OWNER/NAME at GitHub, or NAME in CodeCommit
#   CODE_CONNECTION_ARN (for GitHub)
#   CODESERVICES_VPC_ID CODESERVICES_SUBNET_ID1 CODESERVICES_SUBNET_ID2
# If another than the default is wanted:
#   STACK_NAME         name of the stack (default: dependency-scan)
#   SOURCE_KIND        github (the default), or codecommit
#   BRANCHES           which are scanned; stars stand for anything (default: all)
#   FAIL_ON_FINDINGS   fail (the default), or report-only
#   ADVISORIES         s3://BUCKET/KEY.zip, or the https address of an OSV API
#   ADVISORIES_KEY     ARN of the KMS key of that object, when it has one of yours
#   SNYK_TOKEN_PARAMETER SNYK_TOKEN_KEY SNYK_ORGANISATION_PARAMETER SNYK_MONITOR
#   LOG_RETENTION_DAYS
# Run it again to change one of these, or to give the scan the code and policy of this checkout.
# Deleting needs AWS_REGION where the state file is missing. --yes asks nothing.
#
# Order: bucket, bundle in it, then the stack, which needs both.

# shellcheck source=shell/stacks/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"
# shellcheck source=shell/stacks/builds.sh
. "$stacks/builds.sh"

export STACK_NAME=${STACK_NAME:-dependency-scan} SOURCE_KIND=${SOURCE_KIND:-github}
artifacts=$STACK_NAME-artifacts
kind=dependency-scan
# Of its own, so that nobody takes the bucket with a gate's records for a scan's.
artifacts_kind=dependency-scan-artifacts

create() {
  local before
  check_variables
  check_account
  check_tools
  stop_if_problems
  check_stack "$STACK_NAME" "$kind"
  check_stack "$artifacts" "$artifacts_kind"
  check_network
  stop_if_problems

  make_bundle "$scratch/bundle"
  save_state "$STACK_NAME" "$kind"
  parameter PipelineArtifactsPrefix "$STACK_NAME"
  ensure_stack "$artifacts" "$artifacts_kind" "$project/cfn/artifacts-bucket.yaml"
  bucket=$(stack_value "$artifacts" Output:BucketName)
  # shellcheck disable=SC2119 # no nested template
  upload
  before=$(stack_value "$STACK_NAME" Parameter:GateBundleSHA256)
  if [ -n "$before" ] && [ "$before" != "$bundle_digest" ]; then
    say "The scan changes from bundle $before to that of this checkout."
  fi
  scan_parameters
  ensure_stack "$STACK_NAME" "$kind" "$project/cfn/dependency-scan.yaml"
  say ""
  say "The dependency scan is there. Next:"
  say "  - Confirm the subscription in the email to $SNS_EMAIL; until then no result arrives."
  say "  - Push to $REPOSITORY_NAME."
}

check_variables() {
  local name='[A-Za-z0-9._-]{1,100}'
  need AWS_REGION "$region_pattern" 'a region, such as eu-central-1'
  # The bucket's rule for what expires takes a prefix of 20 characters.
  need STACK_NAME '[A-Za-z][A-Za-z0-9-]{1,19}' \
    '2 to 20 letters, digits and hyphens, beginning with a letter'
  case $STACK_NAME in
    cache | decisions | gate | templates)
      problem "STACK_NAME is $STACK_NAME, which has a meaning of its own in the bucket. Choose another name."
      ;;
  esac
  need SNS_EMAIL "$email_pattern" 'the address that results are emailed to'
  may SOURCE_KIND 'github|codecommit' 'github or codecommit'
  if [ "$SOURCE_KIND" = codecommit ]; then
    need REPOSITORY_NAME "$name" 'the name of the repository in CodeCommit'
  else
    need REPOSITORY_NAME "$name/$name" 'OWNER/NAME of the repository at GitHub'
    need CODE_CONNECTION_ARN \
      'arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:[0-9]{12}:connection/[0-9a-f-]+' \
      'the ARN of a connection to GitHub'
  fi
  may BRANCHES '\*|\*?[A-Za-z0-9._/-]+(\*[A-Za-z0-9._/-]+)*\*?' \
    'the name of a branch, in which single stars may stand for anything, such as release/*'
  need_network
  may FAIL_ON_FINDINGS 'fail|report-only' 'fail or report-only'
  may ADVISORIES 'https://[^[:space:]]+|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^[:space:]]+' \
    's3://BUCKET/KEY.zip, or the https address of an OSV API'
  may ADVISORIES_KEY "$key_pattern" "the ARN of that object's KMS key"
  check_snyk
  may SNYK_MONITOR 'on|off' 'on or off'
  may LOG_RETENTION_DAYS '30|60|90|180|365|545|731|1827|3653' \
    'one of 30, 60, 90, 180, 365, 545, 731, 1827 and 3653 days'
}

scan_parameters() {
  parameter SourceKind "$SOURCE_KIND"
  parameter RepositoryName "$REPOSITORY_NAME"
  parameter Branches "${BRANCHES-}"
  if [ "$SOURCE_KIND" = github ]; then
    parameter CodeConnectionArn "$CODE_CONNECTION_ARN"
  fi
  parameter SNSEmail "$SNS_EMAIL"
  parameter FailOnFindings "${FAIL_ON_FINDINGS-}"
  parameter LogRetentionDays "${LOG_RETENTION_DAYS-}"
  parameter Advisories "${ADVISORIES-}"
  parameter AdvisoriesKey "${ADVISORIES_KEY-}"
  snyk_parameters
  parameter SnykMonitor "${SNYK_MONITOR-}"
  parameter S3ArtifactsBucket "$bucket"
  parameter GateBundle "gate/$bundle_digest.tar.gz"
  parameter GateBundleSHA256 "$bundle_digest"
  parameter CodeServicesVpc "$CODESERVICES_VPC_ID"
  parameter CodeServicesSubnet "$CODESERVICES_SUBNET_ID1,$CODESERVICES_SUBNET_ID2"
}

delete() {
  need STACK_NAME "$stack_pattern" 'the name that the stack was created with'
  prepare_deletion "$kind" "$STACK_NAME"
  check_stack "$artifacts" "$artifacts_kind"
  stop_if_problems
  if ! stack_exists "$STACK_NAME" && ! stack_exists "$artifacts"; then
    say "There is no dependency scan $STACK_NAME in account $account, $AWS_REGION."
    tell_what_stays
    forget_state "$STACK_NAME"
    return
  fi
  say "In account $account, $AWS_REGION:"
  if stack_exists "$STACK_NAME"; then
    say "  - the stack $STACK_NAME with its build project, its log and its test reports"
  fi
  if stack_exists "$artifacts"; then
    say "  - the stack $artifacts with the bucket $(stack_value "$artifacts" Output:BucketName), and in it all reports of scans"
  fi
  confirm "Delete all of this?"

  if stack_exists "$STACK_NAME"; then
    save_state "$STACK_NAME" "$kind" "KEYS=$(keys_of "$STACK_NAME")"
    remove_stack_with_buckets "$STACK_NAME"
  fi
  if stack_exists "$artifacts"; then
    remove_stack_with_buckets "$artifacts"
  fi
  say "The dependency scan $STACK_NAME is deleted."
  tell_what_stays
  forget_state "$STACK_NAME"
}

run_program "$@"
