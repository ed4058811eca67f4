# shellcheck shell=bash
# shellcheck disable=SC2154 # common.sh and the programs set what is used here
# Summary: Create and delete the gate: what the CodeArtifact and the GitHub variant share.
#
# Read by codeartifact.sh and github.sh, which define before:
#   variant                  codeartifact or github
#   adopt_variant            adopt of those that are checked together
#   check_variant            need and may of the variant's own variables
#   check_variant_in_aws     problems that only AWS knows of
#   variant_parameters       the variant's own parameters
#   variant_goes             what a deletion takes away besides, for a sentence
#   check_variant_deletion   problems with a deletion that only AWS knows of
#
# Order: bucket, templates and bundle in it, secret, then the stack, which needs all of them.

# shellcheck source=shell/stacks/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"
# shellcheck source=shell/stacks/builds.sh
. "$stacks/builds.sh"

: "${variant:?is set by the program that reads this file}"
secret_name=${STACK_NAME-}-github-token
artifacts=${STACK_NAME-}-artifacts

create() {
  need AWS_REGION "$region_pattern" 'a region, such as eu-central-1'
  need STACK_NAME "$stack_pattern" 'a name of letters, digits and hyphens, at most 40'
  check_account
  look_at_stack "${STACK_NAME-}" "$variant"
  adopt_variables
  check_variables
  check_tools
  stop_if_problems
  check_stack "$STACK_NAME" "$variant"
  check_stack "$artifacts" artifacts
  if network_is_given; then
    check_network
  fi
  if uses_token; then
    check_secret
    if [ -z "${PRIVATE_GITHUB_PAT-}" ] && [ "$secret_state" = none ]; then
      problem "PRIVATE_GITHUB_PAT is not set (or not exported), and there is no secret $secret_name any more: $token_hint"
    fi
  fi
  if uses_codecommit; then
    check_codecommit
  fi
  check_variant_in_aws
  if is_staged; then
    look_up_s3
  fi
  stop_if_problems

  make_bundle "$scratch/bundle"
  save_state "$STACK_NAME" "$variant"
  parameter PipelineArtifactsPrefix "${CODEPIPELINE_NAME:0:20}"
  ensure_stack "$artifacts" artifacts artifacts-bucket.yaml
  bucket=$(stack_value "$artifacts" Output:BucketName)
  upload "${pipeline_templates[@]}" "$variant-private-repo.yaml"
  if is_staged; then
    publish_wheels
  fi
  if uses_token; then
    ensure_secret
  fi
  gate_parameters
  variant_parameters
  ensure_stack "$STACK_NAME" "$variant" "$variant-private-repo.yaml" \
    "$(template_address "$variant-private-repo.yaml")"
  tell_what_is_next
}

uses_token() {
  [ "$variant" = github ] || { [ -z "${CODE_CONNECTION_ARN-}" ] && ! uses_codecommit; }
}

is_staged() {
  [ "${ISOLATION-}" = staged ]
}

uses_codecommit() {
  [ "${REQUESTS_SOURCE-}" = codecommit ]
}

# What is not set is as in the stack that is there: all of it is checked together.
adopt_variables() {
  connection_is_set=${CODE_CONNECTION_ARN+set}
  adopt CODEPIPELINE_NAME CodePipelineName
  adopt SNS_EMAIL SNSEmail
  if [ "${REQUESTS_SOURCE-}" = github ]; then
    CODECOMMIT_REPOSITORY='' # no longer, where a stack has one
  else
    adopt CODECOMMIT_REPOSITORY CodeCommitRepository
    if [ -z "${REQUESTS_SOURCE-}" ] && [ -n "$looked_at" ] && [ -n "${CODECOMMIT_REPOSITORY-}" ]; then
      REQUESTS_SOURCE=codecommit
    fi
  fi
  adopt PRIVATE_GITHUB_OWNER PrivateGitHubOwner
  adopt PRIVATE_GITHUB_REPO PrivateGitHubRepo
  adopt PRIVATE_GITHUB_BRANCH PrivateGitHubBranch
  adopt CODE_CONNECTION_ARN CodeConnectionArn
  adopt SCANNERS Scanners
  adopt ADVISORIES Advisories
  adopt SNYK_TOKEN_PARAMETER SnykToken
  adopt ISOLATION Isolation
  adopt_variant
}

