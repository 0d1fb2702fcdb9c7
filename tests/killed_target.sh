#!/usr/bin/env bash
# The tap is killed ten times while a real target loads, and each time goes on from the last state that the
# target printed. In the end the tables have the same keys as after one run that nobody disturbed.
#   tests/killed_target.sh TAP STAND-IN FOLDER-WITH-THE-TARGETS [SEED]
set -euo pipefail
tap=$(realpath "$1") stand_in=$(realpath "$2") targets=$(realpath "$3") seed=${4:-$RANDOM}
postgres=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
[ -n "$postgres" ] || { echo "target-postgres: PostgreSQL is not installed; skipped"; exit 0; }
work=$(mktemp -d)
chmod 711 "$work"
# PostgreSQL refuses to run as root.
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
owner=$(as id -un)
install -d -m 700 -o "$owner" "$work/data"
install -d -m 755 -o "$owner" "$work/socket"
end() {
  exec 9>&- || true
  (cd /; as "$postgres/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1) || true
  rm -rf "$work"
}
trap end EXIT

cd /
as "$postgres/initdb" -D "$work/data" -U tap --auth=trust >/dev/null
as "$postgres/pg_ctl" -D "$work/data" -w -l "$work/socket/log" \
  -o "-c listen_addresses='' -k $work/socket -c fsync=off" start >/dev/null
cd "$work"

# The stand-in serves until its standard input ends.
mkfifo stdin
"$stand_in" --months 3 --page-cap 6 <stdin >url &
exec 9>stdin
while [ ! -s url ]; do sleep 0.05; done

PSQL="psql -h $work/socket -U tap -d postgres -At" python3 - "$tap" "$targets/target-postgres" "$seed" <<'DRIVE'
import json, os, random, subprocess, sys

tap, target, seed = sys.argv[1:]
chance, work = random.Random(int(seed)), os.getcwd()
streams = "users,custom_field*,postmortem*,incidents,incident_updates,actions,follow_ups,alerts"
environment = {"TAP_INCIDENT_API_KEY": "demo-key", "TAP_INCIDENT_CONCURRENCY": "8",
               "TAP_INCIDENT_ENDPOINT": open("url").read().strip()}


def load(schema, state, most):
    """Pipes the tap into the target and kills it after so many bytes, if there are as many."""
    config = {"host": f"{work}/socket", "port": 5432, "user": "tap", "password": "none", "dbname": "postgres",
              "default_target_schema": schema, "batch_size_rows": 20, "ssl": "false"}
    json.dump(config, open("config.json", "w"))
    open("state.json", "w").write(state)
    source = subprocess.Popen([tap, "--select", streams, "--state", "state.json"], env=environment,
                              stdout=subprocess.PIPE, stderr=open("tap.log", "w"))
    sink = subprocess.Popen([target, "--config", "config.json"], stdin=subprocess.PIPE,
                            stdout=open("states", "w"), stderr=open("target.log", "w"))
    passed = 0
    while passed < most:
        part = source.stdout.read1(min(65536, most - passed))
        if not part:
            break
        try:
            sink.stdin.write(part)
        except BrokenPipeError:
            sys.exit(open("target.log").read())
        passed += len(part)
    is_killed = passed == most
    if is_killed:
        source.kill()
    code = source.wait()
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


total = load("whole", "{}", 1 << 40)[0]
state, kills, news = "{}", 0, 0
for _ in range(10):
    _, is_killed, after = load("killed", state, chance.randrange(1, total // 4))
    kills, news, state = kills + is_killed, news + (after != state), after
load("killed", state, 1 << 40)

keys = {}
for line in query("select table_name, column_name from information_schema.key_column_usage "
                  "where table_schema = 'whole' order by 1, ordinal_position"):
    table, column = line.split("|")
    keys.setdefault(table, []).append(f'"{column}"')
wrong, rows = [], 0
for table, columns in keys.items():
    columns = ", ".join(columns)
    pick = f'select {columns} from %s."{table}"'
    rows += int(query(f'select count(*) from whole."{table}"')[0])
    for one, other in (("whole", "killed"), ("killed", "whole")):
        wrong += [f"{table} {row}: {one} only" for row in query(f"{pick % one} except {pick % other}")]
print(f"target-postgres: {kills} kills, {news} times it had printed a new state; {len(wrong)} of {rows} "
      f"keys in {len(keys)} tables differ; seed {seed}")
sys.exit("\n".join(wrong[:10]) if wrong or kills < 10 or rows < 500 else 0)
DRIVE
