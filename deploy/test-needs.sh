#!/bin/sh
# What the tests need from the system: Chromium and slapd. Installed where that is allowed, else named.
set -eu
missing=
have() {
    for name in "$@"; do
        PATH="$PATH:/usr/sbin:/usr/local/sbin:/usr/libexec" command -v "$name" >/dev/null 2>&1 && return 0
    done
    return 1
}
have chromium chromium-browser google-chrome || missing="chromium fonts-dejavu-core"
have slapd || missing="$missing slapd"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "· installing $missing"
    # slapd's own server is not wanted: the tests start one with a folder of theirs.
    { apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends $missing; } >/tmp/tocsin-apt.log 2>&1 && exit 0
    tail -n 5 /tmp/tocsin-apt.log >&2
fi
echo "The tests drive a real Chromium and a real slapd. Install: sudo apt-get install $missing" >&2
exit 1
