#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Every test, in lanes; each prints its time beside its budget. One lane alone: check.sh LANE.
set -eu
cd "$(dirname "$0")/.."
tools/setup.sh
export CARGO_TERM_COLOR=never
# The same walks through the state machines each time; PROPTEST_CASES=20000 and another seed go far.
export PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-8461}"

style() {
    cargo fmt --all --check
    for workspace in fuzz host/loom; do
        cargo fmt --manifest-path $workspace/Cargo.toml --check
    done
    cargo clippy -q --release --workspace --all-targets -- -D warnings
    cargo clippy -q --release -p mtasts-host --features redis --all-targets -- -D warnings
    cargo clippy -q --release -p mtasts --no-default-features -- -D warnings
    cargo clippy -q --release -p mtasts --all-features --all-targets -- -D warnings
    git ls-files '*.sh' tests/conformance/run tests/differential/run tests/tlsrpt/run .ci/run \
        fuzz/run fuzz/one fuzz/keep packaging/debian/build packaging/debian/root packaging/debian/source \
        packaging/release packaging/wheel debian/tests/server |
        xargs shellcheck
    git ls-files '*.c' | xargs clang-format --dry-run -Werror
    tools/supply/check.sh
    tools/version.py
    docs/requirements.py
    docs/links.py --check
}

core() {
    cargo test -q --release -p mtasts --features engine
    cargo test -q --release -p mtasts-publish -p mtasts-web -p mtasts-conformance
    tests/conformance/run --surface rust
    make -s scale SCALE="--domains 10000 --days 10"
    tools/msrv.sh
}

ffi() {
    make -s lib
    benches/instructions.py
    tools/abi-test.sh
    cargo test -q --release -p mtasts-ffi --features panic-test
    cargo test -q --release -p mtasts-lab -p mtasts-host -p mtasts-cli \
        --features mtasts-host/bundle,mtasts-host/panic-test --test c_face
    ffi/tests/tests.sh
    make -s sender
    ffi/tests/hardness.sh
    tests/conformance/run --surface c
}

# One choice of packages, as in `make tools`: another would compile what they depend on once more.
host() {
    cargo test -q --release -p mtasts-lab -p mtasts-host -p mtasts-cli
    cargo test -q --locked --manifest-path host/loom/Cargo.toml --target-dir build/loom
    # They wait for servers, most of the time.
    cargo test -q --release -p mtasts-lab -p mtasts-host -p mtasts-cli --features mtasts-host/redis \
        --test redis -- --test-threads 8
    tools/install-test.sh
    make -s demo
    docs/run.py docs/tutorials/c.md docs/howto.md
    tests/tlsrpt/run
    make -s endurance SECONDS=25 KILLS=30
}

# 77: there is no nightly compiler, and it has said so.
fuzz() {
    fuzz/run || [ $? = 77 ]
}

hosts() {
    # 77: this machine cannot run them; it has said why.
    tests/hosts/run || [ $? = 77 ]
    bindings/exim/test.sh
}

python() {
    bindings/python/test.sh
}

# WebAssembly: each part builds and tests itself. Then every surface is compared with every other.
wasm() {
    for test in wasm/*/test.sh; do
        "$test"
    done
    tests/conformance/run --surface all
}

lane() { # NAME MINUTES
    begun=$(date +%s)
    printf '== %s\n' "$1"
    "$1"
    printf '== %s: %d s (budget %d min)\n' "$1" $(($(date +%s) - begun)) "$2"
}

case ${1:-all} in
    all)
        lane style 3
        lane core 4
        lane ffi 5
        lane fuzz 5
        lane host 11
        lane hosts 12
        lane python 3
        lane wasm 18
        ;;
    *) lane "$1" 9 ;;
esac
