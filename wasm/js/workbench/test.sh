#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Builds the workbench and tests it: in headless Chromium, with axe, by keyboard; and what it writes
# in nginx, Caddy, Apache and Envoy.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$root/build/workbench
export WEB_SERVERS=${XDG_CACHE_HOME:-$HOME/.cache}/libmtasts/web-servers
export ENVOY=$work/envoy/bin/envoy

"$root/tools/setup.sh"
(
    cd "$root/wasm"
    cargo fmt --check -p mtasts-js
    CARGO_PROFILE_DEV_DEBUG=0 cargo clippy -q -p mtasts-js --features publish --all-targets -- -D warnings
)
"$here/build.sh"
"$here/tests/get-servers.sh" "$WEB_SERVERS" "$work/envoy"
node --test --test-reporter=spec --test-concurrency=2 "$here/tests"
node "$here/tests/screenshots.mjs" "$work/screenshots"
echo "workbench: pictures to look at in $work/screenshots"
