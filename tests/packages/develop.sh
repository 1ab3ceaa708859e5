#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Where libmtasts-dev, python3-mtasts and mtasts are installed: what those who write mail software find.
set -eu
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
python3 -c '
import importlib.metadata, mtasts
assert importlib.metadata.version("mtasts") == mtasts.__version__'
for page in mtasts_resolve mtasts_policy_parse mtasts mtasts-check mtasts-serve mtasts.toml; do
    man --warnings=w "$page" 2> "$work/warnings" > "$work/page"
    [ -s "$work/page" ]
    if [ -s "$work/warnings" ]; then
        cat "$work/warnings" >&2
        exit 1
    fi
done
