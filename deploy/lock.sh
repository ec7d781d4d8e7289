#!/bin/sh
# Locks the newest versions with hashes and without any index's address.
set -eu
cd "$(dirname "$0")/.."
lock() {
    out=$1
    shift
    .venv/bin/python -m uv pip compile --quiet --upgrade --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
        "$@" pyproject.toml -o "$out"
}
lock requirements/run.txt --extra build
lock requirements/dev.txt --extra build --extra dev
echo uv | .venv/bin/python -m uv pip compile --quiet --upgrade --universal --generate-hashes \
    --no-emit-index-url --custom-compile-command "make lock" - -o requirements/uv.txt
