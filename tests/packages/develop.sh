#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Within a clean root, in the folder of the packages: what those who write mail software find in them.
set -eu
apt-get -qq install -y ./libmtasts0_*.deb ./libmtasts-host0_*.deb ./libmtasts-dev_*.deb \
    ./python3-mtasts_*.deb > /dev/null
work=$(mktemp -d)
cp -r /usr/share/doc/libmtasts-dev/examples "$work/"
cd "$work/examples"
make -s SENDER="$work/sender"
"$work/sender" 2> "$work/usage" && exit 1
grep -q '^usage: sender' "$work/usage"
# shellcheck disable=SC2046 # words
gcc -std=c99 -static -o "$work/static" sender.c certificate.c smtp.c \
    $(pkg-config --static --cflags --libs libmtasts-host openssl) 2> "$work/warnings" ||
    { cat "$work/warnings" >&2; exit 1; }
"$work/static" 2> "$work/usage" && exit 1
grep -q '^usage: sender' "$work/usage"
printf '%s\n' '#include <mtasts_host.h>' \
    'int main() {' '    return mtasts_version_check(MTASTS_VERSION_MAJOR, MTASTS_VERSION_MINOR,' \
    '                                MTASTS_VERSION_PATCH);' '}' > "$work/main.cc"
# shellcheck disable=SC2046
g++ -std=c++11 -Wall -Wextra -Werror -o "$work/cc" "$work/main.cc" $(pkg-config --cflags --libs libmtasts-host)
"$work/cc"
cd /
python3 -c '
import mtasts
assert mtasts.library_path == "libmtasts.so.0" or mtasts.library_path.startswith("/usr/lib/"), mtasts.library_path
assert mtasts.domain_to_ascii("ü.example") == "xn--tda.example"
policy = mtasts.Policy.parse(b"version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n")
assert policy.matches("mx.example.com") and not policy.matches("mx.example.net")'
man -w mtasts_resolve mtasts_policy_parse > /dev/null
