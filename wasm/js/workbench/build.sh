#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Builds build/workbench/mtasts-workbench.html: one file that needs nothing else. It has the npm
# package's code, over an engine that also knows what a domain publishes.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$root/build/workbench
source=$work/source

engine() {
    export CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_DEV_DEBUG=0
    cd "$root/wasm"
    ../tools/wasm-cargo.sh build -q --release --target wasm32-unknown-unknown -p mtasts-js --features publish
    cargo run -q -p mtasts-js-pack -- target/wasm32-unknown-unknown/release/mtasts_js.wasm "$work/glue"
}

# What builds and tests the page, into build/, as the lockfile says.
tools() {
    mkdir -p "$work"
    if ! cmp -s "$here/package-lock.json" "$work/node_modules/.installed"; then
        cp "$here/package.json" "$here/package-lock.json" "$here/../.npmrc" "$work"
        (cd "$work" && "$root/tools/retry.sh" npm ci --silent)
        cp "$here/package-lock.json" "$work/node_modules/.installed"
    fi
}

# The package's code and ours, over the glue; node:dns is of no use here.
package() {
    rm -rf "$source" "$work/mtasts"
    cp -r "$here/../lib" "$source"
    rm -rf "$source/node" "$source"/index*.ts "$source"/*.wasm.ts
    cp "$here"/lib/*.ts "$source"
    {
        cat "$work/glue/engine.d.ts"
        echo 'export function __wbg_set_wasm(exports: WebAssembly.Exports): void;'
    } > "$source/glue.d.ts"
    echo 'export declare const base64: string;' > "$source/base64.d.ts"
    "$work/node_modules/.bin/tsc" -p "$here/tsconfig.json"
    cp "$work/glue/engine_bg.js" "$work/mtasts/glue.js"
    printf 'export const base64 = "%s";\n' "$(base64 -w 0 "$work/glue/engine_bg.wasm")" > "$work/mtasts/base64.js"
}

[ "${1-}" = --only-js ] || engine
tools
package
NODE_PATH=$work/node_modules node "$here/assemble.cjs" "$here/src" "$work"
