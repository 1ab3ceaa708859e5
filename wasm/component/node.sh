#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Sets build/wasm-node up, with what hosts/node needs, and makes a module of a component:
#
#     node.sh [WORLD]    build/wasm/mtasts-WORLD.wasm -> build/wasm-node/WORLD/mtasts.js
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
node=$root/build/wasm-node
lock=$here/hosts/node/package-lock.json
mkdir -p "$node"
cp "$here"/hosts/node/*.mjs "$here/hosts/node/package.json" "$here/hosts/node/.npmrc" "$node/"
if ! cmp -s "$lock" "$node/installed"; then
    cp "$lock" "$node/"
    (cd "$node" && "$root/tools/retry.sh" npm ci --silent --ignore-scripts)
    cp "$lock" "$node/installed"
fi
for world in "$@"; do
    node "$node/transpile.mjs" "$root/build/wasm/mtasts-$world.wasm" "$node/$world"
done
