#!/bin/sh
# What the tests need from the system: Chromium. Installed where that is allowed, else named.
set -eu
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "· installing chromium"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends chromium fonts-dejavu-core; } >/tmp/tocsin-apt.log 2>&1 && exit 0
    tail -n 5 /tmp/tocsin-apt.log >&2
fi
echo "The tests drive a real Chromium. Install it: sudo apt-get install chromium" >&2
exit 1
