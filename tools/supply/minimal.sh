#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Checks that the oldest versions that our Cargo.toml files allow are enough, in a copy of the tree.
set -eu
cd "$(dirname "$0")/../.."
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/minimal
export CARGO_TARGET_DIR
copy=$CARGO_TARGET_DIR/tree
rm -rf "$copy"
mkdir -p "$copy"
git ls-files -z | xargs -0 cp --parents -t "$copy"
cd "$copy"
# Unstable, which the environment variable lets a stable cargo do; what is built is not.
RUSTC_BOOTSTRAP=1 tools/retry.sh cargo update -q -Z direct-minimal-versions
cargo check -q --locked --workspace --lib --bins --all-features
echo "minimal versions: all crates compile with the oldest that they allow"
