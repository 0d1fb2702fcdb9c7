#!/usr/bin/env bash
# The tap is killed ten times for each source while a real target loads, and each time goes on from the last
# state that the target printed. In the end the tables have the same keys as after one undisturbed run.
#   tests/killed_target.sh TAP STAND-IN FOLDER-WITH-THE-TARGETS [SEED]
set -euo pipefail
tap=$(realpath "$1") stand_in=$(realpath "$2") targets=$(realpath "$3") seed=${4:-$RANDOM}
. "$(dirname "$(realpath "$0")")/postgres_server.sh"

# The stand-ins serve until their standard input ends. Nothing writes into it, so that one serves them all.
mkfifo stdin
for source in incident_io signalfx actian; do
  "$stand_in" --source "$source" --months 3 --page-cap 6 <stdin >"$source.url" &
done
exec 9>stdin
for source in incident_io signalfx actian; do
  while [ ! -s "$source.url" ]; do sleep 0.05; done
done

python3 - "$tap" "$targets/target-postgres" "$seed" <<'DRIVE'
import json, os, random, subprocess, sys

tap, target, seed = sys.argv[1:]
chance, work = random.Random(int(seed)), os.getcwd()
# Of each source: the streams, the share of a run after which it is killed at the latest, the least number
# of rows that makes the test worth its name, and how the target loads. It prints what it has loaded only
# when a batch is full, and of streams before the current one only where all are loaded together. Where the
# last row fills a batch it forgets the state after it: 7 does not divide the rows of the last streams.
small = {"batch_size_rows": 7, "flush_all_streams": True}
sources = {
    "incident_io": ("users,custom_field*,postmortem*,incidents,incident_updates,actions,follow_ups,alerts", 4, 500,
                    {"batch_size_rows": 20}),
    "signalfx": ("*", 1, 200, small),
    "actian": ("*", 1, 60, small),
}


def load(source, schema, state, most):
    """Pipes the tap into the target and kills it after so many bytes, if there are as many."""
    environment = {"TAP_INCIDENT_SOURCE": source, "TAP_INCIDENT_API_KEY": "demo-key",
                   "TAP_INCIDENT_CONCURRENCY": "8", "TAP_INCIDENT_TENANT": "harbour works/7",
                   "TAP_INCIDENT_ENDPOINT": open(f"{source}.url").read().strip()}
    config = {"host": f"{work}/socket", "port": 5432, "user": "tap", "password": "none", "dbname": "postgres",
              "default_target_schema": schema, "ssl": "false", **sources[source][-1]}
    json.dump(config, open("config.json", "w"))
    open("state.json", "w").write(state)
    pipe = subprocess.Popen([tap, "--select", sources[source][0], "--state", "state.json"], env=environment,
                            stdout=subprocess.PIPE, stderr=open("tap.log", "w"))
    sink = subprocess.Popen([target, "--config", "config.json"], stdin=subprocess.PIPE,
                            stdout=open("states", "w"), stderr=open("target.log", "w"))
    passed = 0
    while passed < most:
        part = pipe.stdout.read1(min(65536, most - passed))
        if not part:
            break
        try:
            sink.stdin.write(part)
        except BrokenPipeError:
            sys.exit(open("target.log").read())
        passed += len(part)
    is_killed = passed == most
    if is_killed:
        pipe.kill()
    code = pipe.wait()
    sink.stdin.close()
    # A line that was cut is an error for the target, and what it has not loaded by then is gone.
    loaded = sink.wait()
    if not is_killed and (code or loaded):
        sys.exit(open("tap.log").read() + open("target.log").read())
    printed = open("states").read().splitlines()
    return passed, is_killed, printed[-1] if printed else state


def query(text):
    return subprocess.run([*os.environ["PSQL"].split(), "-c", text], check=True, capture_output=True,
                          text=True).stdout.splitlines()


def differences(one, other):
    """The keys that are in tables of one schema only, the rows of `one`, and its tables."""
    keys = {}
    for line in query("select table_name, column_name from information_schema.key_column_usage "
                      f"where table_schema = '{one}' order by 1, ordinal_position"):
        table, column = line.split("|")
        keys.setdefault(table, []).append(f'"{column}"')
    wrong, rows = [], 0
    for table, columns in keys.items():
        columns = ", ".join(columns)
        pick = f'select {columns} from %s."{table}"'
        rows += int(query(f'select count(*) from {one}."{table}"')[0])
        for here, there in ((one, other), (other, one)):
            wrong += [f"{table} {row}: {here} only" for row in query(f"{pick % here} except {pick % there}")]
    return wrong, rows, len(keys)


def check(source):
    _, share, least, _ = sources[source]
    whole, killed = f"{source}_whole", f"{source}_killed"
    total = load(source, whole, "{}", 1 << 40)[0]
    state, kills, news = "{}", 0, 0
    while kills < 10:
        _, is_killed, after = load(source, killed, state, chance.randrange(1, total // share))
        kills, news, state = kills + is_killed, news + (after != state), after
    load(source, killed, state, 1 << 40)
    wrong, rows, tables = differences(whole, killed)
    print(f"target-postgres, {source}: {kills} kills, {news} times it had printed a new state; {len(wrong)} "
          f"of {rows} keys in {tables} tables differ; seed {seed}")
    return wrong[:10] + [f"{source}: {rows} rows prove little"] * (rows < least)


problems = [problem for source in sources for problem in check(source)]
sys.exit("\n".join(problems) if problems else 0)
DRIVE
