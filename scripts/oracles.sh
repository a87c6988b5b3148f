#!/bin/sh
# Makes the environment of the test oracles: readers, replayers and peers that we did not write.
# They stay out of .venv, so that nothing of theirs reaches the run time. Some are AGPL or GPL:
# they run as separate, unmodified programs, in tests and benchmarks only.
set -eu
folder="$1"
"${PYTHON:-python3}" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/oracles.lock
PYTHON="${PYTHON:-python3}" sh scripts/replaywebpage.sh "$folder/replaywebpage"
