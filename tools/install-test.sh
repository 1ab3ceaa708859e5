#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Installs into an empty folder and builds C programs against it as a packager's user does:
# by pkg-config, with the shared libraries, and statically.
set -eu
cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
umask 077 # which installed files are not to depend on
make -s install DESTDIR="$tmp/root" PREFIX=/usr LIBDIR=/usr/lib/test
find "$tmp/root" ! -type d | sed "s|$tmp/root||" | sort > "$tmp/files"
diff tools/installed-files "$tmp/files"
[ -z "$(find "$tmp/root" -type f ! -perm -444)" ]
if nm -g --defined-only "$tmp/root/usr/lib/test/libmtasts-host.a" 2> /dev/null | grep -q ' T mdb_'; then
    echo "libmtasts-host.a exports LMDB's names" >&2
    exit 1
fi

cat > "$tmp/use.c" <<'C'
#include <mtasts_host.h>
#include <stdio.h>
int main(void) {
    char name[256];
    if (mtasts_version_check(MTASTS_VERSION_MAJOR, MTASTS_VERSION_MINOR, MTASTS_VERSION_PATCH))
        return 1;
    if (mtasts_domain_to_ascii("b\xc3\xbc" "cher.example", name, sizeof name) != MTASTS_OK)
        return 1;
    return puts(name) < 0;
}
C
export PKG_CONFIG_SYSROOT_DIR="$tmp/root" PKG_CONFIG_LIBDIR="$tmp/root/usr/lib/test/pkgconfig"
# shellcheck disable=SC2046 # flags are words
cc -std=c99 "$tmp/use.c" $(pkg-config --cflags --libs libmtasts-host) -o "$tmp/shared"
[ "$(LD_LIBRARY_PATH="$tmp/root/usr/lib/test" "$tmp/shared")" = xn--bcher-kva.example ]
# shellcheck disable=SC2046
cc -std=c99 -static "$tmp/use.c" $(pkg-config --static --cflags --libs libmtasts-host) \
    -o "$tmp/static" 2> "$tmp/warnings" # glibc's, of functions that load libraries
[ "$("$tmp/static")" = xn--bcher-kva.example ]
echo "install: files, shared and static use are good"
