#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Compares the engine's Rust API with that of the last release, or of the tree DIR: what would break a
# caller fails, unless the version says so. api.sh [DIR]
set -eu
cd "$(dirname "$0")/../.."
version=0.51.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libmtasts/cargo-semver-checks-$version
check=$cache/bin/cargo-semver-checks
if [ ! -x "$check" ]; then
    echo "building cargo-semver-checks $version, once; some ten minutes" >&2
    # It runs for a second: built quickly is better than fast.
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        tools/retry.sh cargo install -q --locked cargo-semver-checks --version "$version" \
        --root "$cache"
fi
base=${1-}
if [ -z "$base" ]; then
    tag=$(git describe --tags --abbrev=0 --match 'v[0-9]*' HEAD 2> /dev/null || true)
    if [ -z "$tag" ]; then
        echo "api: SKIPPED: this clone has no release (a tag v...) to compare with"
        exit 0
    fi
    base=$(mktemp -d)
    trap 'rm -rf "$base"' EXIT
    git archive "$tag" | tar -x -C "$base"
fi
"$check" semver-checks -p mtasts --all-features --baseline-root "$base"
echo "api: nothing breaks a caller of ${tag:-$base}"
