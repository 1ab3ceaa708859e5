#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Measures the plugin in Envoy, and prints each figure beside its target; nothing fails for being
# slow. What it is compared with runs in the same Envoy, in turn. `bench.sh SECONDS ROUNDS`.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root/wasm"
# shellcheck source=wasm/envoy/setup.sh
. envoy/setup.sh

../tools/setup.sh # wrk
build_plugin
compile mtasts-envoy-bench ""
cp "target/$wasm/release/mtasts_envoy_bench.wasm" "$out/empty.wasm"
setup_envoy
exec "$python" -B envoy/bench/bench.py "$out/empty.wasm" "${1:-3}" "${2:-7}"
