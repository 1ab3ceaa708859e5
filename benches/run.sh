#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Measures, and prints each figure beside its target; also to build/bench.txt.
# Nothing fails for being slow. The parts and the ABI are measured three times
# and the least of the medians counts, since other work on the machine only
# adds. The store is filled in /dev/shm (or FILL), which takes 600 MB there, and
# measured in TMPDIR. Then the policy server, by server.py; it alone, with
# options: run.sh server OPTIONS... What is built for WebAssembly comes last,
# each part by its own bench.sh.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
cargo=${CARGO:-cargo}
lib=build/lib

disk=$(mktemp -d)
fill=$(mktemp -d -p "${FILL:-/dev/shm}" 2>/dev/null || mktemp -d)
trap 'rm -rf "$disk" "$fill"' EXIT
trap 'exit 1' HUP INT TERM
figures=$disk/figures

say() {
    echo "bench: $*" >&2
}

build() {
    "$cargo" bench -q -p mtasts-benches --no-run
    "$cargo" build -q --release -p mtasts-cli
    "${CC:-cc}" -std=c99 -O2 -Wall -Wextra -Wpedantic -Werror -I build/include \
        -o build/bench-abi benches/abi.c -L "$lib" -lmtasts -Wl,-rpath,"$root/$lib"
}

build_server() {
    "$cargo" build -q --release -p mtasts-benches --bins
    "$cargo" build -q --release -p mtasts-lab
    mkdir -p build
    "${CC:-cc}" -std=c99 -O2 -Wall -Wextra -Wpedantic -Werror -o build/bench-echo benches/echo.c
    peer || say "postfix-mta-sts-resolver cannot be installed from PyPI: it is not measured"
}

# postfix-mta-sts-resolver, to be compared with.
peer() {
    [ -e build/peer/bin/python ] && return
    rm -rf build/peer.new
    python3 -m venv --copies build/peer.new &&
        tools/retry.sh build/peer.new/bin/python -m pip -q --disable-pip-version-check install \
            'postfix-mta-sts-resolver[uvloop]==1.5.1' &&
        mv build/peer.new build/peer
}

# criterion's medians, as lines of a name, a value and a unit.
parts() {
    rm -rf build/criterion
    CRITERION_HOME=$root/build/criterion "$cargo" bench -q -p mtasts-benches --bench parts \
        >build/bench-parts.log 2>&1 || { cat build/bench-parts.log >&2 && return 1; }
    for estimates in build/criterion/*/new/estimates.json; do
        name=${estimates#build/criterion/}
        sed 's/.*"median":{"confidence_interval":{[^}]*},"point_estimate":\([^,]*\),.*/\1/' \
            "$estimates" | awk -v name="${name%%/*}" '{ printf "%s\t%s\tns\n", name, $1 }'
    done
}

measure() {
    for round in 1 2 3; do
        say "the parts and the ABI, $round of 3"
        parts
        build/bench-abi
    done
    say "the store"
    mkdir "$disk/store"
    "$cargo" bench -q -p mtasts-benches --bench store -- "$fill" "$disk/store"
    printf 'library\t%s\toctets\n' "$(wc -c <"$lib/libmtasts.so")"
    say "reports"
    python3 -B benches/reports.py "${CARGO_TARGET_DIR:-target}/release/mtasts"
    python3 -B benches/start.py "${CARGO_TARGET_DIR:-target}/release/mtasts"
    say "Python"
    MTASTS_LIBRARY=$root/$lib python3 -B bindings/python/bench.py \
        "${CARGO_TARGET_DIR:-target}/release/lab"
}

# What else the machine does, over a minute; measuring itself makes about 1.
load() {
    cut -d ' ' -f 1 /proc/loadavg
}

machine() {
    date -u '+%Y-%m-%d %H:%M UTC'
    printf '%s, %s cores, load %s before and %s after\n' \
        "$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$before" "$(load)"
    printf '%s; store on %s\n' "$(uname -srm)" "$(stat -f -c %T "$disk")"
    rustc --version
    "${CC:-cc}" --version | head -n 1
}

