#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes build/wasm-venv, the Python of hosts/python and of the tests, unless it is there.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
venv=$root/build/wasm-venv
wanted=$(cat "$here"/hosts/python/requirements.txt "$here"/tests/requirements.txt)
[ "$(cat "$venv/wanted" 2> /dev/null)" = "$wanted" ] && exit 0
rm -rf "$venv"
python3 -m venv "$venv"
"$root/tools/retry.sh" "$venv/bin/python" -m pip -q --disable-pip-version-check install \
    -r "$here/tests/requirements.txt"
echo "$wanted" > "$venv/wanted"
