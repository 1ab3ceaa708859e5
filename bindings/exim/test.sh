#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# The module without Exim, under valgrind: every function and every failure. What Exim makes of it
# with its configuration tests/hosts shows.
set -eu
cd "$(dirname "$0")/../.."
make -s lib build/exim/mtasts_exim.so
make -s tools
target=${CARGO_TARGET_DIR:-target}/release
headers=build/exim/exim4-dev/usr/include/exim4
[ -d "$headers" ] || headers=/usr/include/exim4
module=$PWD/build/exim/mtasts_exim.so
tmp=$(mktemp -d)
collector=
trap 'rm -rf "$tmp"; [ -z "$collector" ] || kill $collector' EXIT
${CC:-cc} -std=c99 -Wall -Wextra -Wpedantic -Werror -g -rdynamic -isystem "$headers" \
    bindings/exim/tests/call.c -ldl -o "$tmp/call"

# As many MX hosts as fit into a DNS message of the lab, the last of which is listed.
{
    cat bindings/exim/tests/scene.toml
    echo '[[domain]]'
    echo 'name = "thousands.example"'
    echo 'policy_mx = ["listed.example"]'
    printf 'mx = ['
    seq -f '"m%g.t.example:1",' 1300 | tr -d '\n'
    echo '"listed.example:2"]'
} > "$tmp/scene.toml"
mkfifo "$tmp/life"
"$target/lab" run "$tmp/scene.toml" "$tmp/lab" --until-eof < "$tmp/life" > "$tmp/out" &
lab=$!
exec 9> "$tmp/life"
until grep -q ready "$tmp/out"; do kill -0 $lab; done
# shellcheck disable=SC1091 # the lab writes it
. "$tmp/lab/lab.env"
mkdir "$tmp/store" "$tmp/policies"
network="nameserver=$MTASTS_LAB_DNS https_port=$MTASTS_LAB_HTTPS_PORT ca_file=$MTASTS_LAB_CA"
network="$network allow_non_global=yes"
options="store=$tmp/store $network"

# The host stays open to the end of the process: that is no leak.
call() { # FUNCTION ARGUMENT...
    function=mtasts_exim_$1
    shift
    valgrind -q --error-exitcode=98 --leak-check="${leaks:-full}" --show-leak-kinds=definite,indirect \
        --errors-for-leak-kinds=definite,indirect --suppressions=examples/c/valgrind.supp \
        "$tmp/call" "$module" "$function" "$@" 2> "$tmp/log" ||
        [ $? -lt 5 ] || { cat "$tmp/log" >&2; exit 1; }
}
expect() { # REGULAR_EXPRESSION FUNCTION ARGUMENT...
    wanted=$1
    shift
    call "$@" > "$tmp/answer"
    if ! grep -Eqx -- "$wanted" "$tmp/answer"; then
        printf '%s\n  gives %s\n  not   %s\n' "$*" "$(cat "$tmp/answer")" "$wanted" >&2
        cat "$tmp/log" >&2
        exit 1
    fi
}
enforced='0 action=deliver tls=verify mode=enforce'
free='0 action=deliver tls=may mode'

echo "a route is the hosts that may have the mail"
expect "$enforced hosts=mx.good.example" route good.example "$options"
expect "$enforced hosts=mx.good.example" route Good.Example. "$options"
expect "$enforced hosts=a.many.example:b.many.example:\+:c.many.example" route many.example "$options"
expect "$enforced hosts=mx2.half.example" route half.example "$options"
expect "$enforced hosts=implicit.example" route implicit.example "$options"
expect "$enforced hosts=mx.xn--bcher-kva.example" route bücher.example "$options"

echo "mail is left to Exim where no policy is enforced"
expect "$free=testing" route testing.example "$options"
for domain in gone.example '[192.0.2.1]' '[IPv6:2001:db8::1]' a_b.example nodns.example ''; do
    expect "$free=none" route "$domain" "$options"
done

echo "mail waits where no host may have it"
wait='0 action=defer tls=verify mode=enforce reason'
expect "$wait=mx-not-listed why=\"unlisted.example: .* \(mx.unlisted.example\)\"" \
    route unlisted.example "$options"
expect "$wait=null-mx why=\"null.example: .*\"" route null.example "$options"
expect "$wait=mx-unknown why=\"servfail.example: .*\"" route servfail.example "$options"
expect '0 action=defer reason=not-understood why=".*"' route 'ü_b.example' "$options"
expect '0 action=defer reason=not-understood why="[^"$\\{}]*"' route 'ü"$\{}.example' "$options"
expect '0 action=defer reason=policy-unknown why=".*"' \
    route nodns.example "$options defer_on_dns_failure=yes"

