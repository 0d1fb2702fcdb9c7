#!/usr/bin/env bash
# Instructions that the tap takes for one record, counted by valgrind: the same on every run, whatever
# else the machine does. Fails where one is more than 10 % above benches/instructions.txt.
#   benches/instructions.sh             compares
#   UPDATE=1 benches/instructions.sh    takes over what was counted
set -euo pipefail
cd "$(dirname "$0")/.."
expected=benches/instructions.txt
binary=$(cargo bench --bench records --locked --no-run 2>&1 | sed -n 's/.*(\(.*\))$/\1/p' | tail -1)

# Instructions of a process that reads so many pages of a stream.
count() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$binary" --once "$1" "$2" 2>&1 |
    sed -n 's/.*Collected : //p'
}

work=$(mktemp)
trap 'rm -f "$work"' EXIT
for stream in incidents:250 users:1000; do
  name=${stream%:*}
  # The difference of two runs leaves out the start and the making of the page.
  echo "$name $((($(count "$name" 5) - $(count "$name" 1)) / (4 * ${stream#*:})))" >>"$work"
done
[ -z "${UPDATE:-}" ] || cp "$work" "$expected"
join "$expected" "$work" | awk '
  { printf "%-10s %7d instructions a record, expected %d\n", $1, $3, $2 }
  $3 > $2 * 1.1 { print $1 " takes more than 10 % more than expected"; failed = 1 }
  END { exit failed || NR != 2 }'
