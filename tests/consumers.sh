#!/usr/bin/env bash
# The sample data of each source through a real Singer target: as many rows arrive as were sent, and the
# state that the target printed is taken up.
#   tests/consumers.sh TAP FOLDER-WITH-THE-TARGETS
set -euo pipefail
tap=$(realpath "$1") targets=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# read_demo MESSAGES ARGUMENT...: the tap with its sample data; its log where it fails.
read_demo() {
  local messages=$1
  shift
  "$tap" --demo "$@" >"$messages" 2>log || { cat log; return 1; }
}

# load SOURCE ARGUMENT...: goes into a folder of its own, and leaves the messages and the last state there.
load() {
  local source=$1 sent streams loaded files
  shift
  mkdir -p "$work/$source/jsonl"
  cd "$work/$source"
  read_demo messages.jsonl "$@"
  sent=$(grep -c '^{"type":"RECORD"' messages.jsonl)
  streams=$(grep -c '^{"type":"SCHEMA"' messages.jsonl)
  (cd jsonl && "$targets/target-jsonl" <../messages.jsonl >../states)
  tail -1 states >state.json
  loaded=$(cat jsonl/*.jsonl | wc -l)
  files=$(find jsonl -name '*.jsonl' | wc -l)
  echo "target-jsonl, $source: $loaded of $sent records, $files of $streams streams"
  [ "$loaded" = "$sent" ] && [ "$files" = "$streams" ]
}

# What the target printed last is the next run's state, and that run emits no old incident.
load incident_io
read_demo second.jsonl --state state.json
python3 - <<'CHECK'
import json, sys
bookmark = json.load(open("state.json"))["bookmarks"]["incidents"]["updated_at"]
old = [line for line in map(json.loads, open("second.jsonl"))
       if line["type"] == "RECORD" and line["stream"] == "incidents"
       and line["record"]["updated_at"] < bookmark]
if old:
    sys.exit(f"{len(old)} incidents from before the bookmark came again")
print(f"target-jsonl, incident_io: its state was taken up at {bookmark}")
CHECK

# The other sources have full tables only: the next run writes the same keys, each once.
for source in signalfx actian; do
  load "$source" --source "$source" --select '*'
  read_demo second.jsonl --source "$source" --select '*' --state state.json
  python3 - "$source" <<'CHECK'
import collections, json, sys
source = sys.argv[1]


def keys(path):
    names, found = {}, collections.Counter()
    for line in map(json.loads, open(path)):
        if line["type"] == "SCHEMA":
            names[line["stream"]] = line["key_properties"]
        elif line["type"] == "RECORD":
            found[line["stream"], *(line["record"][name] for name in names[line["stream"]])] += 1
        elif line["value"].get("source") != source:
            sys.exit(f"{path}: a state without its source: {line}")
    return found


first, second = keys("messages.jsonl"), keys("second.jsonl")
twice = [key for found in (first, second) for key, count in found.items() if count > 1]
if twice or first != second:
    sys.exit(f"twice in a run: {twice}; in one run only: {first.keys() ^ second.keys()}")
if json.load(open("state.json")).get("source") != source:
    sys.exit("the state that the target printed last is of no source")
print(f"target-jsonl, {source}: with its state the same {len(first)} keys came again")
CHECK
done
