#!/usr/bin/env bash
# Summary: Create or delete the isolated notebook (cfn/isolated-notebook.yaml).
#
# Usage: source shell/create-notebook-stack.sh [--yes] [--replace]
#        source shell/delete-notebook-stack.sh [--yes]
#
# Exported before:
#   AWS_REGION                  the region, such as eu-central-1
#   CODEARTIFACT_DOMAIN         the gate's domain
#   CODEARTIFACT_DOMAIN_OWNER   its account, when it is another one
#   CODEARTIFACT_REPOSITORY     the gate's repository (default: internal)
#   NOTEBOOK_STACK_NAME         name of the stack (default: package-gate-notebook)
#   NOTEBOOK_KIND               notebook-instance, or studio
#   NOTEBOOK_INSTANCE_TYPE, NOTEBOOK_VOLUME_GB
#   NOTEBOOK_REQUESTS_ADDRESS   where people ask for packages, shown when pip finds none
#   NOTEBOOK_CODECOMMIT_REPOSITORY  a repository in CodeCommit, to ask for packages from the notebook
#   NOTEBOOK_TRUST_FILE         what "package-gate trust" printed, a file of this machine: the notebook
#                               gets it, and notebook/verify.py
#   NOTEBOOK_VPC_ID             an existing VPC in place of a new one; then also NOTEBOOK_SUBNET_IDS,
#                               NOTEBOOK_ROUTE_TABLE_IDS (lists with commas) and NOTEBOOK_VPC_CIDR
#   NOTEBOOK_ENDPOINTS          existing, when that VPC has its endpoints already
# The template's defaults stand for what is not set, or is set and empty; a notebook that is there keeps
# what is not set. It shows what changes and asks. --yes asks nothing; another notebook for this one
# needs --replace too. Creating exports NOTEBOOK_ROLE_ARN.

# shellcheck source=shell/stacks/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"
# shellcheck source=shell/stacks/studio.sh
. "$stacks/studio.sh"

export NOTEBOOK_STACK_NAME=${NOTEBOOK_STACK_NAME:-package-gate-notebook}

