#!/usr/bin/env bash
# Makes requirements/*.lock anew from requirements/*.in, newest versions that fit.
# The locks name hashes and no host, so that any mirror of the package index serves them.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python=${PYTHON:-python3.11} # the oldest version we support: its markers ask for the most
"$python" -m venv "$tools/env"
"$tools/env/bin/pip" install --quiet 'pip-tools>=7.5'

export CUSTOM_COMPILE_COMMAND="make lock"
# Wheels lying on this machine must not stand in for the index: their hashes can differ.
export PIP_FIND_LINKS="" PIP_EXTRA_INDEX_URL=""
for name in run dev oracles node; do
  "$tools/env/bin/pip-compile" --quiet --upgrade --generate-hashes --allow-unsafe \
    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras \
    --output-file "requirements/$name.lock" "requirements/$name.in"
done
if grep -nEi 'https?://|file://|--(extra-)?index-url|--find-links|trusted-host' requirements/*.lock; then
  echo "lock: the lines above name a host; they must not be committed" >&2
  exit 1
fi
