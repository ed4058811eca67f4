#!/usr/bin/env bash
# Summary: Create or delete the gate that publishes to AWS CodeArtifact.
#
# Usage: source shell/create-codeartifact-stack.sh [--yes] [--replace]
#        source shell/delete-codeartifact-stack.sh [--yes] [--records FOLDER]
#
# Exported before creating:
#   AWS_REGION STACK_NAME CODEPIPELINE_NAME SNS_EMAIL
#   PRIVATE_GITHUB_OWNER PRIVATE_GITHUB_REPO PRIVATE_GITHUB_BRANCH
#   PRIVATE_GITHUB_PAT, or CODE_CONNECTION_ARN instead
#   CODESERVICES_VPC_ID CODESERVICES_SUBNET_ID1 CODESERVICES_SUBNET_ID2
# If another than the template's default is wanted:
#   CODEARTIFACT_DOMAIN (default: STACK_NAME) CODEARTIFACT_REPOSITORY
#   CONSUMER_ACCOUNTS CONSUMER_ORGANIZATION CONSUMER_ROLES PYPI_STORE
#   REQUESTS_SOURCE=codecommit and CODECOMMIT_REPOSITORY (requests come from there, not from GitHub)
#   SCANNERS ADVISORIES ADVISORIES_KEY RETRY_SCHEDULE REEVALUATION_SCHEDULE LOG_RETENTION_DAYS
#   CLOUDTRAIL SIGN_VERDICTS
#   SNYK_TOKEN_PARAMETER SNYK_TOKEN_KEY SNYK_ORGANISATION_PARAMETER SNYK_PLAN
# A gate that is there keeps what is not set; what is set and empty takes the template's default.
# Then AWS_REGION and STACK_NAME are enough. It shows what changes and asks; --yes asks nothing, but
# for the loss of a domain, a repository and the like, which needs --replace besides.
# Deleting needs STACK_NAME, and AWS_REGION where the state file is missing. --yes asks nothing;
# --records copies the decisions, and the trail's log if there is one, to a folder first.

# shellcheck disable=SC2034 # package-gate.sh uses it
variant=codeartifact
# shellcheck source=shell/stacks/package-gate.sh
. "${BASH_SOURCE[0]%/*}/package-gate.sh"

role_pattern='arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+'

adopt_variant() {
  adopt CODEARTIFACT_DOMAIN DomainName
  domain=${CODEARTIFACT_DOMAIN:-${STACK_NAME-}}
}

check_variant() {
  if ! matches "$domain" '[a-z][a-z0-9-]{0,48}[a-z0-9]' && [ -n "$domain" ]; then
    problem "CODEARTIFACT_DOMAIN (default: STACK_NAME) is $(printf '%q' "$domain"), but must be 2 to 50 lower-case letters, digits and hyphens, beginning with a letter"
  fi
  may CODEARTIFACT_REPOSITORY '[A-Za-z0-9][A-Za-z0-9._-]{1,99}' \
    '2 to 100 letters, digits, dots, hyphens and underscores'
  may CONSUMER_ACCOUNTS '[0-9]{12}(,[0-9]{12})*' 'account numbers of 12 digits, separated by commas'
  may CONSUMER_ORGANIZATION 'o-[a-z0-9]{10,32}' "an organisation's id, such as o-a1b2c3d4e5"
  may CONSUMER_ROLES "$role_pattern(,$role_pattern)*" 'ARNs of roles, separated by commas'
  may PYPI_STORE 'none|gate-only|chained-bypassing-the-gate' \
    'none, gate-only, or chained-bypassing-the-gate, which lets notebooks install anything'
}

# A domain of that name that is not this stack's.
check_variant_in_aws() {
  local arn
  if ! arn=$(cli codeartifact describe-domain --domain "$domain" --query domain.arn); then
    grep -q ResourceNotFoundException "$scratch/error" || aws_failed "look for the domain $domain"
    return
  fi
  if stack_exists "$STACK_NAME"; then
    resources_of "$STACK_NAME" >"$scratch/resources"
    if grep -q -F -e "$arn" "$scratch/resources"; then
      return
    fi
  fi
  problem "There is a CodeArtifact domain $domain already, which this stack did not make. Set CODEARTIFACT_DOMAIN to another name."
}

variant_parameters() {
  parameter DomainName "$domain"
  setting RepositoryName CODEARTIFACT_REPOSITORY
  setting ConsumerAccounts CONSUMER_ACCOUNTS
  setting ConsumerOrganization CONSUMER_ORGANIZATION
  setting ConsumerRoles CONSUMER_ROLES
  setting Store PYPI_STORE
}

run_program "$@"
