#!/usr/bin/env bash
# The sample workspace through real Singer targets: as many rows arrive as were sent.
#   tests/consumers.sh TAP FOLDER-WITH-THE-TARGETS
set -euo pipefail
tap=$(realpath "$1") targets=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

"$tap" --demo >messages.jsonl 2>log
sent=$(grep -c '^{"type":"RECORD"' messages.jsonl)
streams=$(grep -c '^{"type":"SCHEMA"' messages.jsonl)

mkdir jsonl && cd jsonl
"$targets/target-jsonl" <../messages.jsonl >../state.json
cd ..
loaded=$(cat jsonl/*.jsonl | wc -l)
files=$(find jsonl -name '*.jsonl' | wc -l)
echo "target-jsonl: $loaded of $sent records, $files of $streams streams"
[ "$loaded" = "$sent" ] && [ "$files" = "$streams" ]

# What the target printed last is the next run's state, and that run emits no old incident.
tail -1 state.json >last.json
"$tap" --demo --state last.json 2>log >second.jsonl
bookmark=$(python3 -c 'import json; print(json.load(open("last.json"))["bookmarks"]["incidents"]["updated_at"])')
python3 - "$bookmark" <<'CHECK'
import json, sys
old = [line for line in map(json.loads, open("second.jsonl"))
       if line["type"] == "RECORD" and line["stream"] == "incidents"
       and line["record"]["updated_at"] < sys.argv[1]]
sys.exit(f"{len(old)} incidents from before the bookmark came again" if old else 0)
CHECK
echo "target-jsonl: its state was taken up at $bookmark"
