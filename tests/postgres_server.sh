# Sourced by scripts that load into PostgreSQL: goes into a folder of its own, `$work`, and starts a server
# there that is gone, with the folder, when the script ends. Its socket is in `$work/socket`.
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
  (cd /; as "$postgres/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1) || true
  rm -rf "$work"
}
trap end EXIT

cd /
as "$postgres/initdb" -D "$work/data" -U tap --auth=trust >/dev/null
as "$postgres/pg_ctl" -D "$work/data" -w -l "$work/socket/log" \
  -o "-c listen_addresses='' -k $work/socket -c fsync=off" start >/dev/null
cd "$work"
export PSQL="psql -h $work/socket -U tap -d postgres -At"