# Checks

check_variables() {
  need CODEPIPELINE_NAME '[A-Za-z][A-Za-z0-9-]{0,18}[A-Za-z0-9]' \
    '2 to 20 letters, digits and hyphens, beginning with a letter, ending with a letter or digit'
  case ${CODEPIPELINE_NAME-} in
    cache | decisions | gate | templates | wheelhouse | work)
      problem "CODEPIPELINE_NAME is $CODEPIPELINE_NAME, which has a meaning of its own in the bucket. Choose another name."
      ;;
    *--*)
      problem "CODEPIPELINE_NAME has two hyphens side by side, which no trail takes in its name. Choose another name."
      ;;
  esac
  need SNS_EMAIL "$email_pattern" 'the address that verdicts and failures are emailed to'
  may REQUESTS_SOURCE 'github|codecommit' 'github or codecommit'
  if uses_codecommit; then
    need CODECOMMIT_REPOSITORY '[A-Za-z0-9._-]{1,100}' 'the name of the repository with the requests'
  elif [ -n "${CODECOMMIT_REPOSITORY-}" ]; then
    problem "CODECOMMIT_REPOSITORY is set, but REQUESTS_SOURCE is not codecommit: set it, or unset the repository"
  fi
  if [ "$variant" = github ] || ! uses_codecommit; then
    need PRIVATE_GITHUB_OWNER '[A-Za-z0-9][A-Za-z0-9-]{0,38}' \
      'the organisation or user that owns the repository with the requests'
    need PRIVATE_GITHUB_REPO '[A-Za-z0-9._-]{1,100}' \
      'the name of the repository with the requests, without its owner'
  fi
  need PRIVATE_GITHUB_BRANCH '[A-Za-z0-9._/-]{1,139}' 'the branch with the requests, such as main'
  check_connection
  if uses_token; then
    check_token
  elif [ -n "${PRIVATE_GITHUB_PAT-}" ] && uses_codecommit; then
    problem "PRIVATE_GITHUB_PAT is set, but requests come from CodeCommit and nothing goes to GitHub: unset it"
  elif [ -n "${PRIVATE_GITHUB_PAT-}" ] && [ -z "$connection_is_set" ]; then
    problem "PRIVATE_GITHUB_PAT is set, but the gate pulls through a connection: unset it, or go back to the token with an empty CODE_CONNECTION_ARN (export CODE_CONNECTION_ARN=)."
  fi
  if network_is_given || [ -z "$looked_at" ]; then
    need_network
  fi
  check_advisories
  check_scanners
  check_snyk
  case ,${SCANNERS-}, in
    *,snyk,*)
      if [ -z "${SNYK_TOKEN_PARAMETER-}" ]; then
        problem "SNYK_TOKEN_PARAMETER is not set (or not exported): the scanner snyk needs a token; docs/deployment.md says where it goes"
      fi
      ;;
    *)
      if [ -n "${SNYK_TOKEN_PARAMETER-}" ]; then
        problem "SNYK_TOKEN_PARAMETER is set, but SCANNERS does not name snyk: add it, or unset the variable (a gate that has it: export SNYK_TOKEN_PARAMETER=)"
      fi
      ;;
  esac
  may RETRY_SCHEDULE 'none|(rate|cron)\([^()[:cntrl:]]+\)' "rate(…), cron(…) or none, such as 'rate(1 day)'"
  may REEVALUATION_SCHEDULE 'none|(rate|cron)\([^()[:cntrl:]]+\)' "rate(…), cron(…) or none, such as 'cron(0 4 * * ? *)'"
  check_retention
  may CLOUDTRAIL 'on|off' 'on or off'
  may SIGN_VERDICTS 'on|off' 'on or off'
  check_isolation
  check_variant
}

