#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# No component imports anything but what its world says, WASI least of all: imports.sh PACK FOLDER
set -eu
pack=$1
folder=$2
engine=mtasts:engine

of_world() {
    case $1 in
        resolving*)
            cat << EOT
$engine/types@0.1.0
$engine/host@0.1.0
$engine/host@0.1.0 now
$engine/host@0.1.0 query-txt
$engine/host@0.1.0 fetch
$engine/host@0.1.0 load
$engine/host@0.1.0 save
EOT
            ;;
    esac
}

failed=0
for world in pure pure-chains pure-reports resolving resolving-chains; do
    wanted=$(of_world "$world")
    found=$("$pack" imports "$folder/mtasts-$world.wasm")
    if [ "$found" = "$wanted" ]; then
        echo "imports: $world as it should be"
    else
        printf 'imports: %s imports\n%s\nand should import\n%s\n' "$world" "$found" "$wanted" >&2
        failed=1
    fi
done
exit "$failed"