echo "a policy is told"
expect "$enforced basis=cached max_age=604800 mx=mx.good.example" policy good.example "$options"
expect "$free=none basis=no-policy reason=no-record" policy gone.example "$options"
expect '0 action=defer reason=dns-temporary why=".*"' \
    policy nodns.example "$options defer_on_dns_failure=yes"

echo "hosts are chosen from a list"
expect "$enforced hosts=b.many.example:a.many.example" \
    hosts many.example 'evil.example:b.many.example, a.many.example' "$options"
expect "$wait=mx-not-listed why=.*" hosts many.example evil.example "$options"
expect "$wait=mx-unknown why=.*" hosts many.example '' "$options"
expect "$free=none" hosts gone.example a.example "$options"

echo "R-FLOW-6: a newer policy is looked for"
expect "$wait=mx-not-listed .*" route moved.example "$options"
"$target/lab" ctl "$tmp/lab" set moved.example id=2 policy_mx=mx.moved.example > "$tmp/done"
expect "$enforced hosts=mx.moved.example" route moved.example "$options"
expect "$enforced hosts=mx.retired.example" route retired.example "$options"
"$target/lab" ctl "$tmp/lab" set retired.example id=2 policy=none > "$tmp/done"
expect "$enforced hosts=mx.retired.example" route retired.example "$options" ''
expect "$free=none" route retired.example "$options" again

echo "R-APPLY-2: DANE goes before the list"
expect "$wait=mx-not-listed .*" route dane.example "$options"
expect "$enforced hosts=mx.dane.example" route dane.example "$options dane=yes"

echo "R-APPLY-3: the operator's own policies come first"
printf 'version: STSv1\nmode: none\nmax_age: 1\n' > "$tmp/policies/unlisted.example.txt"
expect "$free=none" route unlisted.example "$options" "local_policies=$tmp/policies"

echo "large policies and thousands of hosts"
expect "$enforced hosts=mx.large.example" route large.example "$options"
expect "$enforced hosts=listed.example" route thousands.example "$options"
many=$(seq -f 'x.example:m%g.many.example' -s : 3000)
call hosts many.example "$many" "$options" > "$tmp/answer"
[ "$(tr : '\n' < "$tmp/answer" | grep -c 'many.example$')" = 10 ]

if [ "$(id -u)" = 0 ]; then
    echo "root is another user meanwhile, and root again afterwards"
    chmod 755 "$tmp"
    install -d -m 2770 -g nogroup "$tmp/other"
    other="user=$(id -u nobody):$(id -g nobody) store=$tmp/other $network"
    expect "$enforced hosts=mx.good.example" route -n 2 good.example "$other"
    [ "$(stat -c %U "$tmp/other/data.mdb")" = nobody ]
    chmod 2700 "$tmp/other"
    expect '0 action=defer reason=misconfigured .*' route good.example "$other"
    # A refusal gives root back.
    call route good.example "$other" next good.example "$options" > "$tmp/answer"
    grep -qx "$enforced hosts=mx.good.example" "$tmp/answer"
fi

echo "what the administrator has to mend makes mail wait"
mend='0 action=defer reason=misconfigured why='
expect "$mend\"too few arguments\"" route
expect "$mend\"too few arguments\"" hosts good.example
expect "${mend}.not an option of mtasts: stor=/x.*" route good.example 'stor=/x'
for wrong in store=here user=nobody user=0:0 user=1 dane=perhaps dns_timeout=0 https_port=70000 nameserver; do
    expect "${mend}.not an option of mtasts: $wrong.*" route good.example "$wrong"
done
expect "${mend}.*/no/such/folder.*" route good.example "store=/no/such/folder $network"
expect "${mend}.*" route good.example "store=$tmp/store ca_file=/no/such/file"
expect "${mend}.*" route good.example "store=$tmp/store nameserver=nonsense"
touch "$tmp/file"
expect "${mend}.*" route good.example "store=$tmp/file $network"

echo "many calls, two configurations in turn, and a fork"
expect "$enforced hosts=mx.good.example" route -n 20 good.example "$options"
[ "$(wc -l < "$tmp/answer")" = 20 ]
# The child leaves its parent's store alone: it does not close it either.
leaks=no
expect "$enforced hosts=mx.good.example" route -f -n 3 good.example "$options"
leaks=full
expect "$enforced hosts=mx.good.example" route good.example "$network"

