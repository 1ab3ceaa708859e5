#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Runs cargo with a compiler that has the standard library of wasm32-unknown-unknown:
#
#     tools/wasm-cargo.sh build --release --target wasm32-unknown-unknown ...
#
# The installed toolchain serves where it has that (`rustup target add wasm32-unknown-unknown`).
# Else a private one is made, once, from Debian's rustc-web below $WASM_TOOLCHAIN_DIR (139 MB to
# download, a minute or two); nothing else is changed.
set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
target=wasm32-unknown-unknown
dir=${WASM_TOOLCHAIN_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/mtasts-wasm-toolchain}
arch=$(uname -m)-unknown-linux-gnu
usr=$dir/usr

# Whether this compiler has the target's standard library.
has_target() {
    local lib
    lib=$("$1" --print target-libdir --target "$target" 2> /dev/null) && [ -d "$lib" ]
}

# The first name of this form in what Debian says of a package.
first() {
    apt-cache show --no-all-versions "$1" | grep -o "$2" | head -n 1
}

fetch() (
    cd "$dir/deb"
    std=$(first libstd-rust-web-dev 'libstd-rust-web-[0-9.]*[0-9]') || exit
    llvm=$(first "$std" 'libllvm[0-9]*') || exit
    "$tools/retry.sh" apt-get download -qq rustc-web rust-web-src libstd-rust-web-dev "$std" \
        "$llvm" "lld-${llvm#libllvm}"
)

unpack() {
    local deb
    for deb in "$dir"/deb/*.deb; do
        dpkg --fsys-tarfile "$deb" | tar -xC "$dir" --no-wildcards-match-slash \
            --exclude='./usr/share' --exclude='./usr/src/*/[!l]*'
    done
    # The compiler looks for a linker of this name.
    mkdir -p "$usr/lib/rustlib/$arch/bin"
    ln -s "$(echo "$usr"/lib/llvm-*/bin/lld)" "$usr/lib/rustlib/$arch/bin/rust-lld"
    # shellcheck disable=SC2016 # the script expands it
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec %s "$@"\n' \
        "$usr/lib/$(uname -m)-linux-gnu" "$usr/bin/rustc" > "$dir/bin/rustc"
    chmod +x "$dir/bin/rustc"
}

# Builds the standard library with an empty crate, and keeps it.
build_std() {
    local lib=$usr/lib/rustlib/$target/lib
    (
        cd "$dir/seed"
        flags="-Cembed-bitcode=yes --remap-path-prefix=$usr/lib/rustlib/src/rust=/rustc"
        flags="$flags --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
        env RUSTC="$dir/bin/rustc" RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$dir/seed/target" \
            CARGO_PROFILE_RELEASE_DEBUG=0 RUSTFLAGS="$flags" \
            cargo build -q --release --target "$target" -Zbuild-std=std,panic_abort,test
    )
    mkdir -p "$lib.new"
    cp "$dir/seed/target/$target/release/deps/"*.rlib "$lib.new/"
    rm "$lib.new"/libseed*
    mv "$lib.new" "$lib"
}

make_toolchain() {
    command -v apt-get > /dev/null || {
        echo "no standard library for $target; run: rustup target add $target" >&2
        exit 1
    }
    rm -rf "$dir"
    mkdir -p "$dir/deb" "$dir/bin" "$dir/seed/src"
    fetch 2> /dev/null || {
        "$tools/retry.sh" apt-get update -qq # no package list yet, or an old one
        fetch
    }
    unpack
    printf '[package]\nname = "seed"\nedition = "2021"\n[workspace]\n' > "$dir/seed/Cargo.toml"
    : > "$dir/seed/src/lib.rs"
    build_std
    rm -rf "$dir/deb" "$dir/seed" "$usr/src"
}

if ! has_target rustc; then
    mkdir -p "$(dirname "$dir")"
    exec 9> "$dir.lock"
    flock 9
    has_target "$dir/bin/rustc" || make_toolchain
    exec 9>&-
    export RUSTC=$dir/bin/rustc
fi
exec cargo "$@"
