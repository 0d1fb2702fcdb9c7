#!/usr/bin/env bash
# examples/airflow: two workspaces side by side, of which one has a wrong key. The other's rows and state are
# whole, and it goes on from there when the key has been mended.
#   tests/airflow.sh TAP STAND-IN FOLDER-WITH-THE-TARGETS [ENVIRONMENT-WITH-AIRFLOW]
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "$(realpath "$0")")/common.sh"
# shellcheck disable=SC2034 # serve starts it
tap=$(realpath "$1") stand_in=$(realpath "$2") targets=$(realpath "$3")
here=$(dirname "$(realpath "$0")")
environment=${4:+$(realpath "$4")}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

environment=${environment:-$work/environment}
python_environment "$environment" "$here/airflow/requirements.txt"

serve harbour.url --months 3 --key harbour-key
serve depot.url --months 2 --key depot-key
for workspace in harbour depot; do
  echo "{\"destination_path\": \"$work/$workspace\"}" >$workspace.json
done

mkdir bin airflow
ln -s "$tap" bin/tap-incident
export PATH="$work/bin:$environment/bin:$targets:$PATH"
export AIRFLOW_HOME=$work/airflow AIRFLOW__CORE__LOAD_EXAMPLES=false
export AIRFLOW__CORE__DAGS_FOLDER=$here/../examples/airflow TAP_INCIDENT_PIPE=$here/../examples/pipe/run
export PYTHONDONTWRITEBYTECODE=yes
settings() {
  python3 -c 'import json, sys
folder, states = sys.argv[1:3]
print(json.dumps({"states": states, "workspaces": {
    name: ["target-jsonl", "--config", f"{folder}/{name}.json"] for name in sys.argv[3:]}}))' "$@"
}
AIRFLOW_VAR_TAP_INCIDENT=$(settings "$work" "file://$work/states" harbour depot)
connection() { printf '{"conn_type": "http", "host": "%s", "password": "%s"}' "$(<"$1.url")" "$2"; }
AIRFLOW_CONN_TAP_INCIDENT_HARBOUR=$(connection harbour harbour-key)
export AIRFLOW_VAR_TAP_INCIDENT AIRFLOW_CONN_TAP_INCIDENT_HARBOUR AIRFLOW_CONN_TAP_INCIDENT_DEPOT

airflow db migrate >log 2>&1 || { tail -n 20 log; exit 1; }
# The file is told whole, with what it cannot be parsed for.
airflow dags reserialize >log 2>&1 || { tail -n 20 log; exit 1; }
airflow dags list-import-errors >log 2>&1 || { tail -n 20 log; exit 1; }

# What each workspace holds, read by the tap alone: how many rows of each stream.
for workspace in harbour depot; do
  TAP_INCIDENT_API_KEY=$workspace-key TAP_INCIDENT_ENDPOINT=$(<$workspace.url) \
    tap-incident >$workspace.messages 2>log || { cat log; exit 1; }
done

# run_dag SUCCESS|FAILURE KEY-OF-THE-DEPOT: a run of both workspaces, each into an empty folder.
run_dag() {
  local came=SUCCESS
  rm -rf harbour depot
  mkdir harbour depot
  AIRFLOW_CONN_TAP_INCIDENT_DEPOT=$(connection depot "$2")
  airflow dags test tap_incident >log 2>&1 || came=FAILURE
  [ "$came" = "$1" ] || { tail -n 60 log; echo "airflow: a $came, where a $1 was due"; exit 1; }
  if grep -q 'harbour-key\|depot-key' log; then echo "airflow: a key is in the log"; exit 1; fi
}

# check RUN WORKSPACE whole|shorter|nothing: the rows that came, beside those that the workspace holds.
check() {
  python3 - "$@" <<'CHECK'
import collections, glob, json, os, sys

run, workspace, wanted = sys.argv[1:]
held = collections.Counter(message["stream"] for message in map(json.loads, open(f"{workspace}.messages"))
                           if message["type"] == "RECORD")
came = collections.Counter()
for path in glob.glob(f"{workspace}/*.jsonl"):
    with open(path) as lines:
        came[os.path.basename(path).rpartition("-")[0]] = sum(1 for _ in lines)
has_state = os.path.exists(f"states/{workspace}.json")
print(f"airflow, {run} run, {workspace}: {came.total()} of {held.total()} rows, state: {has_state}")
if wanted == "whole":
    is_right = came == held
elif wanted == "shorter":
    is_right = came["incidents"] == 0 and came["users"] == held["users"]
else:
    is_right = not came
if not is_right or has_state != (wanted != "nothing"):
    sys.exit(f"wanted: {wanted}")
if has_state and "incidents" not in json.load(open(f"states/{workspace}.json"))["bookmarks"]:
    sys.exit("the state has no bookmark of incidents")
CHECK
}

run_dag FAILURE wrong-key
check first harbour whole
check first depot nothing
run_dag SUCCESS depot-key
check second harbour shorter
check second depot whole
if ls states/*.new 2>list; then exit 1; fi
