#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Compares the C ABI of the headers with that of the last release, in tools/abi/:
#
#     abi.sh [DIR]    fails where a program that was built then would break; what was added is good.
#                     DIR has the headers, include/ otherwise
#     abi.sh renew    at a release: writes what is compared with
#
# Compared are functions, with the types of what they take and give, structs, and the numbers of the
# constants. That the headers are those of the libraries is ffi/tests/tests.sh's to show.
set -eu
cd "$(dirname "$0")/.."
if [ "$(uname -m)" != x86_64 ]; then
    echo "abi: SKIPPED: what is compared with is that of x86_64" >&2
    exit 0
fi
include=${1:-include}
[ "$include" = renew ] && include=include
header=$include/mtasts_host.h # it includes the other
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C

# A library with all functions that the headers declare, and their types, is what abidw reads: debug
# information of Rust would tell of Rust's types.
{
    echo '#include <mtasts_host.h>'
    cpp -P -I "$include" "$header" | tr '\n' ' ' | sed 's/;/;\n/g' |
        sed -n 's/^ *\([a-z][a-z0-9_ *]*mtasts_[a-z0-9_]*(.*)\);$/\1 { __builtin_trap(); }/p' |
        grep -v '^typedef'
} > "$tmp/all.c"
"${CC:-cc}" -g -O0 -w -shared -fPIC -I "$include" "$tmp/all.c" -o "$tmp/all.so"
abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed \
    --out-file "$tmp/functions.abi" "$tmp/all.so"
cpp -dM -I "$include" "$header" | sed -n 's/^#define \(MTASTS_[A-Z0-9_]*\) \([^(]*\)$/\1 \2/p' |
    grep -v '^MTASTS_VERSION_' | sort > "$tmp/numbers"
# A struct that begins with its size in a line: later it may go on, but not begin in another way.
cpp -P -I "$include" "$header" | tr -s '\n ' ' ' |
    grep -o 'typedef struct mtasts_[a-z_]* { size_t size;[^}]*;' | sort > "$tmp/structs"

if [ "${1-}" = renew ]; then
    cp "$tmp/functions.abi" "$tmp/numbers" "$tmp/structs" tools/abi/
    exit 0
fi
failed=0
# Any change counts, but for functions that were added and, by the suppressions, structs with a size.
abidiff --harmless --no-added-syms --suppressions tools/abi/suppressions tools/abi/functions.abi \
    "$tmp/functions.abi" || failed=1
{
    comm -23 tools/abi/numbers "$tmp/numbers"
    awk 'NR == FNR { now = now "\n" $0; next } !index(now, "\n" $0)' "$tmp/structs" tools/abi/structs
} > "$tmp/gone"
sed 's/^/gone or changed: /' "$tmp/gone"
if [ "$failed" = 1 ] || [ -s "$tmp/gone" ]; then
    echo "abi: programs would break: add, deprecate, but never remove or change" >&2
    exit 1
fi
echo "abi: $(grep -c '<elf-symbol ' "$tmp/functions.abi") functions, $(wc -l < "$tmp/numbers") numbers"
