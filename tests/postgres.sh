#!/usr/bin/env bash
# The sample data of SignalFx and Actian into PostgreSQL, twice: a row for each key that was sent, columns
# that hold what their streams may hold, and every value as it was sent.
#   tests/postgres.sh TAP FOLDER-WITH-THE-TARGETS
set -euo pipefail
tap=$(realpath "$1") targets=$(realpath "$2")
. "$(dirname "$(realpath "$0")")/postgres_server.sh"

for source in signalfx actian; do
  cat >config.json <<CONFIG
{"host": "$work/socket", "port": 5432, "user": "tap", "password": "none", "dbname": "postgres",
 "default_target_schema": "$source", "batch_size_rows": 20, "ssl": "false"}
CONFIG
  echo '{}' >state.json
  for run in first second; do
    "$tap" --demo --source "$source" --select '*' --state state.json >messages.jsonl 2>log || { cat log; exit 1; }
    "$targets/target-postgres" --config config.json <messages.jsonl >states 2>log || { cat log; exit 1; }
    tail -1 states >state.json
    python3 - "$source" "$run" <<'CHECK'
import json, os, re, subprocess, sys

source, run = sys.argv[1:]
# Times in milliseconds, and keys that are numbers, do not fit into 32 bits.
wide = {"bigint", "numeric"}
kinds = {"string": {"character varying", "text"}, "integer": wide, "number": {"double precision"},
         "boolean": {"boolean"}, "object": {"jsonb"}, "array": {"jsonb"},
         "date-time": {"timestamp without time zone", "timestamp with time zone"}}


def query(text):
    return subprocess.run([*os.environ["PSQL"].split(), "-c", text], check=True, capture_output=True,
                          text=True).stdout


def moment(text):
    """A time without its zone, which is UTC, and without zeros at the end of its fraction."""
    text = text.removesuffix("Z")
    return text.rstrip("0").removesuffix(".") if "." in text else text


def as_loaded(value, kind):
    """The target keeps the escapes of JSON for control characters, and takes an empty text for null."""
    if kind == "date-time" and value:
        return moment(value)
    if kind == "string" and value is not None:
        return re.sub(r'\\(["\\])', r"\1", json.dumps(value, ensure_ascii=False)[1:-1]) or None
    return value


schemas, sent = {}, {}
for line in map(json.loads, open("messages.jsonl")):
    if line["type"] == "SCHEMA":
        schemas[line["stream"]] = line
    elif line["type"] == "RECORD":
        key = tuple(line["record"][name] for name in schemas[line["stream"]]["key_properties"])
        sent.setdefault(line["stream"], {})[key] = line["record"]

wrong, values, largest = [], 0, 0
for stream, schema in schemas.items():
    types = dict(line.split("|") for line in query(
        "select column_name, data_type from information_schema.columns "
        f"where table_schema = '{source}' and table_name = '{stream}'").splitlines())
    table = json.loads(query(f"select coalesce(json_agg(t), '[]') from {source}.{stream} t"))
    # The target writes names in lower case.
    rows = {tuple(row[name.lower()] for name in schema["key_properties"]): row for row in table}
    if len(table) != len(rows) or rows.keys() != sent.get(stream, {}).keys():
        wrong.append(f"{stream}: {len(table)} rows, {len(rows)} keys, {len(sent.get(stream, {}))} sent")
        continue
    for name, property in schema["schema"]["properties"].items():
        kind, column = property.get("format") or next(k for k in kinds if k in property["type"]), name.lower()
        if types.get(column) not in kinds[kind]:
            wrong.append(f"{stream}.{name}: a column for {kind} is {types.get(column)}")
            continue
        for key, record in sent[stream].items():
            want, got = as_loaded(record.get(name), kind), rows[key][column]
            got = moment(got) if kind == "date-time" and got else got
            if want != got:
                wrong.append(f"{stream}.{name} of {key}: {want!r} became {got!r}")
            values += want is not None
            largest = max(largest, want or 0) if kind == "integer" else largest
count = sum(map(len, sent.values()))
print(f"target-postgres, {source}, {run} load: {count} rows in {len(sent)} tables, {values} values, "
      f"integers up to {largest}; {len(wrong)} are not as they were sent")
# Samples that would fit anyhow prove nothing.
sys.exit("\n".join(wrong[:10]) if wrong or largest < 1 << 31 else 0)
CHECK
  done
done
