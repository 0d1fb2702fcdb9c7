#!/usr/bin/env bash
# The project in tests/meltano/meltano.yml, run by Meltano: every source twice, the second time with the
# state that Meltano keeps of each. The rows that arrive are those that the tap writes by itself.
#   tests/meltano.sh TAP STAND-IN FOLDER-WITH-THE-TARGETS [ENVIRONMENT-WITH-MELTANO]
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "$(realpath "$0")")/common.sh"
# shellcheck disable=SC2034 # serve starts it
tap=$(realpath "$1") stand_in=$(realpath "$2") targets=$(realpath "$3")
environment=${4:+$(realpath "$4")}
here=$(dirname "$(realpath "$0")")/meltano
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

environment=${environment:-$work/environment}
python_environment "$environment" "$here/requirements.txt"

for source in incident_io signalfx actian; do
  serve "$source.url" --source "$source" --months 3
done

# What the project leaves open, or leads elsewhere, comes from the environment, as it does for its users.
export TAP_INCIDENT_API_KEY=demo-key TAP_INCIDENT_ENDPOINT=$(<incident_io.url)
export TAP_INCIDENT__SIGNALFX_API_KEY=demo-key TAP_INCIDENT__SIGNALFX_ENDPOINT=$(<signalfx.url)
export TAP_INCIDENT__ACTIAN_API_KEY=demo-key TAP_INCIDENT__ACTIAN_ENDPOINT=$(<actian.url)
export TAP_INCIDENT__ACTIAN_TENANT='harbour works/7'
export MELTANO_SEND_ANONYMOUS_USAGE_STATS=false PATH="$work/bin:$environment/bin:$targets:$PATH"
mkdir bin project
ln -s "$tap" bin/tap-incident
cp "$here/meltano.yml" project

# What the tap writes by itself. The tap knows the variables of the first source only.
alone() {
  local messages=$1
  shift
  tap-incident "$@" >"$messages" 2>log || { cat log; return 1; }
}
alone tap_incident.jsonl --select incidents,incident_updates,users
TAP_INCIDENT_ENDPOINT=$(<signalfx.url) alone tap_incident__signalfx.jsonl --source signalfx --select '*'
TAP_INCIDENT_ENDPOINT=$(<actian.url) TAP_INCIDENT_TENANT='harbour works/7' \
  alone tap_incident__actian.jsonl --source actian --select '*'

cd project
for run in first second; do
  rm -rf output
  mkdir -p output/tap_incident{,__signalfx,__actian}
  meltano run tap-incident target-jsonl tap-incident--signalfx target-jsonl tap-incident--actian target-jsonl \
    >log 2>&1 || { cat log; exit 1; }
  # The tap warns of settings that it does not know.
  if grep 'WARNING config' log; then exit 1; fi
  for plugin in tap-incident tap-incident--signalfx tap-incident--actian; do
    meltano --environment prod state get "prod:$plugin-to-target-jsonl" >state.json 2>log || { cat log; exit 1; }
    python3 - "$plugin" "$run" <<'CHECK'
import glob, json, os, sys

plugin, run = sys.argv[1:]
namespace = plugin.replace("-", "_")
keys, sent, came = {}, set(), set()


def key(stream, record):
    return stream, *(record[name] for name in keys[stream])


for line in map(json.loads, open(f"../{namespace}.jsonl")):
    if line["type"] == "SCHEMA":
        keys[line["stream"]] = line["key_properties"]
    elif line["type"] == "RECORD":
        sent.add(key(line["stream"], line["record"]))
lines = 0
for path in glob.glob(f"output/{namespace}/*.jsonl"):
    # The name is that of the stream and the time of the run.
    stream = os.path.basename(path).rpartition("-")[0]
    for line in open(path):
        came.add(key(stream, json.loads(line)))
        lines += 1

state = json.load(open("state.json"))["singer_state"]
# The source that needs no name is incident.io, in the plugins and in the state.
source = state.get("source", "incident_io")
print(f"meltano, {plugin}, {run} run: {lines} of {len(sent)} rows; the state is of {source}")
# Only incident.io has streams that a state makes shorter.
is_shorter = run == "second" and plugin == "tap-incident"
if (not came < sent if is_shorter else came != sent) or lines != len(came):
    sys.exit(f"lost: {sorted(map(str, sent - came))[:10]}, unknown: {sorted(map(str, came - sent))[:10]}")
if source != (plugin.partition("--")[2] or "incident_io"):
    sys.exit(f"the state is of another source: {state}")
CHECK
  done
done
