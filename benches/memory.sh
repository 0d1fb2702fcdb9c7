#!/usr/bin/env bash
# Peak memory of the tap alone against the amount of data: the stand-in is a process of its own and
# makes its rows as they are asked for. Fails where memory grows with the data.
#   benches/memory.sh              2,000 and 200,000 alerts; children of 50 and 50,000 incidents
#   benches/memory.sh alerts N…    these numbers of alerts
#   benches/memory.sh children N…  a child stream of these numbers of incidents
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --quiet --bins --examples
work=$(mktemp -d)
trap 'rm -rf "$work"; kill $(jobs -p) 2>/dev/null || true' EXIT

# Reads `stream` from a stand-in that was given the other arguments; sets peak (KiB) and records.
measure() {
  local stream=$1 tap url now
  shift
  rm -f "$work/in" "$work/url"
  mkfifo "$work/in"
  # Limits so high that nothing is waited for; a short run is slowed down, or its peak is missed.
  target/release/examples/stand_in --limits 6000000,6000000 --latency-ms "$latency" "$@" <"$work/in" >"$work/url" &
  exec 3>"$work/in"
  until [ -s "$work/url" ]; do sleep 0.1; done
  url=$(cat "$work/url")
  TAP_INCIDENT_API_KEY=demo-key TAP_INCIDENT_ENDPOINT=$url \
    target/release/tap-incident --select "$stream" >"$work/out" 2>"$work/log" &
  tap=$!
  # The highest VmHWM while it runs: ru_maxrss would carry over that of the shell.
  while now=$(awk '/^VmHWM/ {print $2}' "/proc/$tap/status" 2>/dev/null) && [ -n "$now" ]; do
    peak=$now
    sleep 0.02
  done
  wait "$tap"
  exec 3>&-
  records=$(grep -c '^{"type":"RECORD"' "$work/out")
}

# Compares sizes of one kind.
compare() {
  local kind=$1 count latency smallest='' largest=0
  shift
  printf '%10s %12s %10s\n' "$kind" records peak_KiB
  for count in "$@"; do
    latency=$((count < 10000 ? 20 : 0))
    case $kind in
      alerts)
        measure alerts --rows "/v2/alerts=$count"
        [ "$records" = "$count" ] || { echo "$records of $count records arrived" >&2; exit 1; } ;;
      children)
        measure incident_attachments --rows "/v2/incidents=$count" \
          --rows "/v1/incident_attachments=$count" ;;
    esac
    printf '%10d %12d %10d\n' "$count" "$records" "$peak"
    [ -n "$smallest" ] || smallest=$peak
    [ "$peak" -le "$largest" ] || largest=$peak
  done
  [ $((largest - smallest)) -le 5120 ] || { echo "memory grows by more than 5 MiB" >&2; exit 1; }
  [ "$largest" -le 30720 ] || { echo "memory is above 30 MiB" >&2; exit 1; }
}

if [ $# -gt 0 ]; then
  compare "$@"
else
  compare alerts 2000 200000
  compare children 50 50000
fi
