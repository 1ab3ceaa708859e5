#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# The component's size, and what a verdict costs in it (in Node, by jco), each beside its target.
set -eu
cd "$(dirname "$0")/../.."
wasm/component/build.sh pure pure-chains resolving resolving-chains bench
wasm/component/node.sh bench

row() { printf '%-58s %12s %12s %6s\n' "$@"; }

size() { # WORLD TARGET
    octets=$(wc -c < "build/wasm/mtasts-$1.wasm")
    met=NO
    [ "$octets" -le "$2" ] && met=yes
    row "component, world $1" "$(echo "$octets" | awk '{ printf "%.1f KB", $1 / 1000 }')" \
        "$(($2 / 1000)).0 KB" "$met"
}

echo "The component"
row figure measured target met
size pure 250000
size resolving 250000
size pure-chains 450000
size resolving-chains 450000
node wasm/component/bench.mjs build/wasm-node/bench/mtasts.js | awk -F '\t' '
    { ns[$1] = $2 }
    END {
        ratio = ns["component_verdict"] / ns["component_empty"]
        form = "%-58s %12s %12s %6s\n"
        printf form, "a verdict from a cached outcome, component in Node",
            sprintf("%.1f ns", ns["component_verdict"]), "", ""
        printf form, "an empty call with the same arguments",
            sprintf("%.1f ns", ns["component_empty"]), "", ""
        printf form, "  the one by the other", sprintf("%.2f", ratio), "1.50",
            ratio <= 1.5 ? "yes" : "NO"
    }'