create() {
  local range='([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{2}' bucket prefix_list
  need AWS_REGION "$region_pattern" 'a region, such as eu-central-1'
  need NOTEBOOK_STACK_NAME "$stack_pattern" 'a name of letters, digits and hyphens, at most 40'
  check_account
  look_at_stack "$NOTEBOOK_STACK_NAME" notebook
  adopt_variables
  need CODEARTIFACT_DOMAIN '[a-z][a-z0-9-]{0,48}[a-z0-9]' "the name of the gate's CodeArtifact domain"
  may CODEARTIFACT_DOMAIN_OWNER '[0-9]{12}' 'an account id of 12 digits'
  need CODEARTIFACT_REPOSITORY '[A-Za-z0-9][A-Za-z0-9._-]{1,99}' "the name of the gate's repository"
  may NOTEBOOK_KIND 'notebook-instance|studio' 'notebook-instance or studio'
  may NOTEBOOK_INSTANCE_TYPE 'ml\.[a-z0-9]+\.[a-z0-9]+' 'an instance type, such as ml.t3.medium'
  may NOTEBOOK_VOLUME_GB '[0-9]{1,5}' 'a number of GB, such as 20'
  may NOTEBOOK_REQUESTS_ADDRESS '[A-Za-z0-9 ._/:@-]{1,200}' 'an address without special characters'
  may NOTEBOOK_CODECOMMIT_REPOSITORY '[A-Za-z0-9._-]{1,100}' 'the name of a repository in CodeCommit'
  check_trust_file
  may NOTEBOOK_VPC_ID 'vpc-[0-9a-f]{8,17}' 'the id of a VPC'
  may NOTEBOOK_SUBNET_IDS 'subnet-[0-9a-f]{8,17}(,subnet-[0-9a-f]{8,17})*' 'ids of subnets, separated by commas'
  may NOTEBOOK_ROUTE_TABLE_IDS 'rtb-[0-9a-f]{8,17}(,rtb-[0-9a-f]{8,17})*' 'ids of route tables, separated by commas'
  may NOTEBOOK_VPC_CIDR "$range" 'an address range, such as 10.90.0.0/24'
  may NOTEBOOK_ENDPOINTS 'create|existing' 'create or existing'
  if [ -n "${NOTEBOOK_VPC_ID-}" ]; then
    need NOTEBOOK_SUBNET_IDS '.*' 'private subnets of the VPC, separated by a comma'
    need NOTEBOOK_VPC_CIDR "$range" "the VPC's addresses"
    if [ "${NOTEBOOK_ENDPOINTS-}" != existing ]; then
      need NOTEBOOK_ROUTE_TABLE_IDS '.*' 'the route tables of these subnets'
    fi
  fi
  stop_if_problems
  check_stack "$NOTEBOOK_STACK_NAME" notebook
  if [ "$(stack_value "$NOTEBOOK_STACK_NAME" Parameter:NotebookKind)" = studio ] &&
    [ "${NOTEBOOK_KIND-}" != studio ]; then
    problem "NOTEBOOK_KIND is not studio, but the stack $NOTEBOOK_STACK_NAME is a Studio domain, with people's home folders: set it to studio, or choose another NOTEBOOK_STACK_NAME."
  fi
  bucket=$(files_of_packages) || problem "CodeArtifact does not show the domain $CODEARTIFACT_DOMAIN: $(cli_error)"
  prefix_list=$(cli ec2 describe-managed-prefix-lists \
    --filters "Name=prefix-list-name,Values=com.amazonaws.$AWS_REGION.s3" \
    --query 'PrefixLists[0].PrefixListId') || problem "AWS does not tell S3's prefix list: $(cli_error)"
  stop_if_problems

  save_state "$NOTEBOOK_STACK_NAME" notebook
  setting DomainName CODEARTIFACT_DOMAIN
  setting DomainOwner CODEARTIFACT_DOMAIN_OWNER
  setting RepositoryName CODEARTIFACT_REPOSITORY
  parameter PackageAssetsBucket "$bucket"
  parameter S3PrefixList "$prefix_list"
  setting RequestsAddress NOTEBOOK_REQUESTS_ADDRESS
  setting CodeCommitRepository NOTEBOOK_CODECOMMIT_REPOSITORY
  setting NotebookKind NOTEBOOK_KIND
  setting InstanceType NOTEBOOK_INSTANCE_TYPE
  setting VolumeSizeInGB NOTEBOOK_VOLUME_GB
  give_verify
  if [ "${NOTEBOOK_KIND-}" = studio ]; then
    parameter LifecycleDigest "$(lifecycle_digest)"
  fi
  setting NotebookVpc NOTEBOOK_VPC_ID
  setting NotebookSubnets NOTEBOOK_SUBNET_IDS
  setting NotebookRouteTables NOTEBOOK_ROUTE_TABLE_IDS
  setting VpcCidr NOTEBOOK_VPC_CIDR
  setting Endpoints NOTEBOOK_ENDPOINTS
  ensure_stack "$NOTEBOOK_STACK_NAME" notebook isolated-notebook.yaml
  export_to_caller NOTEBOOK_ROLE_ARN "$(stack_value "$NOTEBOOK_STACK_NAME" Output:NotebookRoleArn)"
  say "Next: let the repository know this role: CONSUMER_ROLES=\$NOTEBOOK_ROLE_ARN, and create-codeartifact-stack.sh again."
}

# What is not set is as in the stack that is there: all of it is checked together.
adopt_variables() {
  adopt CODEARTIFACT_DOMAIN DomainName
  adopt CODEARTIFACT_DOMAIN_OWNER DomainOwner
  adopt CODEARTIFACT_REPOSITORY RepositoryName
  adopt NOTEBOOK_REQUESTS_ADDRESS RequestsAddress
  export CODEARTIFACT_REPOSITORY=${CODEARTIFACT_REPOSITORY:-internal}
  adopt NOTEBOOK_CODECOMMIT_REPOSITORY CodeCommitRepository
  adopt NOTEBOOK_KIND NotebookKind
  adopt NOTEBOOK_VPC_ID NotebookVpc
  adopt NOTEBOOK_SUBNET_IDS NotebookSubnets
  adopt NOTEBOOK_ROUTE_TABLE_IDS NotebookRouteTables
  adopt NOTEBOOK_VPC_CIDR VpcCidr
  adopt NOTEBOOK_ENDPOINTS Endpoints
}

