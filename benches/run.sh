#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Measures, and prints each figure beside its target; also to build/bench.txt,
# and all of it to build/bench.json, of which performance.py makes
# docs/performance.md. Nothing fails for being slow. The parts and the ABI are
# measured three times and the least of all samples counts, since other work on
# the machine only adds. The store is filled in /dev/shm (or FILL), which takes
# 600 MB there, and measured in TMPDIR. Then the crates of others (peers/), the
# instructions that callgrind counts, and the policy server, by server.py. What
# is built for WebAssembly comes last, each part by its own bench.sh. One step
# alone: run.sh STEP, one of those below; run.sh server OPTIONS...
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
cargo=${CARGO:-cargo}
lib=build/lib

disk=$(mktemp -d)
fill=$(mktemp -d -p "${FILL:-/dev/shm}" 2>/dev/null || mktemp -d)
trap 'rm -rf "$disk" "$fill"' EXIT
trap 'exit 1' HUP INT TERM
results=build/bench
mkdir -p "$results"

say() {
    echo "bench: $*" >&2
}

build() {
    "$cargo" bench -q -p mtasts-benches --no-run
    "$cargo" build -q --release -p mtasts-cli
    "${CC:-cc}" -std=c99 -O2 -Wall -Wextra -Wpedantic -Werror -I build/include \
        -o build/bench-abi benches/abi.c -L "$lib" -lmtasts -Wl,-rpath,"$root/$lib"
}

build_server() {
    "$cargo" build -q --release -p mtasts-benches --bins
    "$cargo" build -q --release -p mtasts-lab
    mkdir -p build
    "${CC:-cc}" -std=c99 -O2 -Wall -Wextra -Wpedantic -Werror -o build/bench-echo benches/echo.c
    resolver || say "postfix-mta-sts-resolver cannot be installed from PyPI: it is not measured"
}

# postfix-mta-sts-resolver, to be compared with.
resolver() {
    [ -e build/peer/bin/python ] && return
    rm -rf build/peer.new
    python3 -m venv --copies build/peer.new &&
        tools/retry.sh build/peer.new/bin/python -m pip -q --disable-pip-version-check install \
            'postfix-mta-sts-resolver[uvloop]==1.5.1' &&
        mv build/peer.new build/peer
}

parts() {
    rm -rf build/criterion
    CRITERION_HOME=$root/build/criterion "$cargo" bench -q -p mtasts-benches --bench parts \
        >build/bench-parts.log 2>&1 || { cat build/bench-parts.log >&2 && return 1; }
    python3 -B benches/least.py build/criterion
}

# The figures of the engine, the ABI, the store and what is called from outside.
parts_all() {
    for round in 1 2 3; do
        say "the parts and the ABI, $round of 3"
        parts
        build/bench-abi
    done
    say "the store"
    mkdir "$disk/store"
    "$cargo" bench -q -p mtasts-benches --bench store -- "$fill" "$disk/store"
    say "the engine's table"
    "$cargo" bench -q -p mtasts-benches --bench engine
    printf 'library\t%s\toctets\n' "$(wc -c <"$lib/libmtasts.so")"
    say "reports"
    python3 -B benches/reports.py "${CARGO_TARGET_DIR:-target}/release/mtasts"
    python3 -B benches/start.py "${CARGO_TARGET_DIR:-target}/release/mtasts"
    say "Python"
    MTASTS_LIBRARY=$root/$lib python3 -B bindings/python/bench.py \
        "${CARGO_TARGET_DIR:-target}/release/lab"
}

# What else the machine does, over a minute; measuring itself makes about 1.
load() {
    cut -d ' ' -f 1 /proc/loadavg
}

measure() {
    build
    printf 'load before\t%s\nstore on\t%s\n' "$(load)" "$(stat -f -c %T "$disk")" >"$results/machine.tsv"
    parts_all >"$results/figures.new"
    mv "$results/figures.new" "$results/figures.tsv"
    rm -rf "${fill:?}"/*
}

# The crates that do some of the same; built outside the workspace.
peers() {
    say "other crates"
    tools/retry.sh "$cargo" build -q --release --locked --manifest-path benches/peers/Cargo.toml \
        --target-dir build/peers
    build/peers/release/mtasts-bench-peers >"$results/peers.tsv"
}

instructions() {
    say "instructions"
    benches/instructions.py --json "$results/instructions.json" >&2 || :
}

server() {
    say "the policy server"
    build_server
    python3 -B benches/server.py --fill "$fill" "$@" >build/bench-server.txt
}

check() {
    say "mtasts check"
    "$cargo" build -q --release -p mtasts-cli -p mtasts-lab
    python3 -B benches/check.py >build/bench-check.txt
}

wasm() {
    for part in component envoy js; do
        say "WebAssembly: $part"
        "wasm/$part/bench.sh" >"build/bench-$part.txt"
    done
}

report() {
    python3 -B benches/results.py >build/bench.txt
    for part in server check component envoy js; do
        [ ! -e "build/bench-$part.txt" ] || { echo && cat "build/bench-$part.txt"; } >>build/bench.txt
    done
    cat build/bench.txt
    python3 -B benches/performance.py
}

case ${1:-all} in
    all)
        rm -rf build/bench build/bench-*.txt build/bench-server.json
        mkdir -p "$results"
        for step in measure peers instructions server check wasm report; do
            "$step"
        done
        ;;
    server)
        shift
        server "$@"
        cat build/bench-server.txt
        ;;
    measure | peers | instructions | check | wasm | report) "$1" ;;
    *) say "there is no step $1" && exit 2 ;;
esac
