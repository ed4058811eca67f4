#!/usr/bin/env bash
# Summary: Create or delete the network of the gate (cfn/vpc.yaml).
#
# Usage: source shell/create-vpc-stack.sh [--yes] [--replace]
#        source shell/delete-vpc-stack.sh [--yes]
#
# Exported before:
#   AWS_REGION        the region, such as eu-central-1
#   VPC_STACK_NAME    name of the stack (default: package-gate-vpc)
#   VPC_CIDR          its addresses (default: the template's)
#   VPC_NAT_GATEWAYS  one, or per-zone
#   VPC_EGRESS_TRANSIT_GATEWAY_ID  a transit gateway to the internet, in place of NAT gateways
#   VPC_ENDPOINTS     none, essential or all; cfn/vpc.yaml says what each costs
#   VPC_ZONE1, VPC_ZONE2     two availability zones (default: AWS's first two)
#   VPC_REPOSITORY_ACCOUNTS  other accounts with repositories or buckets, separated by commas
#   VPC_FLOW_LOG_DAYS        how long flow logs are kept (default: 365)
# A network that is there keeps what is not set; what is set and empty takes the template's default.
# It shows what changes and asks. --yes asks nothing; a new network for this one needs --replace too.
# Creating exports CODESERVICES_VPC_ID, CODESERVICES_SUBNET_ID1 and CODESERVICES_SUBNET_ID2.

# shellcheck source=shell/stacks/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"

export VPC_STACK_NAME=${VPC_STACK_NAME:-package-gate-vpc}

create() {
  local addresses
  need AWS_REGION "$region_pattern" 'a region, such as eu-central-1'
  need VPC_STACK_NAME "$stack_pattern" 'a name of letters, digits and hyphens, at most 40'
  may VPC_CIDR '([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{2}' 'an address range, such as 10.0.0.0/16'
  may VPC_NAT_GATEWAYS 'one|per-zone' 'one or per-zone'
  may VPC_EGRESS_TRANSIT_GATEWAY_ID 'tgw-([0-9a-f]{8}|[0-9a-f]{17})' \
    'the id of a transit gateway, which accepts attachments of this account by itself'
  may VPC_ENDPOINTS 'none|essential|all' 'none, essential or all'
  case ${AWS_REGION-}/${VPC_ENDPOINTS-} in
    cn-*/none | us-gov-*/none) ;;
    cn-*/* | us-gov-*/*)
      problem "VPC_ENDPOINTS must be none in $AWS_REGION, where AWS has no CodeArtifact: export VPC_ENDPOINTS=none, and take the gate with a GitHub repository."
      ;;
  esac
  may VPC_ZONE1 "${region_pattern}[a-z]" 'an availability zone, such as eu-central-1a'
  may VPC_ZONE2 "${region_pattern}[a-z]" 'another availability zone, such as eu-central-1b'
  if [ -n "${VPC_ZONE1-}" ] && [ "${VPC_ZONE1-}" = "${VPC_ZONE2-}" ]; then
    problem "VPC_ZONE1 and VPC_ZONE2 are the same."
  elif [ -n "${VPC_ZONE1-}" ] && [ -z "${VPC_ZONE2+set}" ]; then
    problem "VPC_ZONE2 is not set (or not exported): the other availability zone"
  fi
  may VPC_REPOSITORY_ACCOUNTS '[0-9]{12}(,[0-9]{12})*' \
    'account numbers of 12 digits, separated by commas'
  may VPC_FLOW_LOG_DAYS '[0-9]{1,4}' 'a number of days that CloudWatch Logs offers, such as 90'
  check_account
  stop_if_problems
  check_stack "$VPC_STACK_NAME" vpc
  stop_if_problems

  save_state "$VPC_STACK_NAME" vpc
  setting VpcCidr VPC_CIDR
  setting NatGateways VPC_NAT_GATEWAYS
  setting EgressTransitGatewayId VPC_EGRESS_TRANSIT_GATEWAY_ID
  setting InterfaceEndpoints VPC_ENDPOINTS
  setting Zone1 VPC_ZONE1
  setting Zone2 VPC_ZONE2
  setting RepositoryAccounts VPC_REPOSITORY_ACCOUNTS
  setting FlowLogRetentionDays VPC_FLOW_LOG_DAYS
  ensure_stack "$VPC_STACK_NAME" vpc vpc.yaml
  export_to_caller CODESERVICES_VPC_ID "$(stack_value "$VPC_STACK_NAME" Output:VpcId)"
  export_to_caller CODESERVICES_SUBNET_ID1 "$(stack_value "$VPC_STACK_NAME" Output:PrivateSubnet1)"
  export_to_caller CODESERVICES_SUBNET_ID2 "$(stack_value "$VPC_STACK_NAME" Output:PrivateSubnet2)"
  addresses=$(stack_value "$VPC_STACK_NAME" Output:NatAddresses)
  if [ -n "$addresses" ]; then
    say "The internet sees it as $addresses: for firewalls that let known addresses in."
  else
    say "It reaches the internet through the transit gateway. Its owner has to send the answers back to this network: docs/vpc.md says how."
  fi
  say "Next: source shell/create-codeartifact-stack.sh or shell/create-github-stack.sh"
}

delete() {
  need VPC_STACK_NAME "$stack_pattern" 'the name that the stack was created with'
  prepare_deletion vpc "$VPC_STACK_NAME"
  if stack_exists "$VPC_STACK_NAME"; then
    check_unused
  fi
  stop_if_problems
  delete_stack_of "$VPC_STACK_NAME"
}

# Deletion would stop half way, without NAT gateways, when another stack is still in the network.
check_unused() {
  local ours groups id name
  ours=$(resources_of "$VPC_STACK_NAME")
  groups=$(cli ec2 describe-security-groups \
    --filters "Name=vpc-id,Values=$(stack_value "$VPC_STACK_NAME" Output:VpcId)" \
    --query "SecurityGroups[?GroupName!='default'].[GroupId,GroupName]") ||
    aws_failed "list the security groups of the network"
  while IFS=$'\t' read -r id name; do
    case $id in
      sg-*)
        if ! grep -q -w -e "$id" <<<"$ours"; then
          problem "The network is in use: the security group $name ($id) is in it. Delete its stack first."
        fi
        ;;
    esac
  done <<<"$groups"
}

run_program "$@"
