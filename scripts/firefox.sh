#!/bin/sh
# Finds or installs a Firefox for the hostile pages' second browser: the system's, else apt-get as
# root. Without one those tests are skipped and say so.
for name in firefox-esr firefox; do command -v "$name" >/dev/null 2>&1 && exit 0; done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing Firefox with apt-get…"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends firefox-esr) >/dev/null 2>&1
  command -v firefox-esr >/dev/null 2>&1 && exit 0
fi
echo "No Firefox was found or could be installed: the hostile pages are opened in Chromium only."
exit 0
