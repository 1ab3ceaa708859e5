#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Writes the C headers into the folder DIR by cbindgen, which is fetched once into the cache.
set -eu
dir=${1:?usage: headers.sh DIR}
root=$(cd "$(dirname "$0")/.." && pwd)
version=0.29.4
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libmtasts/cbindgen-$version
cbindgen=$cache/bin/cbindgen
if [ ! -x "$cbindgen" ]; then
    echo "fetching cbindgen $version" >&2
    "$root/tools/retry.sh" cargo install -q --locked cbindgen --version "$version" --root "$cache"
fi
mkdir -p "$dir"
"$cbindgen" -q --config "$root/ffi/cbindgen.toml" --output "$dir/mtasts.h" "$root/ffi"
if [ -f "$root/host/cbindgen.toml" ]; then
    "$cbindgen" -q --config "$root/host/cbindgen.toml" --output "$dir/mtasts_host.h" "$root/host"
fi
