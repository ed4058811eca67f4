#!/usr/bin/env bash
# Summary: Create or delete the dependency scan of a repository (cfn/dependency-scan.yaml).
#
# Usage: source shell/create-dependency-scan-stack.sh [--yes] [--replace]
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
#   SNYK_TOKEN_PARAMETER SNYK_TOKEN_KEY SNYK_ORGANISATION_PARAMETER SNYK_PLAN SNYK_MONITOR
#   LOG_RETENTION_DAYS
# Run it again to change one of these, or to give the scan the code and policy of this checkout. It
# keeps what is not set, and takes the template's default for what is set and empty; shows what changes,
# and asks. --yes asks nothing, but for the loss of a bucket or a key, which needs --replace besides.
# Deleting needs AWS_REGION where the state file is missing. --yes asks nothing.
#
# Order: bucket, bundle in it, then the stack, which needs both.

# shellcheck source=shell/stacks/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"
# shellcheck source=shell/stacks/builds.sh
. "$stacks/builds.sh"

export STACK_NAME=${STACK_NAME:-dependency-scan}
artifacts=$STACK_NAME-artifacts
kind=dependency-scan
# Of its own, so that nobody takes the bucket with a gate's records for a scan's.
artifacts_kind=dependency-scan-artifacts

create() {
  need AWS_REGION "$region_pattern" 'a region, such as eu-central-1'
  # The bucket's rule for what expires takes a prefix of 20 characters.
  need STACK_NAME '[A-Za-z][A-Za-z0-9-]{1,19}' \
    '2 to 20 letters, digits and hyphens, beginning with a letter'
  check_account
  look_at_stack "$STACK_NAME" "$kind"
  adopt_variables
  check_variables
  check_tools
  stop_if_problems
  check_stack "$STACK_NAME" "$kind"
  check_stack "$artifacts" "$artifacts_kind"
  if network_is_given; then
    check_network
  fi
  stop_if_problems

  make_bundle "$scratch/bundle"
  save_state "$STACK_NAME" "$kind"
  parameter PipelineArtifactsPrefix "$STACK_NAME"
  ensure_stack "$artifacts" "$artifacts_kind" artifacts-bucket.yaml
  bucket=$(stack_value "$artifacts" Output:BucketName)
  # shellcheck disable=SC2119 # no nested template
  upload
  scan_parameters
  ensure_stack "$STACK_NAME" "$kind" dependency-scan.yaml
  say ""
  say "The dependency scan is there. Next:"
  say "  - Confirm the subscription in the email to $SNS_EMAIL; until then no result arrives."
  say "  - Push to $REPOSITORY_NAME."
}

# What is not set is as in the stack that is there: all of it is checked together.
adopt_variables() {
  adopt SNS_EMAIL SNSEmail
  adopt REPOSITORY_NAME RepositoryName
  adopt SOURCE_KIND SourceKind
  export SOURCE_KIND=${SOURCE_KIND:-github}
  adopt CODE_CONNECTION_ARN CodeConnectionArn
}

check_variables() {
  local name='[A-Za-z0-9._-]{1,100}'
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
    need CODE_CONNECTION_ARN '.*' 'the ARN of a connection to GitHub'
    check_connection
  fi
  may BRANCHES '\*|\*?[A-Za-z0-9._/-]+(\*[A-Za-z0-9._/-]+)*\*?' \
    'the name of a branch, in which single stars may stand for anything, such as release/*'
  if network_is_given || [ -z "$looked_at" ]; then
    need_network
  fi
  may FAIL_ON_FINDINGS 'fail|report-only' 'fail or report-only'
  check_advisories
  check_snyk
  may SNYK_MONITOR 'on|off' 'on or off'
  check_retention
}

scan_parameters() {
  parameter SourceKind "$SOURCE_KIND"
  setting RepositoryName REPOSITORY_NAME
  setting Branches BRANCHES
  if [ "$SOURCE_KIND" = github ]; then
    setting CodeConnectionArn CODE_CONNECTION_ARN
  fi
  setting SNSEmail SNS_EMAIL
  setting FailOnFindings FAIL_ON_FINDINGS
  setting LogRetentionDays LOG_RETENTION_DAYS
  setting Advisories ADVISORIES
  setting AdvisoriesKey ADVISORIES_KEY
  snyk_parameters
  setting SnykMonitor SNYK_MONITOR
  parameter S3ArtifactsBucket "$bucket"
  parameter GateBundle "gate/$bundle_digest.tar.gz"
  parameter GateBundleSHA256 "$bundle_digest"
  network_parameters
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
