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
#   CODEARTIFACT_DOMAIN_OWNER (the gate joins the domain of that account in place of making one)
#   JOINING_ACCOUNTS JOINED_REPOSITORIES (other gates in this one's domain)
#   REQUESTS_SOURCE=codecommit and CODECOMMIT_REPOSITORY (requests come from there, not from GitHub)
#   SCANNERS ADVISORIES ADVISORIES_KEY RETRY_SCHEDULE REEVALUATION_SCHEDULE LOG_RETENTION_DAYS
#   CLOUDTRAIL SIGN_VERDICTS ISOLATION
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
  adopt CODEARTIFACT_DOMAIN_OWNER DomainOwner
  adopt CODEARTIFACT_REPOSITORY RepositoryName
  adopt PYPI_STORE Store
  domain=${CODEARTIFACT_DOMAIN:-${STACK_NAME-}}
}

check_variant() {
  if ! matches "$domain" '[a-z][a-z0-9-]{0,48}[a-z0-9]' && [ -n "$domain" ]; then
    problem "CODEARTIFACT_DOMAIN (default: STACK_NAME) is $(printf '%q' "$domain"), but must be 2 to 50 lower-case letters, digits and hyphens, beginning with a letter"
  fi
  may CODEARTIFACT_DOMAIN_OWNER '[0-9]{12}' "the account of a domain that is there already, 12 digits"
  may CODEARTIFACT_REPOSITORY '[A-Za-z0-9][A-Za-z0-9._-]{1,99}' \
    '2 to 100 letters, digits, dots, hyphens and underscores'
  if joins_domain; then
    if [ -n "$looked_at" ] && [ -z "$(stack_value looked-at Parameter:DomainOwner)" ]; then
      problem "CODEARTIFACT_DOMAIN_OWNER is set, but the stack $STACK_NAME has made a domain of its own and would delete it with all packages: unset the variable, or choose another STACK_NAME"
    fi
    if [ -z "${CODEARTIFACT_REPOSITORY-}" ]; then
      problem "CODEARTIFACT_REPOSITORY is not set (or not exported): in a domain with others the gate's repository needs a name of its own"
    fi
    case ${PYPI_STORE:-none} in
      none) ;;
      *) problem "PYPI_STORE is $PYPI_STORE, but a gate that joins a domain has no store: the domain's owner says what may come in. Unset it (a gate that has it: export PYPI_STORE=)." ;;
    esac
  fi
  may JOINING_ACCOUNTS '[0-9]{12}(,[0-9]{12})*' 'account numbers of 12 digits, separated by commas'
  may JOINED_REPOSITORIES '[A-Za-z0-9][A-Za-z0-9._-]{1,99}(,[A-Za-z0-9][A-Za-z0-9._-]{1,99})*' \
    'names of repositories, separated by commas'
  may CONSUMER_ACCOUNTS '[0-9]{12}(,[0-9]{12})*' 'account numbers of 12 digits, separated by commas'
  may CONSUMER_ORGANIZATION 'o-[a-z0-9]{10,32}' "an organisation's id, such as o-a1b2c3d4e5"
  may CONSUMER_ROLES "$role_pattern(,$role_pattern)*" 'ARNs of roles, separated by commas'
  may PYPI_STORE 'none|gate-only|chained-bypassing-the-gate' \
    'none, gate-only, or chained-bypassing-the-gate, which lets notebooks install anything'
}

joins_domain() {
  [ -n "${CODEARTIFACT_DOMAIN_OWNER-}" ]
}

# A domain that is joined must be there; of one that is made only this stack's own may.
check_variant_in_aws() {
  local arn
  if ! arn=$(cli codeartifact describe-domain --domain "$domain" \
    ${CODEARTIFACT_DOMAIN_OWNER:+--domain-owner "$CODEARTIFACT_DOMAIN_OWNER"} --query domain.arn); then
    if joins_domain; then
      problem "CodeArtifact does not show the domain $domain of the account $CODEARTIFACT_DOMAIN_OWNER: $(cli_error). docs/accounts-and-regions.md says how its owner lets other accounts join."
    elif ! grep -q ResourceNotFoundException "$scratch/error"; then
      aws_failed "look for the domain $domain"
    fi
    return
  fi
  if stack_exists "$STACK_NAME"; then
    resources_of "$STACK_NAME" >"$scratch/resources"
    if grep -q -F -e "$arn" "$scratch/resources"; then
      return
    fi
  fi
  if ! joins_domain; then
    problem "There is a CodeArtifact domain $domain already, which this stack did not make. Set CODEARTIFACT_DOMAIN to another name, or CODEARTIFACT_DOMAIN_OWNER to its account to join it."
  fi
}

variant_goes() {
  local owner
  owner=$(stack_value "$STACK_NAME" Parameter:DomainOwner)
  if [ -z "$owner" ]; then
    printf ', the CodeArtifact domain and all packages in it\n'
  else
    printf ', the CodeArtifact repository %s and all packages in it; the domain %s of the account %s stays\n' \
      "$(stack_value "$STACK_NAME" Parameter:RepositoryName)" \
      "$(stack_value "$STACK_NAME" Parameter:DomainName)" "$owner"
  fi
}

# A domain with repositories of others can't be deleted: it would stop half way.
check_variant_deletion() {
  local made repositories name
  made=$(stack_value "$STACK_NAME" Parameter:DomainName)
  if [ -n "$(stack_value "$STACK_NAME" Parameter:DomainOwner)" ]; then
    return
  fi
  if ! repositories=$(cli codeartifact list-repositories-in-domain --domain "$made" \
    --query 'repositories[].[name]'); then
    grep -q ResourceNotFoundException "$scratch/error" ||
      aws_failed "list the repositories in the domain $made"
    return
  fi
  while IFS= read -r name; do
    case $name in
      '' | None) ;;
      "$(stack_value "$STACK_NAME" Parameter:RepositoryName)") ;;
      "$(stack_value "$STACK_NAME" Parameter:StoreName)") ;;
      *) problem "The domain $made is in use: the repository $name is in it. Delete its gate first." ;;
    esac
  done <<<"$repositories"
}

variant_parameters() {
  parameter DomainName "$domain"
  setting DomainOwner CODEARTIFACT_DOMAIN_OWNER
  setting RepositoryName CODEARTIFACT_REPOSITORY
  setting JoiningAccounts JOINING_ACCOUNTS
  setting JoinedRepositories JOINED_REPOSITORIES
  setting ConsumerAccounts CONSUMER_ACCOUNTS
  setting ConsumerOrganization CONSUMER_ORGANIZATION
  setting ConsumerRoles CONSUMER_ROLES
  setting Store PYPI_STORE
}

run_program "$@"
