#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Builds the component, once for each world of ../wit/mtasts.wit or for those named:
#
#     build.sh [pure|pure-chains|pure-reports|resolving|resolving-chains|bench]...
#
# into build/wasm/mtasts-WORLD.wasm.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/build/wasm
pack=$root/wasm/pack/target/release/mtasts-pack

build() { # WORLD
    local features=${1//-/,} module
    features=${features/pure/} # which is what there is without features
    module=$root/wasm/target/wasm32-unknown-unknown/release/mtasts_component.wasm
    (cd "$root/wasm" && "$root/tools/wasm-cargo.sh" build -q --release --locked \
        --target wasm32-unknown-unknown -p mtasts-component --features "$features")
    "$pack" component "$module" "$out/mtasts-$1.wasm.new"
    mv "$out/mtasts-$1.wasm.new" "$out/mtasts-$1.wasm"
}

[ $# -gt 0 ] || set -- pure pure-chains pure-reports resolving resolving-chains
cargo build -q --release --locked --manifest-path "$root/wasm/pack/Cargo.toml"
mkdir -p "$out"
for world in "$@"; do
    build "$world"
done