# The file must be there, and fit into a parameter.
check_trust_file() {
  if [ -n "${NOTEBOOK_TRUST_FILE-}" ]; then
    if ! grep -q '"publicKey"' -- "$NOTEBOOK_TRUST_FILE" 2>/dev/null; then
      problem "NOTEBOOK_TRUST_FILE must be a file that 'package-gate trust' has printed: $NOTEBOOK_TRUST_FILE"
    elif [ "$(in_base64 <"$NOTEBOOK_TRUST_FILE" | wc -c)" -gt 4096 ]; then
      problem "NOTEBOOK_TRUST_FILE is larger than 3,072 bytes: leave out keys that no longer count."
    fi
  fi
}

in_base64() {
  base64 | tr -d '\n'
}

# verify.py of this checkout goes with the trust file: the new one, or that of the stack.
give_verify() {
  local packed=$scratch/verify number
  : >"$packed"
  export trust='' verify1 verify2 verify3
  if [ -z "${NOTEBOOK_TRUST_FILE+set}" ]; then
    trust=$(stack_value "$NOTEBOOK_STACK_NAME" Parameter:TrustFile)
  elif [ -n "$NOTEBOOK_TRUST_FILE" ]; then
    trust=$(in_base64 <"$NOTEBOOK_TRUST_FILE")
  fi
  if [ -n "$trust" ]; then
    gzip -9n <"$project/notebook/verify.py" | in_base64 >"$packed"
    # 16,384 characters is what SageMaker takes of a script, in base64.
    [ "$(wc -c <"$packed")" -le 12270 ] || fail "notebook/verify.py is too large for a lifecycle script."
  fi
  verify1=$(cut -c 1-4096 "$packed")
  verify2=$(cut -c 4097-8192 "$packed")
  verify3=$(cut -c 8193-12270 "$packed")
  setting TrustFile trust
  for number in 1 2 3; do
    setting "Verify$number" "verify$number"
  done
}

# Of all that the lifecycle scripts are made of.
lifecycle_digest() {
  local digest
  {
    cat "$project/cfn/isolated-notebook.yaml"
    printf '%s\n' "$AWS_REGION" "$account" "$CODEARTIFACT_DOMAIN" "${CODEARTIFACT_DOMAIN_OWNER-}" \
      "$CODEARTIFACT_REPOSITORY" "${NOTEBOOK_REQUESTS_ADDRESS-}" \
      "${NOTEBOOK_CODECOMMIT_REPOSITORY-}"
    printf '%s\n' "$trust"
    cat "$scratch/verify"
  } >"$scratch/lifecycle"
  digest=$(sha256 "$scratch/lifecycle")
  printf '%s\n' "${digest:0:12}"
}

# The bucket that CodeArtifact keeps the domain's files in.
files_of_packages() {
  local arn
  arn=$(cli codeartifact describe-domain --domain "$CODEARTIFACT_DOMAIN" \
    ${CODEARTIFACT_DOMAIN_OWNER:+--domain-owner "$CODEARTIFACT_DOMAIN_OWNER"} \
    --query domain.s3BucketArn) || return
  printf '%s\n' "${arn##*:}"
}

delete() {
  need NOTEBOOK_STACK_NAME "$stack_pattern" 'the name that the stack was created with'
  prepare_deletion notebook "$NOTEBOOK_STACK_NAME"
  if stack_exists "$NOTEBOOK_STACK_NAME"; then
    find_studio "$NOTEBOOK_STACK_NAME"
    if [ -n "$studio" ]; then
      say "The Studio domain $studio goes with it: its user profiles, spaces and apps, and the home folders of all its users. Nothing brings them back."
    else
      say "The notebook's volume goes with it. Nothing brings it back."
    fi
    confirm "Delete the stack $NOTEBOOK_STACK_NAME in account $account, $AWS_REGION?"
    if [ -n "$studio" ]; then
      # For another try, when the domain can't tell any more.
      save_state "$NOTEBOOK_STACK_NAME" notebook "HOMES=$homes"
      remove_studio
    fi
    remove_stack_with_buckets "$NOTEBOOK_STACK_NAME"
  else
    say "There is no stack $NOTEBOOK_STACK_NAME in $AWS_REGION."
  fi
  forget_state "$NOTEBOOK_STACK_NAME"
}

run_program "$@"
