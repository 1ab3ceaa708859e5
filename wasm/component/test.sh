#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Builds the component for each world and runs it: conformance, certificate chains, and the hosts in
# Python and Node against the lab. That in Rust takes minutes to build, so that it runs only if asked:
#
#     test.sh [--rust]
set -euo pipefail
cd "$(dirname "$0")/../.."
here=wasm/component
python=$PWD/build/wasm-venv/bin/python

say() { printf '== component: %s\n' "$*"; }

style() {
    local manifest features
    for manifest in wasm/pack wasm/component/hosts/rust; do
        cargo fmt --check --manifest-path "$manifest/Cargo.toml"
    done
    cargo fmt --check --manifest-path wasm/Cargo.toml -p mtasts-component
    cargo clippy -q --release --manifest-path wasm/pack/Cargo.toml -- -D warnings
    for features in "" reports resolving,chains bench; do
        cargo clippy -q --release --manifest-path wasm/Cargo.toml -p mtasts-component \
            --features "$features" -- -D warnings
    done
}

rust_host() {
    local manifest=$here/hosts/rust/Cargo.toml
    cargo clippy -q --locked --manifest-path "$manifest" -- -D warnings
    cargo build -q --locked --manifest-path "$manifest"
    "$python" -B $here/tests/hosts.py $here/hosts/rust/target/debug/mtasts-component-host \
        build/wasm/mtasts-resolving.wasm
}

command -v node > /dev/null || { echo "needs Node 20 or later and npm" >&2 && exit 1; }
say "build, for each world"
$here/build.sh
$here/venv.sh
$here/node.sh pure
make -s tools
say "style"
style
say "imports"
$here/tests/imports.sh wasm/pack/target/release/mtasts-pack build/wasm
say "conformance"
tests/conformance/run --surface component 2> build/wasm/skipped || { cat build/wasm/skipped && exit 1; }
say "certificate chains"
"$python" -B $here/tests/chains.py build/wasm/mtasts-pure-chains.wasm
say "TLS reports"
"$python" -B $here/tests/reports.py build/wasm/mtasts-pure-reports.wasm
say "the host in Python"
"$python" -B $here/tests/hosts.py "$python" -B $here/hosts/python/host.py \
    build/wasm/mtasts-resolving-chains.wasm
say "the host in Node"
"$python" -B $here/tests/hosts.py node build/wasm-node/host.mjs build/wasm-node/pure/mtasts.js
if [ "${1-}" = --rust ]; then
    say "the host in Rust"
    rust_host
fi
