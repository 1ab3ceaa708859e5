#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Renames the functions of LMDB in a static library, so that they do not clash with those of a
# program that uses LMDB itself, as mail servers do. And takes out the compiler's own representation of
# the standard library, megabytes that no linker reads.
set -eu
library=${1:?usage: rename-lmdb.sh LIBRARY}
names=$(mktemp)
trap 'rm -f "$names"' EXIT
"${NM:-nm}" -g --defined-only "$library" 2> /dev/null |
    awk '$3 ~ /^mdb_/ { print $3, "mtasts_host_" $3 }' | sort -u > "$names"
"${OBJCOPY:-objcopy}" --redefine-syms="$names" --remove-section .llvmbc --remove-section .llvmcmd "$library"