check_scanners() {
  local scanner='(osv|guarddog|behaviour|ruff|inspector|snyk|codeguru)'
  may SCANNERS "$scanner(,$scanner)*" \
    'names of scanners separated by commas, such as osv,guarddog,behaviour,ruff'
}

# What isolated stages can't do: their conclusion has no internet, their scans no network at all.
check_isolation() {
  local scanner
  may ISOLATION 'single|staged' 'single or staged'
  if ! is_staged; then
    case $(stack_value looked-at Parameter:FleetFrom) in
      '' | 0) ;;
      *) problem "ISOLATION is $ISOLATION, but the gate has a fleet, which scans in the closed network: take it away first with shell/delete-fleet-stack.sh" ;;
    esac
    if [ -n "$(stack_value looked-at Parameter:ObserveImage)" ]; then
      problem "ISOLATION is $ISOLATION, but the gate observes packages in the closed network: take that away first with shell/delete-observe-stack.sh"
    fi
    return
  fi
  case ${ADVISORIES-} in
    s3://*) ;;
    *) problem "ADVISORIES must be a snapshot, s3://BUCKET/KEY.zip, with ISOLATION=staged: verdicts are concluded without the internet. docs/staged-pipeline.md says how to make one." ;;
  esac
  for scanner in inspector snyk codeguru; do
    case ,${SCANNERS-}, in
      *",$scanner,"*) problem "SCANNERS names $scanner, which is a service: with ISOLATION=staged neither scans nor the conclusion reach it. Take it out, or set ISOLATION=single." ;;
    esac
  done
  if ! "${PYTHON:-python3}" -I -m pip --version >/dev/null 2>&1; then
    problem "Python's pip is not there (\`${PYTHON:-python3} -m pip\`): with ISOLATION=staged it fetches the wheels that builds without the internet install."
  fi
}

# look_up_s3: sets $prefix_list, for security groups that let nothing else through.
look_up_s3() {
  prefix_list=$(cli ec2 describe-managed-prefix-lists \
    --filters "Name=prefix-list-name,Values=com.amazonaws.$AWS_REGION.s3" \
    --query 'PrefixLists[0].PrefixListId') || problem "AWS does not tell S3's prefix list: $(cli_error)"
}

# Its value is never told. A gate that is there has one already.
check_token() {
  token_hint="a token of GitHub for the repository; docs/github.md says with which rights"
  if [ "$variant" != github ]; then
    token_hint="$token_hint. Or set CODE_CONNECTION_ARN instead"
  fi
  if [ -n "${PRIVATE_GITHUB_PAT-}" ]; then
    matches "$PRIVATE_GITHUB_PAT" '[!-~]{8,}' ||
      problem "PRIVATE_GITHUB_PAT has blanks or other characters that no token has, or is too short: $token_hint"
  elif [ -z "$(stack_value looked-at Parameter:PrivateGitHubToken)" ]; then
    problem "PRIVATE_GITHUB_PAT is not set (or not exported): $token_hint"
  fi
}

check_codecommit() {
  cli codecommit get-repository --repository-name "$CODECOMMIT_REPOSITORY" \
    --query repositoryMetadata.Arn >/dev/null ||
    problem "CodeCommit does not show the repository $CODECOMMIT_REPOSITORY in $AWS_REGION: $(cli_error). Whether your account can use CodeCommit there, \`aws codecommit list-repositories --region $AWS_REGION\` tells; docs/deployment.md says what to do when it can't."
}

# Sets $secret_state to none, ours or deleted (ours, and can be restored).
check_secret() {
  local deleted owner answer
  if ! answer=$(cli secretsmanager describe-secret --secret-id "$secret_name" --query \
    "[DeletedDate, Tags[?Key=='package-gate'].Value | [0]]"); then
    grep -q ResourceNotFoundException "$scratch/error" || aws_failed "look for the secret $secret_name"
    secret_state=none
    return
  fi
  IFS=$'\t' read -r deleted owner <<<"$answer"
  secret_state=ours
  if [ "$owner" != "$STACK_NAME" ]; then
    problem "There is a secret $secret_name already, which was not made by the package gate. Choose another STACK_NAME."
  elif [ "$deleted" != None ]; then
    secret_state=deleted
  fi
}