# A figure's name, what it is, its target.
table() {
    awk -F '|' '
        function text(value, unit) {
            if (unit == "octets") return sprintf("%.1f KB", value / 1000)
            if (unit == "count") return sprintf("%g", value)
            if (unit == "thousandths") return sprintf("%.2f", value / 1000)
            if (value >= 1e9) return sprintf("%.2f s", value / 1e9)
            if (value >= 1e6) return sprintf("%.2f ms", value / 1e6)
            if (value >= 1e3) return sprintf("%.2f us", value / 1e3)
            return sprintf("%.1f ns", value)
        }
        function row(a, b, c, d) { printf "%-58s %12s %12s %6s\n", a, b, c, d }
        FNR == NR {
            split($0, f, "\t")
            # What is counted is no matter of luck: there the most counts.
            if (!(f[1] in unit) || (f[3] == "count" ? f[2] > least[f[1]] : f[2] < least[f[1]]))
                least[f[1]] = f[2] + 0
            unit[f[1]] = f[3]
            next
        }
        FNR == 1 { row("figure", "measured", "target", "met") }
        !($1 in unit) { row($2, "none", "", "NO"); next }
        {
            value = least[$1]
            met = $3 == "" ? "" : value <= $3 + 0 ? "yes" : "NO"
            row($2, text(value, unit[$1]), $3 == "" ? "" : text($3 + 0, unit[$1]), met)
        }
    ' "$figures" - <<'EOF'
record_parse|parse a record|60
policy_parse|parse a six-line policy|250
match_last|match a host against five patterns: the last one|30
match_last_in_capitals|  the last one, in capitals|30
match_wildcard|  a wildcard, the fourth|30
match_none|  none|30
abi_verdict|a verdict from a cached outcome, C ABI|100
abi_verdict_allocations|  heap allocations|0
store_lookup_1000000|a look-up in the store, 1 000 000 domains|3000
library|libmtasts.so, stripped|600000
start|mtasts --version, with its process|5000000
report_show|report show of 1 000 gzipped reports|1000000000
python_match_times|Policy.matches in Python, in empty calls of ctypes|2000
python_cached|DefaultHost.resolve in Python, from the store|25000
python_audit|an audit of 1 000 domains of the lab in Python|5000000000
verdict|a verdict, Rust|
lookup_cached|a look-up of what is at hand, and its verdict, Rust|
reply_accept|accept an HTTPS reply|
stored_parse|read a stored entry|
stored_write|write a stored entry|
abi_match|match a host against five patterns, C ABI|
abi_empty|mtasts_abi_version, for comparison|
abi_lookup|mtasts_resolve from a store, C ABI|
abi_lookup_allocations|  heap allocations|
python_match|Policy.matches in Python|
python_empty|an empty call of ctypes with the same arguments|
EOF
}

curve() {
    awk -F '\t' '
        $1 ~ /^store_/ {
            n = $1
            sub(/.*_/, "", n)
            sub(/_[0-9]*$/, "", $1)
            value[$1, n] = $2 / 1000
        }
        function row(n) {
            printf "%9d %9.2f %8.2f %9.2f %8.2f %9.2f %9.0f %9.0f %9.0f\n", n,
                value["store_lookup", n], value["store_lookup_p99", n], value["store_load", n],
                value["store_load_p99", n], value["store_miss", n], value["store_save", n],
                value["store_first", n], value["store_process", n]
        }
        END {
            print "The store, in microseconds: medians, and 99th percentiles (p99). A look-up is to"
            print "load an entry and to read it; a miss finds none; a save is synced. A process that"
            print "has just begun opens the store and looks up (first); the last is all of its life."
            printf "%9s %9s %8s %9s %8s %9s %9s %9s %9s\n", "domains", "look-up", "p99", "load",
                "p99", "miss", "save", "first", "process"
            for (n = 1000; n <= 1000000; n *= 10) row(n)
        }
    ' "$figures"
}

report() {
    machine
    echo
    table
    echo
    curve
}

if [ "${1:-}" = server ]; then
    shift
    build_server
    python3 -B benches/server.py --fill "$fill" "$@"
    exit
fi
build
build_server
before=$(load)
measure >"$figures"
report | tee build/bench.txt
rm -rf "${fill:?}"/*
say "the policy server"
python3 -B benches/server.py --fill "$fill" >build/bench-server.txt
tee -a build/bench.txt <build/bench-server.txt
say "mtasts check"
"$cargo" build -q --release -p mtasts-cli
python3 -B benches/check.py >build/bench-check.txt
tee -a build/bench.txt <build/bench-check.txt
for part in component envoy js; do
    say "WebAssembly: $part"
    "wasm/$part/bench.sh" >"build/bench-$part.txt"
    tee -a build/bench.txt <"build/bench-$part.txt"
done
