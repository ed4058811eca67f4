#!/usr/bin/env bash
# Summary: Email people the verdicts that concern them.
#
# Usage: subscribe.sh [--stack NAME] --requester ADDRESS…     what each of them has requested
#        subscribe.sh [--stack NAME] --not-approved ADDRESS…  all that is refused or undecided
#        subscribe.sh [--stack NAME] --list                   who is sent what
#
# AWS emails each address a link with which it confirms; run again, this sends the link again. A
# confirmed address that gets something else gets what is asked for here. NAME is STACK_NAME by
# default. AWS_REGION is needed where the state file is missing. To end a subscription, use the link
# in its emails.

unset PRIVATE_GITHUB_PAT # has no use here
# shellcheck source=shell/stacks/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/stacks/common.sh"

# What a filter policy and a command line take as it is.
address_pattern='[A-Za-z0-9._+%-]{1,64}@[A-Za-z0-9.-]{1,190}'
addresses=()
what=''

subscribe() {
  local address
  need STACK_NAME "$stack_pattern" 'the name of the stack of the gate, or give --stack NAME'
  for address in ${addresses+"${addresses[@]}"}; do
    matches "$address" "$address_pattern" || problem "$(printf '%q' "$address") is no address."
  done
  if [ "$what" != --list ] && [ -z "${addresses+given}" ]; then
    problem "$what needs an address."
  fi
  stop_if_problems
  check_region_and_account "$STACK_NAME"
  describe_stack "$STACK_NAME"
  topic=$(stack_value "$STACK_NAME" Output:SNSTopic)
  if [ -z "$topic" ]; then
    problem "There is no gate $STACK_NAME in account $account, $AWS_REGION."
  fi
  stop_if_problems
  cli sns list-subscriptions-by-topic --topic-arn "$topic" \
    --query "Subscriptions[?Protocol=='email'].[Endpoint,SubscriptionArn]" >"$scratch/subscribed" ||
    aws_failed "tell who is subscribed"
  if [ "$what" = --list ]; then
    list
    return
  fi
  for address in "${addresses[@]}"; do
    subscribe_one "$address"
  done
}

# subscribe_one ADDRESS
subscribe_one() {
  local gets known policy
  if [ "$what" = --requester ]; then
    gets='what it has requested'
    policy="{\"requester\": [{\"equals-ignore-case\": \"$1\"}]}"
  else
    gets='all that is refused or undecided'
    policy='{"verdict": ["refused", "undecided"]}'
  fi
  known=$(subscription_of "$1")
  case $known in
    arn:*)
      cli sns set-subscription-attributes --subscription-arn "$known" \
        --attribute-name FilterPolicy --attribute-value "$policy" >"$scratch/answer" ||
        aws_failed "change the subscription of $1"
      say "$1 gets $gets."
      ;;
    *)
      cli sns subscribe --topic-arn "$topic" --protocol email --notification-endpoint "$1" \
        --attributes "{\"FilterPolicy\": $(json_string "$policy")}" >"$scratch/answer" ||
        aws_failed "subscribe $1"
      say "$1 gets $gets, once somebody opens the link in the email that AWS sends there."
      ;;
  esac
}

# subscription_of ADDRESS: its ARN, or PendingConfirmation, or nothing.
subscription_of() {
  awk -F '\t' -v address="$1" \
    'tolower($1) == tolower(address) { print $2; exit }' "$scratch/subscribed"
}

# list: an address and what it gets, one a line.
list() {
  local address known policy
  while IFS=$'\t' read -r address known; do
    policy='nothing before it is confirmed'
    case $known in
      arn:*)
        policy=$(cli sns get-subscription-attributes --subscription-arn "$known" \
          --query Attributes.FilterPolicy) || aws_failed "describe the subscription of $address"
        ;;
    esac
    say "$(printf '%q' "$address")  ${policy/#None/everything}"
  done <"$scratch/subscribed"
}

while [ $# -gt 0 ]; do
  case $1 in
    --stack)
      export STACK_NAME=${2-}
      shift
      ;;
    --requester | --not-approved | --list) what=$1 ;;
    -*)
      usage
      exit 2
      ;;
    *) addresses+=("$1") ;;
  esac
  shift || true
done
if [ -z "$what" ]; then
  usage
  exit 2
fi
run subscribe