# Secret

# ensure_secret: {"token": …, "webhook": …}; written only when the token is another one. It goes
# through descriptors: no argument, file or environment of another program ever has it. Sets
# $token_version.
ensure_secret() {
  local webhook='' stored=''
  if [ "$secret_state" = deleted ]; then
    cli secretsmanager restore-secret --secret-id "$secret_name" >/dev/null ||
      aws_failed "restore the secret $secret_name"
  fi
  if [ "$secret_state" != none ]; then
    stored=$(cli secretsmanager get-secret-value --secret-id "$secret_name" \
      --query '[VersionId,SecretString]') || aws_failed "read the secret $secret_name"
    token_version=${stored%%$'\t'*}
    stored=${stored#*$'\t'}
    webhook=$(sed -n 's/.*"webhook": "\([0-9a-f]\{64\}\)".*/\1/p' <<<"$stored")
  fi
  if [ -z "${PRIVATE_GITHUB_PAT-}" ]; then
    return # the one that is there stays
  fi
  if [ -z "$webhook" ]; then
    webhook=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
  fi
  if [ "$stored" = "$(secret_value "$webhook")" ]; then
    say "Secret $secret_name is up to date."
  elif [ "$secret_state" = none ]; then
    say "Secret $secret_name: create"
    token_version=$(cli secretsmanager create-secret --name "$secret_name" \
      --description 'Token of the package gate for GitHub, and the key of its webhook' \
      --tags "Key=package-gate,Value=$STACK_NAME" --query VersionId \
      --secret-string file:///dev/fd/3 3< <(secret_value "$webhook")) ||
      aws_failed "create the secret $secret_name"
  else
    say "Secret $secret_name: update"
    token_version=$(cli secretsmanager put-secret-value --secret-id "$secret_name" --query VersionId \
      --secret-string file:///dev/fd/3 3< <(secret_value "$webhook")) ||
      aws_failed "update the secret $secret_name"
  fi
}

secret_value() {
  printf '{"token": %s, "webhook": "%s"}' "$(json_string "$PRIVATE_GITHUB_PAT")" "$1"
}

# Stack

gate_parameters() {
  parameter S3ArtifactsBucket "$bucket"
  setting CodePipelineName CODEPIPELINE_NAME
  setting SNSEmail SNS_EMAIL
  setting CodeCommitRepository CODECOMMIT_REPOSITORY
  setting PrivateGitHubOwner PRIVATE_GITHUB_OWNER
  setting PrivateGitHubRepo PRIVATE_GITHUB_REPO
  setting PrivateGitHubBranch PRIVATE_GITHUB_BRANCH
  if uses_token; then
    parameter PrivateGitHubToken "$secret_name"
    # Another token: without another value the stack would have nothing to update.
    parameter TokenVersion "$token_version"
  fi
  setting CodeConnectionArn CODE_CONNECTION_ARN
  network_parameters
  pipeline_template_parameters
  setting Isolation ISOLATION
  if is_staged; then
    parameter S3PrefixList "$prefix_list"
  fi
  parameter GateBundle "gate/$bundle_digest.tar.gz"
  parameter GateBundleSHA256 "$bundle_digest"
  setting Scanners SCANNERS
  setting Advisories ADVISORIES
  parameter SnapshotObject "$(snapshot_object)"
  setting AdvisoriesKey ADVISORIES_KEY
  snyk_parameters
  setting RetrySchedule RETRY_SCHEDULE
  setting ReevaluationSchedule REEVALUATION_SCHEDULE
  setting LogRetentionDays LOG_RETENTION_DAYS
  setting CloudTrail CLOUDTRAIL
  setting SignVerdicts SIGN_VERDICTS
}

# snapshot_object: the key of ADVISORIES in its bucket, if that is where they are.
snapshot_object() {
  case ${ADVISORIES-} in
    s3://*) printf '%s\n' "${ADVISORIES#s3://*/}" ;;
  esac
}

console_host() {
  case $AWS_REGION in
    cn-*) echo console.amazonaws.cn ;;
    us-gov-*) echo console.amazonaws-us-gov.com ;;
    *) echo console.aws.amazon.com ;;
  esac
}

