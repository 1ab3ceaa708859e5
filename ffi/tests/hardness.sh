#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# An attack on the C side: analysis of all C there is, C programs with sanitizers, every function
# misused, threads, forks in every state, memory that runs out. Needs what `make sender` makes.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build}
target=${CARGO_TARGET_DIR:-target}/release
tmp=$(mktemp -d)
lab=
# shellcheck disable=SC2317 # on EXIT
clean() {
    [ -z "$lab" ] || kill "$lab" 2> /dev/null || :
    rm -rf "$tmp"
}
trap clean EXIT
CC=${CC:-cc}
flags="-std=c99 -Wall -Wextra -Wpedantic -Werror -g -O1 -I$build/include"
sanitize="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
system='-lgcc_s -lutil -lrt -lpthread -lm -ldl'
host="-L$build/lib -lmtasts-host -lmtasts -Wl,-rpath,$PWD/$build/lib"
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1

echo "all C through gcc -fanalyzer; bindings/postfix, for which Postfix's source is needed, in tests/hosts"
headers=/usr/include/exim4
if [ ! -f $headers/local_scan.h ]; then
    headers=$PWD/$build/exim/exim4-dev/usr/include/exim4
    mkdir -p "$build/exim"
    tools/retry.sh make -s -C bindings/exim OUT="$PWD/$build/exim" "$headers/local_scan.h"
fi
# Each by itself; libtlsrpt.c is not ours. What the analyzer knows, it knows at -O2.
# shellcheck disable=SC2016 # for the shell that xargs starts
git ls-files "*.c" | grep -v -e '^bindings/postfix/' -e libtlsrpt.c | xargs -P 2 -n 4 sh -c '
    headers=$1 && shift
    for file; do
        gcc -std=c99 -fPIC -O2 -Wall -Wextra -Werror -fanalyzer -Iinclude -isystem "$headers" \
            -c "$file" -o /dev/null || exit 255
    done' sh "$headers"

echo "the C ABI with sanitizers"
for program in abi report every_function forks; do
    # shellcheck disable=SC2086
    $CC $flags $sanitize "ffi/tests/c/$program.c" "$build/lib/libmtasts.a" $system -o "$tmp/$program"
done
"$tmp/abi"
"$tmp/report"
covers() { # SYMBOLS PROGRAM...: the program calls every function, and comes to no harm
    symbols=$1 && shift
    "$@" > "$tmp/called"
    sort -u "$tmp/called" | diff "$symbols" -
}
covers ffi/libmtasts.symbols "$tmp/every_function"
"$tmp/forks"

echo "the library's own memory, at its end"
# shellcheck disable=SC2086
$CC $flags ffi/tests/c/out_of_memory.c "$build/lib/libmtasts.a" $system -o "$tmp/out_of_memory"
"$tmp/out_of_memory"

echo "threads, under helgrind"
# shellcheck disable=SC2086
$CC $flags ffi/tests/c/threads.c "$build/lib/libmtasts.a" $system -o "$tmp/threads"
helgrind() {
    valgrind -q --tool=helgrind --error-exitcode=9 --suppressions=ffi/tests/c/helgrind.supp "$@"
}
helgrind "$tmp/threads"
if helgrind "$tmp/threads" wrong 2> /dev/null; then
    echo "helgrind does not see a race" >&2
    exit 1
fi

echo "the default host: every function, and a fork in every state, with sanitizers"
mkfifo "$tmp/life"
"$target/lab" run host/tests/c/scene.toml "$tmp/lab" --until-eof < "$tmp/life" > "$tmp/out" &
lab=$!
exec 9> "$tmp/life"
until grep -q ready "$tmp/out"; do kill -0 $lab; done
# shellcheck disable=SC1091 # the lab writes it
. "$tmp/lab/lab.env"
for program in every_function forks; do
    # shellcheck disable=SC2086
    $CC $flags $sanitize "host/tests/c/$program.c" $host -lpthread -o "$tmp/host_$program"
done
mkdir "$tmp/store"
set -- "$MTASTS_LAB_DNS" "$MTASTS_LAB_CA" "$MTASTS_LAB_HTTPS_PORT" "$tmp/store"
covers host/libmtasts-host.symbols "$tmp/host_every_function" "$@"
"$tmp/host_forks" "$@"
exec 9>&-
wait $lab || :
lab=

echo "the sender of examples/c with sanitizers, through the demo"
PKG_CONFIG_PATH=$PWD/$build/lib/pkgconfig make -s -C examples/c SENDER="$tmp/sender" \
    CFLAGS="-g -O1 -Wall -Wextra -Wpedantic -Werror $sanitize"
python3 examples/demo.py "$target/lab" "$tmp/sender" > "$tmp/demo" || { cat "$tmp/demo" && exit 1; }
tail -n 1 "$tmp/demo"
