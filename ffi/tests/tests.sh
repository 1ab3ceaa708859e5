#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# The C face of the libraries in BUILD, tried from outside: headers, symbols, sizes, C programs.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
CC=${CC:-cc}
CXX=${CXX:-c++}
strict='-Wall -Wextra -Wpedantic -Werror'

echo "headers are as cbindgen makes them"
tools/headers.sh "$tmp/include"
diff -r include "$tmp/include" || { echo "stale: run 'make headers'" >&2; exit 1; }

echo "headers stand alone, twice, from C89 to C23 and C++98 to C++20"
for header in mtasts.h mtasts_host.h; do
    printf '#include "%s"\n#include "%s"\nint main(void) { return 0; }\n' $header $header > "$tmp/h.c"
    for std in c89 c99 c11 c17 c2x; do
        # shellcheck disable=SC2086
        $CC -std=$std $strict -Iinclude -fsyntax-only "$tmp/h.c"
    done
    for std in c++98 c++11 c++17 c++20; do
        # shellcheck disable=SC2086
        $CXX -std=$std $strict -Iinclude -fsyntax-only -x c++ "$tmp/h.c"
    done
done

symbols() { # LIBRARY NODE: its exports must be those of the symbols file, all of that version
    name=$(basename "$1" .so)
    nm -D --defined-only "$1" | awk -v node="$2" '$3 != node { sub("@@" node "$", "", $3); print $3 }' | sort > "$tmp/$name"
    if ! diff "$3" "$tmp/$name"; then
        echo "$1 exports other symbols than $3 says (only ever add)" >&2
        exit 1
    fi
}
echo "nothing but the ABI is exported, with its version"
symbols "$build/lib/libmtasts.so" MTASTS_0 ffi/libmtasts.symbols
symbols "$build/lib/libmtasts-host.so" MTASTS_HOST_0 host/libmtasts-host.symbols
for lib in libmtasts libmtasts-host; do
    readelf -d "$build/lib/$lib.so" | grep -q "SONAME.*\[$lib.so.0\]"
done
readelf -d "$build/lib/libmtasts-host.so" | grep -q 'NEEDED.*\[libmtasts.so.0\]'

size=$(wc -c < "$build/lib/libmtasts.so.0")
echo "libmtasts.so.0, stripped: $size octets (640 KB at most)"
[ "$size" -le 640000 ]

echo "the C ABI, shared and static, under valgrind"
flags="-std=c99 $strict -g -O1 -I$build/include"
# shellcheck disable=SC2086
{
    $CC $flags ffi/tests/c/abi.c -L"$build/lib" -lmtasts -Wl,-rpath,"$PWD/$build/lib" -o "$tmp/shared"
    $CC $flags ffi/tests/c/abi.c "$build/lib/libmtasts.a" -lgcc_s -lutil -lrt -lpthread -lm -ldl -o "$tmp/static"
    $CC $flags ffi/tests/c/report.c -L"$build/lib" -lmtasts -Wl,-rpath,"$PWD/$build/lib" -o "$tmp/report"
    $CC $flags ffi/tests/c/allocations.c "$build/lib/libmtasts.a" -lgcc_s -lutil -lrt -lpthread -lm -ldl -o "$tmp/allocations"
}
for program in shared static report; do
    valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all "$tmp/$program"
done
"$tmp/allocations"
