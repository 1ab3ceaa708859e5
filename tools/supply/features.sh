#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Checks that every choice of features compiles, without a warning: those of the engine and of the
# C ABI; with "all" those of every crate.
set -eu
cd "$(dirname "$0")/../.."
hack=$(tools/supply/tools.sh)/cargo-hack
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/supply
RUSTFLAGS="-D warnings"
export CARGO_TARGET_DIR RUSTFLAGS
powerset() { "$hack" hack check -q --locked --feature-powerset --exclude-features default "$@"; }
powerset -p mtasts -p mtasts-ffi
[ "${1-}" = all ] || exit 0
powerset -p mtasts-host -p mtasts-cli -p mtasts-publish -p mtasts-web
# For the machine at hand: with WebAssembly's targets, wasm/*/test.sh build what they need.
powerset --manifest-path wasm/Cargo.toml -p mtasts-envoy -p mtasts-http
# The world with reports has nothing else.
powerset --manifest-path wasm/Cargo.toml -p mtasts-component --exclude-features bench \
    --mutually-exclusive-features reports,chains --mutually-exclusive-features reports,resolving
