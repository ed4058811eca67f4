# shellcheck shell=bash
# shellcheck disable=SC2154 # common.sh and the programs set what is used here
# Summary: What the gate and the dependency scan share: their builds' network, bundle, bucket and keys.

key_pattern='arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-f-]+'
parameter_pattern='(/[A-Za-z0-9_.-]+)+'
# shellcheck disable=SC2034 # the programs upload them
# The gate's pipeline, and what it nests.
pipeline_templates=(scan-pipeline.yaml closed-network.yaml scan-fleet.yaml observe.yaml)

check_tools() {
  local tool
  for tool in git tar awk; do
    command -v "$tool" >/dev/null || problem "$tool is not installed."
  done
}

need_network() {
  need CODESERVICES_VPC_ID 'vpc-[0-9a-f]{8,17}' \
    'the VPC for the builds; shell/create-vpc-stack.sh makes one and exports it'
  need CODESERVICES_SUBNET_ID1 'subnet-[0-9a-f]{8,17}' 'a private subnet of that VPC'
  need CODESERVICES_SUBNET_ID2 'subnet-[0-9a-f]{8,17}' 'another private subnet of that VPC'
}

check_snyk() {
  may SNYK_TOKEN_PARAMETER "$parameter_pattern" \
    'the name of a SecureString in Parameter Store, beginning with a slash; never the token'
  may SNYK_TOKEN_KEY "$key_pattern" "the ARN of that parameter's KMS key"
  may SNYK_ORGANISATION_PARAMETER "$parameter_pattern" \
    "the name of a parameter with the organisation's id, beginning with a slash"
  may SNYK_PLAN 'free|enterprise' 'free or enterprise'
}

snyk_parameters() {
  setting SnykToken SNYK_TOKEN_PARAMETER
  setting SnykTokenKey SNYK_TOKEN_KEY
  setting SnykOrganisation SNYK_ORGANISATION_PARAMETER
  setting SnykPlan SNYK_PLAN
}

check_advisories() {
  may ADVISORIES 'https://[^[:space:]]+|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[A-Za-z0-9_.()/=+@:-]+\.zip' \
    'a snapshot, s3://BUCKET/KEY.zip, or the https address of an OSV API'
  may ADVISORIES_KEY "$key_pattern" "the ARN of that snapshot's KMS key"
}

# network_is_given: in the shell; a stack that is there keeps its own otherwise.
network_is_given() {
  [ -n "${CODESERVICES_VPC_ID-}${CODESERVICES_SUBNET_ID1-}${CODESERVICES_SUBNET_ID2-}" ]
}

check_connection() {
  may CODE_CONNECTION_ARN \
    'arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:[0-9]{12}:connection/[0-9a-f-]+' \
    'the ARN of a connection to GitHub'
}

check_retention() {
  may LOG_RETENTION_DAYS '30|60|90|180|365|545|731|1827|3653' \
    'one of 30, 60, 90, 180, 365, 545, 731, 1827 and 3653 days'
}

network_parameters() {
  if network_is_given; then
    parameter CodeServicesVpc "$CODESERVICES_VPC_ID"
    parameter CodeServicesSubnet "$CODESERVICES_SUBNET_ID1,$CODESERVICES_SUBNET_ID2"
  fi
}

check_network() {
  local found id vpc subnets=("$CODESERVICES_SUBNET_ID1" "$CODESERVICES_SUBNET_ID2")
  if [ "$CODESERVICES_SUBNET_ID1" = "$CODESERVICES_SUBNET_ID2" ]; then
    problem "CODESERVICES_SUBNET_ID1 and CODESERVICES_SUBNET_ID2 are the same."
    subnets=("$CODESERVICES_SUBNET_ID1")
  fi
  if ! found=$(cli ec2 describe-subnets --query 'Subnets[].[SubnetId,VpcId]' \
    --subnet-ids "${subnets[@]}"); then
    problem "CODESERVICES_SUBNET_ID1 or CODESERVICES_SUBNET_ID2: $(cli_error)"
    return
  fi
  while IFS=$'\t' read -r id vpc; do
    if [ "$vpc" != "$CODESERVICES_VPC_ID" ]; then
      problem "The subnet $id is in $vpc, not in CODESERVICES_VPC_ID ($CODESERVICES_VPC_ID)."
    fi
  done <<<"$found"
}

# keys_of STACK: its KMS keys, separated by blanks; also those that an earlier try has deleted.
keys_of() {
  local key
  resources_of "$1" >"$scratch/resources"
  if state_is_current "$1"; then
    for key in $(state_value "$1" KEYS); do
      printf 'AWS::KMS::Key\t%s\n' "$key"
    done >>"$scratch/resources"
  fi
  awk -F '\t' '$1 == "AWS::KMS::Key" && !seen[$2]++ { printf "%s%s", blank, $2; blank = " " }' \
    "$scratch/resources"
}

