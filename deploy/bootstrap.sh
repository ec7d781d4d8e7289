#!/bin/sh
# Makes .venv from the locked requirements: `bootstrap.sh run|dev [python]`. Quiet when all is well.
set -eu
cd "$(dirname "$0")/.."
kind=$1
python=${2:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Tocsin needs Python 3.11 or newer; $python is $("$python" --version). Set PYTHON=…" >&2
    exit 1
}
if [ ! -x .venv/bin/python ]; then
    echo "· making .venv"
    "$python" -m venv .venv || {
        echo "python3 -m venv failed; on Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    }
fi
if ! .venv/bin/python -m uv --version >/dev/null 2>&1; then
    echo "· installing uv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --require-hashes -r requirements/uv.txt
fi
echo "· installing dependencies ($kind)"
.venv/bin/python -m uv pip install --quiet --require-hashes -r "requirements/$kind.txt"
.venv/bin/python -m uv pip install --quiet --no-deps --no-build-isolation -e .
touch ".venv/.$kind"
# What is enough for development is enough for running.
[ "$kind" = dev ] && touch .venv/.run
exit 0
