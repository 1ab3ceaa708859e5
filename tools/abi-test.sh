#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Shows that tools/abi.sh takes what may be added and nothing else, and that it sees every function.
set -eu
cd "$(dirname "$0")/.."
tools/abi.sh
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

change() { # WHAT SED: what abi.sh says of headers so changed is in $tmp/said
    rm -rf "$tmp/include"
    cp -r include "$tmp/include"
    sed -i "$2" "$tmp"/include/*.h
    if diff -qr include "$tmp/include" > /dev/null; then
        echo "$1: nothing was changed" >&2
        exit 1
    fi
    tools/abi.sh "$tmp/include" > "$tmp/said" 2>&1
}
refused() { # WHAT SED
    if change "$1" "$2" || ! grep -q 'would break' "$tmp/said"; then
        echo "$1: not seen" >&2
        exit 1
    fi
}
taken() { # WHAT SED
    change "$1" "$2" || { echo "$1: refused" >&2 && cat "$tmp/said" >&2 && exit 1; }
}

refused 'a function that is gone' 's/^void mtasts_report_free(.*;$//'
refused 'a parameter of another type' '/mtasts_policy_mx_count(/s/const struct mtasts_policy/const struct mtasts_outcome/'
refused 'another result' 's/^int32_t mtasts_policy_matches(/int64_t mtasts_policy_matches(/'
refused 'a member of another type' '/^typedef struct mtasts_verdict {/,/^}/s/int32_t result;/int64_t result;/'
refused 'a member between others' '/^typedef struct mtasts_verdict {/,/^}/s/int32_t result;/int32_t new_one; &/'
refused 'a number that has changed' 's/^#define MTASTS_E_DOMAIN 5/#define MTASTS_E_DOMAIN 6/'
refused 'a number that is gone' '/^#define MTASTS_E_DOMAIN 5/d'
taken 'a new function' 's/^void mtasts_report_free(/int32_t mtasts_new_one(size_t number);\n&/'
taken 'a member at the end' 's/^} mtasts_verdict;/size_t new_one; &/'
taken 'a new number' 's/^#define MTASTS_E_DOMAIN 5/#define MTASTS_E_NEW 99\n&/'

listed=$(cat ffi/libmtasts.symbols host/libmtasts-host.symbols | wc -l)
seen=$(tools/abi.sh | sed -n 's/^abi: \([0-9]*\) functions.*/\1/p')
[ "$seen" = "$listed" ] || { echo "abi.sh sees $seen of $listed functions" >&2 && exit 1; }
echo "abi: what breaks programs is refused, what adds is not"
