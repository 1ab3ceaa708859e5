#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Builds the npm package, installs it as its users do, and tests it: its types, its API, the host for
# Node against the lab, the example, other runtimes and a browser; then the conformance corpus, and the
# workbench.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/build/js
place=$work/test
runtimes=$work/runtimes

lint() (
    cd "$here/.."
    cargo fmt --check -p mtasts-js -p mtasts-js-pack
    CARGO_PROFILE_DEV_DEBUG=0 cargo clippy -q -p mtasts-js -p mtasts-js-pack --all-targets -- -D warnings
)

# The packed package in a project of its own, the tests and the example beside it.
install_package() {
    rm -rf "$place"
    mkdir -p "$place"
    (cd "$root/build/npm" && npm pack --silent --pack-destination "$place" > /dev/null)
    (cd "$place" && echo '{"private":true,"type":"module"}' > package.json &&
        npm install --silent --offline --no-save ./mtasts-*.tgz)
    cp -r "$here/tests" "$place"
}

# Deno and Cloudflare's runtime, which npm has as programs.
install_runtimes() {
    local lock=$here/tests/runtimes/package-lock.json
    cmp -s "$lock" "$runtimes/node_modules/.installed" && return
    mkdir -p "$runtimes"
    cp "$here"/tests/runtimes/{package.json,package-lock.json,.npmrc} "$runtimes"
    (cd "$runtimes" && "$root/tools/retry.sh" npm ci --silent --ignore-scripts)
    mkdir -p "$runtimes/node_modules"
    cp "$lock" "$runtimes/node_modules/.installed"
}

# A program of a user of the package, as both ways to resolve modules see it.
check_types() {
    local resolution
    for resolution in node16 bundler; do
        "$work/node_modules/.bin/tsc" -p "$place/tests/types/tsconfig.$resolution.json"
        echo "types: $resolution"
    done
}

"$root/tools/setup.sh"
lint
"$here/build.sh"
make -s -C "$root" tools
export MTASTS_LAB_BIN=${CARGO_TARGET_DIR:-$root/target}/release/lab
export MTASTS_ROOT=$root MTASTS_RUNTIMES=$runtimes
install_package
install_runtimes
check_types
node --expose-gc --experimental-vm-modules --no-warnings --test --test-reporter=spec "$place"/tests/*.test.mjs
"$root/tests/conformance/run" --surface js
"$here/bench.sh"
"$here/workbench/test.sh"
