#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Builds and tests the component: what it imports and how it is configured; then Node.js serves it
# beside `mtasts serve`, and both are asked the same against the lab.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
host=$root/build/wasm-http/node

"$here/build.sh"
(cd "$root/wasm" && cargo fmt -p mtasts-http --check &&
    cargo clippy -q --locked -p mtasts-http --all-targets -- -D warnings &&
    cargo clippy -q --locked -p mtasts-http --features lint -- -D warnings &&
    cargo test -q --locked -p mtasts-http)
make -s -C "$root" tools

mkdir -p "$host"
cp "$here"/hosts/node/{.npmrc,package.json,package-lock.json,serve.mjs} "$host"
(cd "$host" && "$root/tools/retry.sh" npm ci --silent --ignore-scripts)

export PYTHONPATH=$root/wasm/component/tests PYTHONDONTWRITEBYTECODE=1
for tests in component serves_policies answers_queries; do
    python3 "$here/tests/$tests.py" -v
done
