#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Shows that the checks of this folder fail: each is given a copy of the tree with a fault in it.
# With "all" also those that compile, for some minutes.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z | xargs -0 cp --parents -t "$copy"
cd "$copy"
git init -q
save() { git add -A && git -c user.name=test -c user.email=test@example.com commit -qm test; }
save

shown=0
fails() { # FAULT COMMAND...: in the copy, which is whole again afterwards
    fault=$1
    shift
    git diff --quiet HEAD && { echo "$fault: nothing was changed" >&2 && exit 1; }
    git add -A
    if said=$("$@" 2>&1); then
        echo "$fault: $1 does not see it: $said" >&2
        exit 1
    fi
    case $said in
        *"$sees"*) ;;
        *) echo "$fault: $1 fails, but not for that: $said" >&2 && exit 1 ;;
    esac
    git reset -q --hard
    shown=$((shown + 1))
}

sees="duplicate entries for crate 'hashbrown'"
sed -i '/"hashbrown@0.16"/d' deny.toml
fails "a crate twice" tools/supply/crates.py

sees='license requirements: ring'
sed -i 's/"ISC", //' deny.toml
fails "a licence that is not taken" tools/supply/crates.py

sees='nothing needs serde@0.9'
sed -i 's/^skip = \[/&{ crate = "serde@0.9", reason = "none" },/' deny.toml
fails "an exception without need" tools/supply/crates.py

sees='axe-core: GPL-3.0-only'
sed -i 's/"license": "MPL-2.0"/"license": "GPL-3.0-only"/' wasm/js/workbench/package-lock.json
fails "a licence that is not taken" tools/licences.py

sees='core/src/lib.rs may not'
sed -i 's/^#!\[forbid(unsafe_code)\]/#![allow(unsafe_code)]/' core/src/lib.rs
fails "unsafe code in the engine" tools/supply/unsafe.sh

sees='web/Cargo.toml has not the lint'
sed -i '/^\[lints\]/d' web/Cargo.toml
fails "a crate without lints" tools/supply/unsafe.sh

sees='mtasts-host says Rust 1.85, but'
sed -i 's/^rust-version = .*/rust-version = "1.85"/' Cargo.toml
fails "a Rust that is too old" tools/supply/rust_versions.py

if [ "${1-}" = all ]; then
    export CARGO_TARGET_DIR="$root/target" # which has the dependencies already
    sees='only together'
    echo '#[cfg(all(feature = "engine", not(feature = "report")))] compile_error!("only together");' \
        >> core/src/lib.rs
    fails "features that need each other" tools/supply/features.sh

    sees='no variant'
    sed -i 's/^rustls-webpki = { version = "[0-9.]*"/rustls-webpki = { version = "0.103.3"/' Cargo.toml
    fails "a version that is too old" tools/supply/minimal.sh

    # What the declared version, 0.1.0, does not allow.
    sees='inherent_method_missing'
    sed -i 's/pub fn expires_at/pub(crate) fn expires_at/' core/src/stored.rs
    fails "a function taken away" tools/supply/api.sh "$root"
fi
echo "supply: $shown faults are seen"