tell_what_is_next() {
  local requests=${PRIVATE_GITHUB_OWNER-}/${PRIVATE_GITHUB_REPO-}
  say ""
  say "The gate is there. Next:"
  say "  - Confirm both subscriptions in the emails to $SNS_EMAIL, that to verdicts and that to failed runs; until then neither arrives."
  say "  - Requesters get their own verdicts once you run ./shell/subscribe.sh --requester ADDRESS…"
  if uses_codecommit; then
    requests=$CODECOMMIT_REPOSITORY
  fi
  say "  - Push a request to $requests, branch $PRIVATE_GITHUB_BRANCH, file external-package-request.csv."
  say "  - See it run: https://$AWS_REGION.$(console_host)/codesuite/codepipeline/pipelines/$CODEPIPELINE_NAME/view?region=$AWS_REGION"
}

# Deletion

delete() {
  local bucket=''
  need STACK_NAME "$stack_pattern" 'the name that the stack was created with'
  prepare_deletion "$variant" "${STACK_NAME-}"
  check_stack "$artifacts" artifacts
  check_secret
  if stack_exists "$STACK_NAME"; then
    check_variant_deletion
  fi
  stop_if_problems
  bucket=$(stack_value "$artifacts" Output:BucketName)
  if ! stack_exists "$STACK_NAME" && ! stack_exists "$artifacts" && [ "$secret_state" = none ]; then
    say "There is no gate $STACK_NAME in account $account, $AWS_REGION."
    tell_what_stays
    forget_state "$STACK_NAME"
    return
  fi
  tell_what_goes
  confirm "Delete all of this?"

  copy_records
  if stack_exists "$STACK_NAME"; then
    save_state "$STACK_NAME" "$variant" "KEYS=$(keys_of "$STACK_NAME")"
    remove_stack_with_buckets "$STACK_NAME"
  fi
  if stack_exists "$artifacts"; then
    remove_stack_with_buckets "$artifacts"
  fi
  if [ "$secret_state" != none ]; then
    say "Secret $secret_name: delete"
    cli secretsmanager delete-secret --secret-id "$secret_name" --force-delete-without-recovery \
      >/dev/null || aws_failed "delete the secret $secret_name"
    say "The token itself is valid still: revoke it at https://github.com/settings/tokens"
  fi
  say "The gate $STACK_NAME is deleted."
  tell_what_stays
  forget_state "$STACK_NAME"
}

tell_what_goes() {
  say "In account $account, $AWS_REGION:"
  if stack_exists "$STACK_NAME"; then
    say "  - the stack $STACK_NAME with its pipeline$(variant_goes)"
  fi
  if stack_exists "$artifacts"; then
    say "  - the stack $artifacts with the bucket $bucket, and in it all records of decisions$(if [ -z "$records" ]; then printf ' (--records FOLDER copies them first)'; fi)"
  fi
  if [ "$secret_state" != none ]; then
    say "  - the secret $secret_name"
  fi
}

# copy_records: the decisions, and the trail's log if there is one, to the folder of --records.
copy_records() {
  local type id
  if [ -z "$records" ]; then
    return
  fi
  if [ -n "$bucket" ]; then
    copy_bucket "$bucket/decisions" "$records/decisions"
  fi
  if stack_exists "$STACK_NAME"; then
    resources_of "$STACK_NAME" >"$scratch/resources"
    while IFS=$'\t' read -r type id; do
      if [ "$type" = AWS::S3::Bucket ]; then
        copy_bucket "$id" "$records/trail"
      fi
    done <"$scratch/resources"
  fi
}

# copy_bucket BUCKET[/PREFIX] FOLDER
copy_bucket() {
  say "Copying s3://$1/ to $2"
  mkdir -p "$2" || fail "Nothing was deleted: $2 can't be made."
  cli s3 cp --recursive --only-show-errors "s3://$1/" "$2" ||
    fail "Nothing was deleted, because not everything could be copied: $(cli_error)"
}
