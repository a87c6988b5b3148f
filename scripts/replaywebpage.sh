#!/bin/sh
# Fetches ReplayWeb.page (AGPL-3.0, unmodified) for tests: npm's own tarball, pinned by integrity,
# unpacked into the folder named; nothing of it is built or run here.
# Where there is no npm, one comes in a throw-away environment (requirements/node.lock).
set -eu
folder="$1"
version=2.5.3
integrity="nCj2PSON3BxeSJKE8AsYPyULv0XPZKJWfy4l9PyQre9SqwLZ+WKZVs/sfLqPOQ4GrH+0YkjbwOhr8cSTH08gsQ=="
[ -f "$folder/$version.unpacked" ] && exit 0
here=$(pwd)
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
npm=npm
if ! command -v npm >/dev/null 2>&1; then
  "${PYTHON:-python3}" -m venv "$tools/env"
  "$tools/env/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/node.lock
  npm="$tools/env/bin/npm"
fi
(cd "$tools" && "$npm" pack --silent "replaywebpage@$version" >/dev/null)
found=$("${PYTHON:-python3}" -c 'import base64, hashlib, sys; print(base64.b64encode(hashlib.sha512(open(sys.argv[1], "rb").read()).digest()).decode())' "$tools/replaywebpage-$version.tgz")
if [ "$found" != "$integrity" ]; then
  echo "replaywebpage@$version is not the one pinned: sha512-$found" >&2
  exit 1
fi
rm -rf "$folder"
mkdir -p "$folder"
cd "$here"
tar -xzf "$tools/replaywebpage-$version.tgz" -C "$folder" --strip-components=1
touch "$folder/$version.unpacked"
