#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Within a clean root with Postfix, in the folder of the packages: installed, removed, installed again and
# purged, they leave what they should, and say what has to be said.
set -eu
export DEBIAN_FRONTEND=noninteractive
packages="./libmtasts0_*.deb ./libmtasts-host0_*.deb ./postfix-mtasts_*.deb ./mtasts_*.deb"
said=$(mktemp)

apt_get() { # ARGUMENT...
    apt-get -qq -y "$@" > "$said" 2>&1 || { cat "$said" >&2; exit 1; }
}

wrong() {
    echo "cycle: $*" >&2
    cat "$said" >&2
    exit 1
}

is() { # FILE USER:GROUP:MODE
    [ "$(stat -c %U:%G:%a "$1")" = "$2" ] || wrong "$1 is $(stat -c %U:%G:%a "$1"), not $2"
}

installed() {
    # shellcheck disable=SC2086 # patterns
    apt_get install "$@" $packages
    is /etc/mtasts/mtasts.toml root:mtasts:640
    is /var/lib/postfix/mtasts postfix:postfix:2770
    grep -q '^mtasts' /etc/postfix/dynamicmaps.cf || wrong "Postfix does not know the table"
    [ "$(grep -c '^mtasts' /etc/postfix/dynamicmaps.cf)" = 1 ] || wrong "Postfix knows the table twice"
    # Postfix loads it, and takes its file. There is no network, so that no policy is known.
    postmap -q nonesuch.example mtasts:/etc/postfix/mtasts.cf > "$said" 2>&1 && wrong "a policy of nobody"
    ! grep -q 'fatal\|error' "$said" || wrong "the table cannot be used"
    grep -q 'cannot be looked up for now' "$said" || wrong "nothing says why there is no policy"
}

installed
installed --reinstall

# A configuration of the administrator's stays, with its mode; dpkg's own comes back and is closed again.
chmod 600 /etc/mtasts/mtasts.toml
apt_get install --reinstall ./mtasts_*.deb
is /etc/mtasts/mtasts.toml root:mtasts:600
rm /etc/mtasts/mtasts.toml
apt_get -o Dpkg::Options::=--force-confmiss install --reinstall ./mtasts_*.deb
is /etc/mtasts/mtasts.toml root:mtasts:640

# Removing what main.cf names is told; what it does not name is none of its business.
apt_get remove postfix-mtasts
! grep -q 'mail waits' "$said" || wrong "a warning without a reason"
installed
postconf -e smtp_tls_policy_maps=proxy:mtasts:/etc/postfix/mtasts.cf,socketmap:inet:127.0.0.1:8461:postfix
apt_get remove postfix-mtasts mtasts
grep -q 'postfix-mtasts: .*mail waits' "$said" || wrong "no warning that Postfix names the table"
grep -q 'mtasts: /etc/postfix/main.cf .*mail waits' "$said" || wrong "no warning that Postfix names the server"
! grep -q mtasts /etc/postfix/dynamicmaps.cf || wrong "Postfix still knows the table"
for file in /etc/mtasts/mtasts.toml /etc/postfix/mtasts.cf; do
    [ -e $file ] || wrong "removing took $file"
done
postconf -X smtp_tls_policy_maps
installed

apt_get purge postfix-mtasts mtasts libmtasts0 libmtasts-host0
! grep -qi 'warning\|not empty' "$said" || wrong "purging warns"
left=$(find / -xdev -name '*mtasts*' ! -path '/packages/*' ! -path '/proc/*' ! -path '/cycle.sh')
[ -z "$left" ] || wrong "purging leaves $left"
