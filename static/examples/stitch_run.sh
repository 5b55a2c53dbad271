#!/bin/sh
# Extract a source now and wait until its rows are loaded; the exit status says whether that went well.
# In the environment: STITCH_URL, STITCH_API_KEY and SOURCE_ID.
set -eu

call() {  # the key is no argument of curl, which every user of the machine could read
  printf 'Authorization: Bearer %s\n' "$STITCH_API_KEY" |
    curl --silent --show-error --fail-with-body --max-time 90 --retry 3 -H @- "$@"
}

value() {
  sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'
}

started=$(call --header "Idempotency-Key: $$.$(date +%s)" --request POST "$STITCH_URL/v4/sources/$SOURCE_ID/sync")
job=$(printf '%s' "$started" | value job_name)
if [ -z "$job" ]; then  # for one, an extraction is running already
  printf '%s\n' "$started" >&2
  exit 1
fi
while :; do
  progress=$(call "$STITCH_URL/v4/jobs/$job?wait=60")
  case $(printf '%s' "$progress" | value state) in
    queued | running | loading) ;;
    succeeded)
      printf '%s\n' "$progress"
      exit 0
      ;;
    *)
      printf '%s\n' "$progress" >&2
      exit 1
      ;;
  esac
done
