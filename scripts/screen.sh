#!/bin/sh
# Finds or installs a screen that nobody sees (Xvfb) and hands for it (xdotool), for the test that
# captures by hand in a real window. Without them that test is skipped and says so.
there() { command -v Xvfb >/dev/null 2>&1 && command -v xdotool >/dev/null 2>&1; }
there && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing Xvfb and xdotool with apt-get…"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends xvfb xdotool) >/dev/null 2>&1
  there && exit 0
fi
echo "No Xvfb or no xdotool was found or could be installed: capturing by hand is tested without a window only."
exit 0
