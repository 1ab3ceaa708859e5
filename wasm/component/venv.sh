#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes build/wasm-venv, the Python of hosts/python and of the tests, unless it is there.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
wanted=$root/wasm/component/hosts/python/requirements.txt
venv=$root/build/wasm-venv
cmp -s "$wanted" "$venv/requirements.txt" && exit 0
rm -rf "$venv"
python3 -m venv "$venv"
"$root/tools/retry.sh" "$venv/bin/python" -m pip -q --disable-pip-version-check install -r "$wanted"
cp "$wanted" "$venv/requirements.txt"
