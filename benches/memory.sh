#!/usr/bin/env bash
# Peak memory of the tap alone against the number of alerts: the stand-in is a process of its own
# and makes its rows as they are asked for. Fails where memory grows with the data.
#   benches/memory.sh [ROWS…]        default: 2000 200000
set -euo pipefail
cd "$(dirname "$0")/.."
rows=("$@")
[ ${#rows[@]} -gt 0 ] || rows=(2000 200000)

cargo build --release --locked --quiet --bins --examples
work=$(mktemp -d)
trap 'rm -rf "$work"; kill $(jobs -p) 2>/dev/null || true' EXIT
cat >"$work/catalog.json" <<'CATALOG'
{"streams": [{"tap_stream_id": "alerts", "metadata": [{"breadcrumb": [], "metadata": {"selected": true}}]}]}
CATALOG

printf '%10s %12s %10s %10s\n' alerts records seconds peak_KiB
smallest='' largest=0
for count in "${rows[@]}"; do
  mkfifo "$work/in.$count"
  target/release/examples/stand_in --rows "/v2/alerts=$count" <"$work/in.$count" >"$work/url.$count" &
  exec 3>"$work/in.$count"
  until [ -s "$work/url.$count" ]; do sleep 0.1; done
  # The highest VmHWM the tap shows while it runs: ru_maxrss would carry over the shell's.
  TAP_INCIDENT_API_KEY=demo-key TAP_INCIDENT_ENDPOINT=$(cat "$work/url.$count") \
    target/release/tap-incident --catalog "$work/catalog.json" >"$work/out" 2>"$work/log" &
  tap=$!
  started=$(date +%s.%N) peak=0
  while now=$(awk '/^VmHWM/ {print $2}' "/proc/$tap/status" 2>/dev/null) && [ -n "$now" ]; do
    peak=$now
    sleep 0.02
  done
  wait "$tap"
  exec 3>&-
  records=$(grep -c '^{"type":"RECORD"' "$work/out")
  [ "$records" = "$count" ] || { echo "$records of $count records arrived" >&2; exit 1; }
  awk -v r="$count" -v n="$records" -v s="$started" -v e="$(date +%s.%N)" -v p="$peak" \
    'BEGIN {printf "%10d %12d %10.1f %10d\n", r, n, e - s, p}'
  [ -n "$smallest" ] || smallest=$peak
  [ "$peak" -le "$largest" ] || largest=$peak
done
[ $((largest - smallest)) -le 5120 ] || { echo "memory grows by more than 5 MiB" >&2; exit 1; }
[ "$largest" -le 30720 ] || { echo "memory is above 30 MiB" >&2; exit 1; }
