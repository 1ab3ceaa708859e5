#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Builds the npm package, installs it as its users do, and tests it: its types, its API, the host for
# Node against the lab, the example, other runtimes and a browser; then the conformance corpus.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/build/js
place=$work/test

# The packed package in a project of its own, the tests and the example beside it.
install_package() {
    rm -rf "$place"
    mkdir -p "$place"
    (cd "$root/build/npm" && npm pack --silent --pack-destination "$place" > /dev/null)
    (cd "$place" && echo '{"private":true,"type":"module"}' > package.json &&
        npm install --silent --offline --no-save ./mtasts-*.tgz)
    cp -r "$here/tests" "$here/examples" "$place"
}

# A program of a user of the package, as both ways to resolve modules see it.
check_types() {
    local resolution
    for resolution in node16 bundler; do
        "$work/node_modules/.bin/tsc" -p "$place/tests/types/tsconfig.$resolution.json"
        echo "types: $resolution"
    done
}

"$here/build.sh"
cargo build -q --release --manifest-path "$root/Cargo.toml" -p mtasts-lab
target=${CARGO_TARGET_DIR:-$root/target}
export MTASTS_LAB_BIN=${MTASTS_LAB_BIN:-$target/release/lab} MTASTS_ROOT=$root
install_package
check_types
node --expose-gc --test --test-reporter=spec "$place"/tests/*.test.mjs
"$root/tests/conformance/run" --surface js
