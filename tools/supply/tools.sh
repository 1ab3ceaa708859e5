#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Prints the folder that has what tools.txt lists; makes it once, in the cache.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
list=$here/tools.txt
place=${XDG_CACHE_HOME:-$HOME/.cache}/libmtasts/supply-tools
if ! cmp -s "$list" "$place/list"; then
    rm -rf "$place"
    mkdir -p "$place"
    python3 -m venv "$place/venv"
    "$here/../retry.sh" "$place/venv/bin/python" -m pip -q --disable-pip-version-check install \
        --no-deps --only-binary :all: --require-hashes -r "$list" >&2
    cp "$list" "$place/list"
fi
echo "$place/venv/bin"
