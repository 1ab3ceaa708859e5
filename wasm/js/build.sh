#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Builds the npm package into build/npm: the engine for WebAssembly, the glue between it and
# JavaScript, and lib/*.ts over both. `build.sh --only-js`: the engine is as it was.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/build/js
package=$root/build/npm
source=$work/source

# The engine, and the glue. The section that says what its WebAssembly needs must stay.
engine() {
    export CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_DEV_DEBUG=0
    cd "$here/.."
    ../tools/wasm-cargo.sh build -q --release --target wasm32-unknown-unknown -p mtasts-js
    cargo run -q -p mtasts-js-pack -- target/wasm32-unknown-unknown/release/mtasts_js.wasm "$work/glue"
}

# The compiler of TypeScript, into build/, as the lockfile says.
tools() {
    node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || {
        echo "wasm/js needs Node 20 or later, with npm" >&2
        exit 1
    }
    mkdir -p "$work"
    if ! cmp -s "$here/package-lock.json" "$work/node_modules/.installed"; then
        cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$work"
        (cd "$work" && "$root/tools/retry.sh" npm ci --silent)
        cp "$here/package-lock.json" "$work/node_modules/.installed"
    fi
}

# What tsc is to read: lib/*.ts beside what was generated.
gather() {
    rm -rf "$source" "$package"
    mkdir -p "$package/dist"
    cp -r "$here/lib" "$source"
    {
        cat "$work/glue/engine.d.ts"
        echo 'export function __wbg_set_wasm(exports: WebAssembly.Exports): void;'
    } > "$source/glue.d.ts"
    echo 'export declare const base64: string;' > "$source/base64.d.ts"
}

compile() {
    "$work/node_modules/.bin/tsc" -p "$here/tsconfig.json"
    rm "$package"/dist/{engine,share}.d.ts "$package"/dist/host.js # types of what is no part of the API
    cp "$work/glue/engine_bg.js" "$package/dist/glue.js"
    cp "$work/glue/engine_bg.wasm" "$package/dist/engine.wasm"
    printf 'export const base64 = "%s";\n' "$(base64 -w 0 "$package/dist/engine.wasm")" > "$package/dist/base64.js"
}

# The manifest without what only the build needs.
manifest() {
    node -e '
        const manifest = require(process.argv[1]);
        delete manifest.devDependencies;
        console.log(JSON.stringify(manifest, null, 2));
    ' "$here/package.json" > "$package/package.json"
    cp -r "$here/examples" "$package"
    cp "$here/README.md" "$root/LICENSE-MIT" "$root/LICENSE-APACHE" "$package"
}

[ "${1-}" = --only-js ] || engine
tools
gather
compile
manifest
