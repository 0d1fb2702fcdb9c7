#!/usr/bin/env bash
# Record throughput beside other ways to do it, the Meltano SDK's among them: benches/records says what
# is measured. Needs python3 and, the first time, the network for the SDK.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=target/meltano-sdk
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check singer-sdk==0.54.9
fi
exec cargo bench --locked --bench records -- --sdk "$PWD/$venv/bin/python"
