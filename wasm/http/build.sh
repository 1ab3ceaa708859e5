#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Builds build/wasm/mtasts-http.wasm, and mtasts-pack, which configures it.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
out=$root/build/wasm/mtasts-http.wasm
pack=$root/wasm/pack/target/release/mtasts-pack

mkdir -p "$root/build/wasm"
cargo build -q --release --locked --manifest-path "$root/wasm/pack/Cargo.toml"
(cd "$root/wasm" && "$root/tools/wasm-cargo.sh" build -q --release --locked \
    --target wasm32-unknown-unknown -p mtasts-http)
"$pack" component "$root/wasm/target/wasm32-unknown-unknown/release/mtasts_http.wasm" "$out.new"
mv "$out.new" "$out"
