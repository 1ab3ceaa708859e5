#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Installs into an empty folder and builds C and C++ programs against it as a packager's user does:
# by pkg-config, with the shared libraries, and statically. Then the same in a bare root, where the
# folder lies over /usr and the source is out of sight; and takes it away again.
set -eu
cd "$(dirname "$0")/.."
source=$PWD
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
umask 077 # which installed files are not to depend on
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
into="DESTDIR=$tmp/root PREFIX=/usr"

# shellcheck disable=SC2086 # words
make -s install $into LIBDIR=/usr/lib/test
find "$tmp/root" ! -type d | sed "s|$tmp/root||" | sort > "$tmp/files"
sed -e 's|@PREFIX@|/usr|' -e 's|@LIBDIR@|/usr/lib/test|' -e "s|@REAL@|$version|" tools/installed-files |
    sort | diff - "$tmp/files"
[ -z "$(find "$tmp/root" -type f ! -perm -444)" ]
[ -z "$(find "$tmp/root" -xtype l)" ]
for lib in libmtasts libmtasts-host; do
    soname=$(readelf -d "$tmp/root/usr/lib/test/$lib.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
    [ "$(readlink "$tmp/root/usr/lib/test/$lib.so")" = "$soname" ]
    [ "$(readlink "$tmp/root/usr/lib/test/$soname")" = "$lib.so.$version" ]
done
if nm -g --defined-only "$tmp/root/usr/lib/test/libmtasts-host.a" 2> /dev/null | grep -q ' T mdb_'; then
    echo "libmtasts-host.a exports LMDB's names" >&2
    exit 1
fi

# What the compiler says that its static libraries need; the first and the last are the linker's own.
echo | rustc --crate-name empty --crate-type staticlib --print native-static-libs - -o "$tmp/empty.a" \
    2>&1 | sed -n 's/.*native-static-libs: -lgcc_s \(.*\) -lc$/Libs.private: \1/p' > "$tmp/private"
[ -s "$tmp/private" ]
for pc in "$tmp"/root/usr/lib/test/pkgconfig/*.pc; do
    grep '^Libs.private:' "$pc" | diff "$tmp/private" -
done

mkdir "$tmp/use"
cat > "$tmp/use/engine.c" <<'C'
#include <mtasts.h>
#include <stdio.h>
int main(void) {
    if (mtasts_version_check(MTASTS_VERSION_MAJOR, MTASTS_VERSION_MINOR, MTASTS_VERSION_PATCH))
        return 1;
    return printf("%d.%d.%d\n", MTASTS_VERSION_MAJOR, MTASTS_VERSION_MINOR, MTASTS_VERSION_PATCH) < 0;
}
C
cat > "$tmp/use/host.c" <<'C'
#include <mtasts_host.h>
#include <stdio.h>
int main(void) {
    char name[256];
    if (mtasts_domain_to_ascii("b\xc3\xbc" "cher.example", name, sizeof name) != MTASTS_OK)
        return 1;
    return puts(name) < 0;
}
C
cat > "$tmp/use/both.sh" <<'SH'
#!/bin/sh
# both.sh VERSION: in C and in C++, shared and static, what pkg-config says is enough.
set -eu
cd "$(dirname "$0")"
program() { # LIBRARY SOURCE EXPECTED
    [ "$(pkg-config --modversion "$1")" = "$VERSION" ]
    for compiler in "cc -std=c99" "c++ -std=c++11 -x c++"; do
        out=$(mktemp ./program.XXXXXX)
        $compiler -Wall -Wextra -Werror "$2" -x none $(pkg-config --cflags --libs "$1") -o "$out"
        [ "$("$out")" = "$3" ]
        readelf -d "$out" | grep -q 'NEEDED.*libmtasts'
        # What is said there is glibc's, of functions that load libraries.
        $compiler -static "$2" -x none $(pkg-config --static --cflags --libs "$1") -o "$out" 2> warnings ||
            { cat warnings >&2 && exit 1; }
        [ "$("$out")" = "$3" ]
    done
}
VERSION=$1
program libmtasts engine.c "$VERSION"
program libmtasts-host host.c xn--bcher-kva.example
SH
chmod -R go=u "$tmp/use"
chmod +x "$tmp/use/both.sh"

(
    export PKG_CONFIG_SYSROOT_DIR="$tmp/root" PKG_CONFIG_LIBDIR="$tmp/root/usr/lib/test/pkgconfig"
    export LD_LIBRARY_PATH="$tmp/root/usr/lib/test"
    "$tmp/use/both.sh" "$version"
)
# shellcheck disable=SC2086
make -s uninstall $into LIBDIR=/usr/lib/test
[ -z "$(find "$tmp/root" ! -type d)" ] && [ ! -e "$tmp/root/usr/share/mtasts" ]

# Debian's folder for libraries, if it is one; nothing of the environment, nothing of the source.
cat > "$tmp/bare.sh" <<'SH'
#!/bin/sh
set -eu
chmod 755 "$1/root" "$1/root/usr"
mount -t overlay overlay -o "lowerdir=$1/root/usr:/usr" /usr
mkdir "$1/over"
mount -t tmpfs tmpfs "$1/over"
mkdir "$1/over/etc" "$1/over/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/over/etc,workdir=$1/over/work" /etc
mount -t tmpfs tmpfs "$2"
cd /
/sbin/ldconfig
"$1/use/both.sh" "$3"
mtasts --version | grep -qF "$3"
if command -v systemd-analyze > /dev/null; then
    systemd-analyze verify --man=no /usr/lib/systemd/system/mtasts.service \
        /usr/lib/systemd/system/mtasts.socket 2>&1 | grep mtasts && exit 1
    # 0 is shut, 100 open.
    systemd-analyze security --offline=yes --threshold=20 --no-pager \
        /usr/lib/systemd/system/mtasts.service > "$1/security" || { cat "$1/security" >&2 && exit 1; }
    tail -n 1 "$1/security"
fi
SH
# shellcheck disable=SC2086
make -s install $into
if unshare -m true 2> /dev/null; then
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin unshare -m sh "$tmp/bare.sh" "$tmp" "$source" "$version"
else
    echo "install: the bare root SKIPPED: it may not be made here" >&2
fi
echo "install: files, shared and static use in C and C++ are good, and nothing stays"
