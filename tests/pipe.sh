#!/usr/bin/env bash
# examples/pipe/run: a good run replaces the state, and none that goes wrong touches it. And what is made of
# it by itself, examples/cron and examples/stitch.
#   tests/pipe.sh TAP STAND-IN FOLDER-WITH-THE-TARGETS
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "$(realpath "$0")")/common.sh"
# shellcheck disable=SC2034 # serve starts it
tap=$(realpath "$1") stand_in=$(realpath "$2") targets=$(realpath "$3")
examples=$(dirname "$(dirname "$(realpath "$0")")")/examples
run=$examples/pipe/run
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

serve url --months 3
# So slow that a run can be stopped in the middle.
serve slow.url --months 3 --latency-ms 100

mkdir bin rows
ln -s "$tap" bin/tap-incident
export PATH="$work/bin:$targets:$PATH"
TAP_INCIDENT_ENDPOINT=$(<url)
export TAP_INCIDENT_API_KEY=demo-key TAP_INCIDENT_ENDPOINT

fail() {
  echo "pipe, $*"
  cat log
  exit 1
}

# attempt NAME CODES ARGUMENT...: a run whose exit code is one of CODES, and which leaves nothing behind.
attempt() {
  local name=$1 codes=$2 code=0
  shift 2
  "$run" state.json "$@" 2>log || code=$?
  [[ " $codes " = *" $code "* ]] || fail "$name: ended with $code, and not with $codes"
  [ -z "$(find . -name 'state.json.*')" ] || fail "$name: left something behind"
  echo "pipe, $name: ended with $code"
}
untouched() {
  cmp -s state.json before.json || fail "the state was touched"
}
loader=(target-jsonl --config target.json)
echo '{"destination_path": "rows"}' >target.json

attempt "the target is not there" 127 -- no-such-target
[ ! -e state.json ] || fail "a state was made of nothing"
attempt "the first run" 0 -- "${loader[@]}"
rm rows/*
attempt "the second run" 0 -- "${loader[@]}"
if ls rows/incidents-* 2>list; then fail "incidents came again"; fi
rm rows/*
cp state.json before.json

TAP_INCIDENT_API_KEY=wrong attempt "a wrong key" 3 -- "${loader[@]}"
untouched
attempt "the target dies at once" 9 -- sh -c 'exit 9'
untouched
attempt "the target dies in the middle" 9 -- sh -c 'head -n 500; exit 9'
untouched
attempt "the target is killed, its states printed" 137 -- sh -c 'target-jsonl --config target.json; kill -9 $$'
untouched
attempt "the target prints nothing" 1 -- sh -c 'cat >rows/messages'
untouched
attempt "the target prints what is no state" 1 -- sh -c 'cat >rows/messages; echo "{\"bookmarks\": 1}"'
untouched
attempt "the target prints half a state" 1 -- sh -c 'target-jsonl --config target.json | head -c -9'
untouched
attempt "an unknown setting" 2 --no-such-flag -- "${loader[@]}"
untouched

# What a signal cuts is not lost: the target ends well, and the state is where the tap had come to.
rm -rf rows/* state.json
TAP_INCIDENT_ENDPOINT=$(<slow.url) TAP_INCIDENT_CONCURRENCY=1 "$run" state.json -- "${loader[@]}" 2>log &
while ! ls rows/*.jsonl >list 2>&1; do
  kill -0 $! || fail "a signal: the run ended before it could be sent"
  sleep 0.05
done
kill -TERM $!
code=0
wait $! || code=$?
[ "$code" = 143 ] || fail "a signal: ended with $code"
python3 - <<'CHECK' || fail "a signal: the state is not that of a run that was cut"
import json, sys

state = json.load(open("state.json"))
print(f"pipe, a signal: ended with 143, after {len(state['bookmarks'])} streams")
sys.exit(not 0 < len(state["bookmarks"]) < 60)
CHECK

# cron: silent where all is well, never twice at a time, and with the end of the log where a run fails.
mkdir -p cron/rows
cp target.json cron
echo '{"concurrency": 4}' >cron/tap.json
"$examples/cron/sync" cron "${loader[@]}" >log 2>&1 || fail "cron ended with $?"
[ ! -s log ] || fail "cron: not silent"
ls cron/state.json cron/rows/incidents-* >list 2>&1 || fail "cron: no state, or no rows"
cp cron/state.json before.json
code=0
TAP_INCIDENT_API_KEY=wrong "$examples/cron/sync" cron "${loader[@]}" >log 2>&1 || code=$?
{ [ "$code" = 3 ] && grep -q 'does not accept the key' log; } || fail "cron, a wrong key: ended with $code"
cmp -s cron/state.json before.json || fail "cron: the state was touched"
code=0
(flock 8 && "$examples/cron/sync" cron "${loader[@]}" >log 2>&1) 8>cron/lock || code=$?
[ "$code" = 75 ] || fail "cron, beside another run: ended with $code"
echo "pipe, cron: silent; with a wrong key 3; beside another run 75"

# stitch: without an account, what would be sent.
"$examples/stitch/run" stitch.json --dry-run requests.jsonl 2>log || fail "stitch ended with $?"
tap-incident >messages.jsonl 2>log || fail "the tap ended with $?"
python3 - <<'CHECK'
import collections, json, sys

sent, came = collections.Counter(), collections.Counter()
for message in map(json.loads, open("messages.jsonl")):
    if message["type"] == "RECORD":
        sent[message["stream"]] += 1
for request in map(json.loads, open("requests.jsonl")):
    came[request["table_name"]] += len(request["messages"])
    if not request["key_names"]:
        sys.exit(f"no key: {request['table_name']}")
print(f"pipe, stitch: {came.total()} of {sent.total()} rows")
if came != sent or "incidents" not in json.load(open("stitch.json"))["bookmarks"]:
    sys.exit(f"lost: {sent - came}, or no state")
CHECK
