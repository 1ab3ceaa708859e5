#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the engine and the C ABI with Rust 1.85, Debian 13's and the oldest that they support: that of
# rustup if it is there, else Debian 12's rustc-web, unpacked into the cache, the machine left as it is.
# Of the other crates it reads what their dependencies say.
set -eu
cd "$(dirname "$0")/.."
msrv=1.85
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libmtasts/rustc-web-$msrv
rustc=$(rustup which --toolchain $msrv rustc 2> /dev/null || true)
if [ -z "$rustc" ]; then
    rustc=$cache/rustc
    if [ ! -x "$rustc" ]; then
        rm -rf "$cache" && mkdir -p "$cache/deb"
        std=libstd-rust-web-$msrv
        (
            cd "$cache/deb"
            apt-cache show rustc-web > /dev/null 2>&1 || "$OLDPWD/tools/retry.sh" apt-get -qq update
            llvm=$(apt-cache depends "$std" | sed -n 's/.*Depends: \(libllvm.*\)/\1/p' | head -n 1)
            "$OLDPWD/tools/retry.sh" apt-get -qq download \
                "rustc-web=$msrv.*" "libstd-rust-web-dev=$msrv.*" "$std" "$llvm" 2> /dev/null
            for deb in *.deb; do dpkg-deb -x "$deb" ..; done
        )
        rm -rf "$cache/deb"
        printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' \
            "$cache/usr/lib/x86_64-linux-gnu" "$cache/usr/bin/rustc" > "$rustc"
        chmod +x "$rustc"
    fi
fi
RUSTC=$rustc CARGO_TARGET_DIR=target/msrv cargo check -q --locked -p mtasts -p mtasts-ffi \
    --features mtasts/chain,mtasts/engine,mtasts/report
echo "msrv: builds with $("$rustc" --version)"
tools/supply/rust_versions.py
