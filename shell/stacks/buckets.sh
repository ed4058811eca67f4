# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016 # common.sh and the programs set what is used here
# Summary: Buckets: whether one is there, empty a versioned one, delete it.

# bucket_exists BUCKET
bucket_exists() {
  if cli s3api head-bucket --bucket "$1" >/dev/null; then
    return
  fi
  grep -q -e '404' -e NoSuchBucket "$scratch/error" || aws_failed "look at the bucket $1"
  return 1
}

# empty_bucket BUCKET: every version, every delete marker, every unfinished upload.
empty_bucket() {
  local upload key errors
  # At most 1,000 at a time: as many as one request deletes.
  while :; do
    aws s3api list-object-versions --bucket "$1" --region "$AWS_REGION" --no-paginate \
      --max-keys 1000 --output json --query \
      '{Objects: [Versions, DeleteMarkers][].{Key: Key, VersionId: VersionId}, Quiet: `true`}' \
      >"$scratch/objects" 2>"$scratch/error" || aws_failed "list the bucket $1"
    if ! grep -q '"Key"' "$scratch/objects"; then
      break
    fi
    errors=$(cli s3api delete-objects --bucket "$1" --delete file:///dev/fd/3 \
      --query 'Errors[].[Key,Message]' 3<"$scratch/objects") || aws_failed "empty the bucket $1"
    case $errors in
      '' | None) ;;
      *) fail "These objects of the bucket $1 could not be deleted:"$'\n'"$errors" ;;
    esac
  done
  cli s3api list-multipart-uploads --bucket "$1" --query 'Uploads[].[UploadId,Key]' \
    >"$scratch/uploads" || aws_failed "list the uploads to the bucket $1"
  while IFS=$'\t' read -r upload key; do
    if [ -n "$key" ]; then
      cli s3api abort-multipart-upload --bucket "$1" --upload-id "$upload" --key "$key" ||
        aws_failed "abort an upload to the bucket $1"
    fi
  done <"$scratch/uploads"
}

# remove_bucket BUCKET: one that its stack has left behind.
remove_bucket() {
  if bucket_exists "$1"; then
    empty_bucket "$1"
    cli s3api delete-bucket --bucket "$1" || aws_failed "delete the bucket $1"
  fi
}
