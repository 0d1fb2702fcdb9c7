#!/usr/bin/env bash
# examples/meltano, by its one command, and what else Meltano does with the definition in meltano/.
#   tests/meltano_example.sh TAP STAND-IN [ENVIRONMENT-WITH-EXAMPLES/MELTANO/REQUIREMENTS.TXT]
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "$(realpath "$0")")/common.sh"
# shellcheck disable=SC2034 # serve starts it
tap=$(realpath "$1") stand_in=$(realpath "$2")
environment=${3:+$(realpath "$3")}
here=$(dirname "$(realpath "$0")")
root=$(dirname "$here")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
  echo "meltano, $*"
  exit 1
}
# quietly COMMAND...: its output in `log`, which is shown if it fails.
quietly() { "$@" >log 2>&1 || { tail -n 40 log; fail "failed: $*"; }; }

environment=${environment:-$work/environment}
python_environment "$environment" "$root/examples/meltano/requirements.txt"

# So slow that a run takes much longer than a test.
serve url --months 3 --latency-ms 200

mkdir bin
ln -s "$tap" bin/tap-incident
export PATH="$work/bin:$environment/bin:$PATH" MELTANO=$environment PYTHONDONTWRITEBYTECODE=yes

mkdir generated
"$root/meltano/generate" "$tap" generated
for file in generated/*; do
  diff "$root/meltano/${file##*/}" "$file" || fail "the definition is not current: see meltano/generate"
done
tap-incident --discover >catalog.json
python "$here/meltano/definition.py" "$root/meltano" catalog.json

# What Meltano logs of the tap comes from JSON lines, each of which it has to understand.
quietly env MELTANO_CLI_LOG_LEVEL=info "$root/examples/meltano/run" project
grep '^the .* run: ' log
grep -q 'Plugin configuration is valid' log || fail "config test"
grep -q '^the first run: .* 0 of them incidents' log && fail "no incident in the first run"
grep -q '^the second run: .* 0 of them incidents' log || fail "incidents came again"
grep -q '"bookmarks":{' log || fail "no state"
tap-incident --demo >demo.jsonl 2>demo.log || { cat demo.log; exit 1; }
cat >compare.py <<'CHECK'
import collections, json, sys

import duckdb

keys, rows = {}, collections.defaultdict(set)
for message in map(json.loads, open("demo.jsonl")):
    if message["type"] == "SCHEMA":
        keys[message["stream"]] = message["key_properties"]
    elif message["type"] == "RECORD":
        stream = message["stream"]
        rows[stream].add(tuple(str(message["record"][key]) for key in keys[stream]))
with duckdb.connect("project/incidents.duckdb", read_only=True) as connection:
    tables = {name for [name] in connection.sql("select table_name from duckdb_tables()").fetchall()}
    if tables != set(rows):
        sys.exit(f"tables of other streams: {tables ^ set(rows)}")
    for stream, wanted in rows.items():
        [[count]] = connection.sql(f'select count(*) from "{stream}"').fetchall()
        if count != len(wanted):
            sys.exit(f"{stream}: {count} of {len(wanted)} rows")
print(f"meltano, DuckDB: {len(tables)} tables, as many rows as the sample workspace has")
CHECK
python compare.py

cd project
quietly meltano select tap-incident --list --all
for line in 'selected   ] incidents.name' 'automatic  ] incidents.id' 'excluded   ] alert_notes.alert_id'; do
  grep -qF "[$line" log || fail "select --list: no [$line"
done
meltano invoke tap-incident --about --format=json 2>log >about.json
tap-incident --about --format=json | cmp - about.json || fail "invoke --about says something else"
meltano --environment demo state get demo:tap-incident-to-target-jsonl 2>log >before.json
touch began
quietly meltano run --full-refresh tap-incident target-jsonl
again=$(find output -name 'incidents-*' -newer began -exec cat {} + | wc -l)
all=$(grep -c '"RECORD","stream":"incidents"' ../demo.jsonl)
[ "$again" = "$all" ] || fail "--full-refresh: $again of $all incidents"
meltano --environment demo state get demo:tap-incident-to-target-jsonl 2>log >after.json
python - <<'CHECK'
import json, sys

before, after = (json.load(open(f"{name}.json"))["singer_state"]["bookmarks"] for name in ("before", "after"))
if before.keys() != after.keys() or before["incidents"]["updated_at"] != after["incidents"]["updated_at"]:
    sys.exit(f"the state after --full-refresh is another: {before.keys() ^ after.keys()}")
print(f"meltano, --full-refresh: all incidents again, {len(after)} bookmarks as before")
CHECK

# A test of the config ends the tap at its first record, which takes it at most two seconds.
printf '#!/bin/sh\nexec "%s" "%s" "%s" "%s" "$@"\n' \
  "$environment/bin/python" "$here/meltano/slow_tap.py" "$tap" "$work/times" >../slow-tap
chmod +x ../slow-tap
ln -sf "$work/slow-tap" ../bin/tap-incident
quietly env TAP_INCIDENT_DEMO=false TAP_INCIDENT_API_KEY=demo-key "TAP_INCIDENT_ENDPOINT=$(<../url)" \
  TAP_INCIDENT_CONCURRENCY=1 meltano config test tap-incident
python - "$work/times" "$(date +%s.%N)" <<'CHECK'
import sys

first, ended = (float(line.split()[0]) for line in open(sys.argv[1]))
code, whole = open(sys.argv[1]).read().split()[-1], float(sys.argv[2]) - first
print(f"meltano, config test: {ended - first:.1f} s after the first record the tap ended with {code},"
      f" and Meltano after {whole:.1f} s")
if ended - first > 2 or code != "143":
    sys.exit(1)
CHECK
