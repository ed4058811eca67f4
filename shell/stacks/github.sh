#!/usr/bin/env bash
# Summary: Create or delete the gate that publishes to a private GitHub repository.
#
# Usage: source shell/create-github-stack.sh [--yes] [--replace]
#        source shell/delete-github-stack.sh [--yes] [--records FOLDER]
#
# Exported before creating:
#   AWS_REGION STACK_NAME CODEPIPELINE_NAME SNS_EMAIL
#   PRIVATE_GITHUB_OWNER PRIVATE_GITHUB_REPO PRIVATE_GITHUB_BRANCH
#   PRIVATE_GITHUB_USERNAME PRIVATE_GITHUB_EMAIL PRIVATE_GITHUB_PAT
#   CODESERVICES_VPC_ID CODESERVICES_SUBNET_ID1 CODESERVICES_SUBNET_ID2
# If another than the default is wanted:
#   PRIVATE_GITHUB_PACKAGES_REPO (default: PRIVATE_GITHUB_REPO)
#   CODE_CONNECTION_ARN (the source comes through it; the token still publishes)
#   REQUESTS_SOURCE=codecommit and CODECOMMIT_REPOSITORY (requests come from there, not from GitHub)
#   SCANNERS ADVISORIES ADVISORIES_KEY RETRY_SCHEDULE REEVALUATION_SCHEDULE LOG_RETENTION_DAYS
#   CLOUDTRAIL SIGN_VERDICTS ISOLATION
#   SNYK_TOKEN_PARAMETER SNYK_TOKEN_KEY SNYK_ORGANISATION_PARAMETER SNYK_PLAN
# A gate that is there keeps what is not set; what is set and empty takes the template's default.
# Then AWS_REGION and STACK_NAME are enough. It shows what changes and asks; --yes asks nothing, but
# for the loss of a bucket or a key, which needs --replace besides.
# Deleting needs STACK_NAME, and AWS_REGION where the state file is missing. --yes asks nothing;
# --records copies the decisions, and the trail's log if there is one, to a folder first. What was
# published to GitHub stays there.

# shellcheck disable=SC2034 # package-gate.sh uses it
variant=github
# shellcheck source=shell/stacks/package-gate.sh
. "${BASH_SOURCE[0]%/*}/package-gate.sh"

adopt_variant() {
  adopt PRIVATE_GITHUB_USERNAME PrivateGitHubUsername
  adopt PRIVATE_GITHUB_EMAIL PrivateGitHubEmail
  adopt PRIVATE_GITHUB_PACKAGES_REPO PrivateGitHubPackagesRepo
}

check_variant() {
  need PRIVATE_GITHUB_USERNAME '[A-Za-z0-9][A-Za-z0-9_-]{0,99}' "the token's user"
  need PRIVATE_GITHUB_EMAIL "$email_pattern" "the address of the commits' author"
  may PRIVATE_GITHUB_PACKAGES_REPO '[A-Za-z0-9._-]{1,100}' \
    'the name of the repository that packages are published to, without its owner'
}

check_variant_in_aws() {
  : # GitHub is not asked before the first build
}

variant_goes() {
  :
}

check_variant_deletion() {
  :
}

variant_parameters() {
  parameter PrivateGitHubUsername "$PRIVATE_GITHUB_USERNAME"
  parameter PrivateGitHubEmail "$PRIVATE_GITHUB_EMAIL"
  parameter PrivateGitHubPackagesRepo "${PRIVATE_GITHUB_PACKAGES_REPO:-$PRIVATE_GITHUB_REPO}"
}

run_program "$@"
