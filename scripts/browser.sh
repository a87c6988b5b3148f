#!/bin/sh
# Finds or installs a Chromium: the system's, else apt-get as root, else Playwright's download.
# Without one Holdfast still works: captures then use the http engine.
python="$1"
find='from archive.capture.browsers import find_browser; import sys; found = find_browser(None); print(found or ""); sys.exit(found is None)'
if "$python" -c "$find" >/dev/null 2>&1; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing Chromium with apt-get…"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-core fonts-noto-cjk) >/dev/null 2>&1
  if "$python" -c "$find" >/dev/null 2>&1; then exit 0; fi
fi
echo "Fetching a Chromium with Playwright…"
"$python" -m playwright install chromium >/dev/null 2>&1
if "$python" -c "$find" >/dev/null 2>&1; then exit 0; fi
echo "No Chromium that starts was found or could be installed. Holdfast goes on with the http engine."
echo "To add one later: apt-get install chromium (or set HOLDFAST_BROWSER), then: rm .venv/.browser && make setup"
exit 0