# moment TEXT: seconds since 1970, which version 1 of the AWS CLI gives, as a date.
moment() {
  if ! matches "$1" '[0-9]+(\.[0-9]+)?'; then
    printf '%s\n' "$1"
  else
    date -u -d "@${1%.*}" +'%Y-%m-%d %H:%M UTC' 2>/dev/null ||
      date -u -r "${1%.*}" +'%Y-%m-%d %H:%M UTC'
  fi
}

tell_what_stays() {
  local key state date answer
  if ! state_is_current "$STACK_NAME"; then
    return
  fi
  for key in $(state_value "$STACK_NAME" KEYS); do
    if answer=$(cli kms describe-key --key-id "$key" --query 'KeyMetadata.[KeyState,DeletionDate]'); then
      IFS=$'\t' read -r state date <<<"$answer"
      say "On purpose this is left: the KMS key $key, $state. AWS deletes it on $(moment "$date"); until then \`aws kms cancel-key-deletion --key-id $key --region $AWS_REGION\` brings back what it encrypted."
    fi
  done
}

# upload NAME…: the bundle and these templates, each below its SHA-256, with one command.
upload() {
  local name
  mkdir -p "$scratch/upload/gate"
  cp "$scratch/bundle" "$scratch/upload/gate/$bundle_digest.tar.gz"
  for name in ${1+"$@"}; do
    mkdir -p "$scratch/upload/templates/$(sha256 "$project/cfn/$name")"
    cp "$project/cfn/$name" "$scratch/upload/templates/$(sha256 "$project/cfn/$name")/"
  done
  say "Bucket $bucket: upload of the bundle $bundle_digest"
  cli s3 cp --recursive --only-show-errors "$scratch/upload" "s3://$bucket" ||
    aws_failed "upload to the bucket $bucket"
}

# publish_wheels: what the bundle's requirements pin, for builds without the internet, below the digest
# of the requirements. What is complete there is not fetched again.
publish_wheels() {
  local digest place
  digest=$(sha256 "$project/requirements/gate.txt")
  place=wheelhouse/$digest
  if cli s3api head-object --bucket "$bucket" --key "$place/complete" --query ContentLength >/dev/null; then
    return
  fi
  grep -q -e 404 -e NoSuchKey "$scratch/error" || aws_failed "look into the bucket $bucket"
  say "Bucket $bucket: upload of the wheels that requirements/gate.txt pins"
  bash "$stacks/wheels.sh" "$scratch/wheels" >&2 || fail "The wheels could not be fetched."
  cli s3 cp --recursive --only-show-errors "$scratch/wheels" "s3://$bucket/$place" ||
    aws_failed "upload to the bucket $bucket"
  : >"$scratch/complete"
  cli s3 cp --only-show-errors "$scratch/complete" "s3://$bucket/$place/complete" ||
    aws_failed "upload to the bucket $bucket"
}

# pipeline_template_parameters: where they are.
pipeline_template_parameters() {
  parameter ScanPipelineTemplate "$(template_address scan-pipeline.yaml)"
  parameter ClosedNetworkTemplate "$(template_address closed-network.yaml)"
  parameter ScanFleetTemplate "$(template_address scan-fleet.yaml)"
  parameter ObserveTemplate "$(template_address observe.yaml)"
}

# gate_is_current STACK TEMPLATE: its templates are those of this checkout.
gate_is_current() {
  template_in_use "$1"
  same_text "$scratch/template-in-use" "$project/cfn/$2" &&
    [ "$(stack_value "$1" Parameter:ScanPipelineTemplate)" = "$(template_address scan-pipeline.yaml)" ] &&
    [ "$(stack_value "$1" Parameter:ClosedNetworkTemplate)" = "$(template_address closed-network.yaml)" ] &&
    [ "$(stack_value "$1" Parameter:ScanFleetTemplate)" = "$(template_address scan-fleet.yaml)" ] &&
    [ "$(stack_value "$1" Parameter:ObserveTemplate)" = "$(template_address observe.yaml)" ]
}

# template_address NAME: in S3, as CloudFormation wants it.
template_address() {
  local suffix=amazonaws.com
  case $AWS_REGION in
    cn-*) suffix=amazonaws.com.cn ;;
  esac
  printf 'https://%s.s3.%s.%s/templates/%s/%s\n' "$bucket" "$AWS_REGION" "$suffix" \
    "$(sha256 "$project/cfn/$1")" "$1"
}
