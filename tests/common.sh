# shellcheck shell=bash disable=SC2154
# Sourced by what tries the tap with other programs, and by CI.

# python_environment FOLDER REQUIREMENTS: made where it is not there yet.
python_environment() {
  [ ! -e "$1" ] || return 0
  python3 -m venv "$1"
  "$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$2" >"$1.log" 2>&1 || {
    tail -n 5 "$1.log"
    return 1
  }
}

# serve FILE OPTION...: a stand-in, whose address is in FILE. It serves until its standard input ends, which is
# when the script does: nothing writes into it, so that one pipe serves all of them.
serve() {
  local address=$1
  shift
  if [ ! -p stdin ]; then
    mkfifo stdin
    exec 9<>stdin
  fi
  "$stand_in" "$@" <stdin >"$address" 9>&- &
  while [ ! -s "$address" ]; do sleep 0.05; done
}