echo "R-RPT-4: what sessions came to is told to the collector"
: > "$tmp/told"
python3 bindings/exim/tests/datagrams.py "$tmp/collector" > "$tmp/told" 2> "$tmp/collector.log" &
collector=$!
until grep -q ready "$tmp/told"; do kill -0 $collector; done
reporting="$options tlsrpt_socket=$tmp/collector"
addresses='192.0.2.1 192.0.2.2'
plain='250-mx hello
250 SIZE'
offer='250-mx hello
250-starttls
250 SIZE'
session() { # DOMAIN LINES, each "EVENT|DATA|STATE"
    domain=$1
    set --
    while IFS='|' read -r event data state; do
        [ "$data" = plain ] && data=$plain
        [ "$data" = offer ] && data=$offer
        set -- "$@" next "$event" "$data" "$domain" "mx.$domain" "$addresses" "$state" "$reporting"
    done
    shift
    call event "$@" > "$tmp/answer"
    ! grep -vqx '0 ' "$tmp/answer"
}
awaited=0
told() { # LINE
    awaited=$((awaited + 1))
    until [ "$(grep -c example "$tmp/told")" -ge $awaited ]; do kill -0 $collector; done
    found=$(grep example "$tmp/told" | sed -n "${awaited}p")
    if [ "$found" != "$1" ]; then
        printf 'told of %s\n  not     %s\n' "$found" "$1" >&2
        exit 1
    fi
    ! grep '^==' "$tmp/log" # valgrind's
}
printf 'smtp:ehlo|offer|\nsmtp:ehlo|plain|tls verified\ntcp:close||tls verified\n' | session told.example
told 'told.example 2'
printf 'smtp:ehlo|plain|\ntcp:close||\n' | session told.example
told 'told.example 2 201 mx.told.example'
printf 'smtp:ehlo|offer|\ntcp:close||\nsmtp:ehlo|offer|\ntcp:close||\n' | session told.example
told 'told.example 2 205 mx.told.example'
printf 'smtp:ehlo|offer|\ntls:cert|1 !|\ntls:cert|0 MIIB|\nsmtp:ehlo|offer|tls\n' | session told.example
told 'told.example 2 205 mx.told.example'
printf 'smtp:ehlo|offer|\ndane:fail|validation-failure|\ntcp:close||\n' | session told.example
told 'told.example 1 205 mx.told.example'
printf 'dane:fail|dnssec-invalid|\n' | session told.example
told 'told.example 1 305 mx.told.example'
# No more than sixteen by one process. Each of them holds the lock until it ends.
set --
for _ in $(seq 20); do
    set -- "$@" next smtp:ehlo "$plain" told.example mx.told.example "$addresses" 'tls verified' \
        "$options tlsrpt_socket=/no/such/socket"
done
shift
(
    flock -s 8
    "$tmp/call" "$module" mtasts_exim_event "$@" > "$tmp/answer" 2> "$tmp/log"
) 8> "$tmp/running"
flock "$tmp/running" true
[ "$(grep -c 'does not take a report' "$tmp/log")" = 16 ]
# Hosts that are passed over, once for a message.
call route told-untold.example "$reporting" report next told-untold.example "$reporting" report \
    > "$tmp/answer"
told 'told-untold.example 2 205 mx1.evil.example'
told 'told-untold.example 2 205 mx2.evil.example'
# Nothing: no TLSRPT record, no session yet, none wanted, no domain, nonsense.
printf 'smtp:ehlo|plain|tls verified\n' | session good.example
printf 'tcp:close||\nmsg:delivery||\ntls:cert|99 MIIB|\ntls:cert||\n' | session told.example
expect "$enforced hosts=mx.told-untold.example" route told-untold.example "$reporting"
expect "$enforced hosts=mx.told-untold.example" route told-untold.example "$options" report
printf 'smtp:ehlo|plain|tls verified\n' | session ''
expect '0 ' event
# No collector, no store: Exim hears nothing of it.
expect '0 ' event smtp:ehlo "$plain" told.example mx.told.example "$addresses" 'tls verified' \
    "$options tlsrpt_socket=/no/such/socket"
expect '0 ' event smtp:ehlo "$plain" told.example mx.told.example "$addresses" 'tls verified' \
    store=/no/such/folder
printf 'smtp:ehlo|plain|tls verified\n' | session end.example
wait $collector
collector=
[ "$(grep -c example "$tmp/told")" = $awaited ]

echo "R-FLOW-1: what is cached counts when the network is down"
exec 9>&-
wait $lab
options="$options dns_timeout=1"
expect "$free=none" route new.example "$options"
expect "$enforced basis=cached .*" policy good.example "$options"
expect "$wait=mx-unknown .*" route good.example "$options"

echo "a store that has gone bad"
dd if=/dev/urandom of="$tmp/store/data.mdb" bs=4096 count=4 conv=notrunc 2> "$tmp/done"
call route good.example "$options" > "$tmp/answer"
! grep -q '^0 action=deliver' "$tmp/answer"
