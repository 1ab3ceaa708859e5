#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Fails if a crate does without the lint `unsafe_code`, which is an error in every file that does not
# lift it, or if a file lifts it that may not. That each block says why it is sound is clippy's to check.
set -eu
cd "$(dirname "$0")/../.."

# Where there is another language, an operating system or a map of a file.
may='ffi/src/lib.rs
host/src/capi/mod.rs
host/src/shortage.rs
host/src/sigpipe.rs
host/src/store/files.rs
host/src/store/process.rs
host/src/store/shared.rs
cli/src/serve/listen.rs
wasm/component/src/lib.rs
wasm/envoy/plugin/src/envoy.rs
wasm/envoy/plugin/src/headers.rs
wasm/http/src/slot.rs'
# What is not shipped, and one file with its tests inside.
tests='(^|/)(tests|benches|fuzz)/|^host/loom/|^host/src/blocking\.rs$'

failed=0
wrong() {
    echo "unsafe: $*" >&2
    failed=1
}

lifts=$(git grep -w unsafe_code -- '*.rs' | grep -vF 'forbid(unsafe_code)' | cut -d : -f 1 | sort -u)
for file in $(echo "$lifts" | grep -vE "$tests"); do
    echo "$may" | grep -qxF "$file" || wrong "$file may not lift the lint"
done
for file in $may; do
    echo "$lifts" | grep -qxF "$file" || wrong "$file does not need to be listed"
done

for manifest in $(git grep -l '^\[package\]' -- '*Cargo.toml' ':!*/peers/*' ':!fuzz' ':!host/loom'); do
    grep -A1 '^\[lints\]$' "$manifest" | grep -qxF 'workspace = true' ||
        grep -qxF 'unsafe_code = "forbid"' "$manifest" || wrong "$manifest has not the lint"
done
for workspace in Cargo.toml wasm/Cargo.toml; do
    grep -q '^unsafe_code = "deny"' "$workspace" || wrong "$workspace does not deny it"
    grep -qxF 'undocumented_unsafe_blocks = "deny"' "$workspace" || wrong "$workspace takes no reasons"
done
echo "unsafe: $(echo "$lifts" | wc -l) files with a reason"
exit "$failed"
