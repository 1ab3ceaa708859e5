#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Installs what the tests need and the machine lacks: Debian packages, and nothing else.
set -eu
missing=
need() { command -v "$1" > /dev/null 2>&1 || missing="$missing $2"; }
need cc gcc
need c++ g++
need pkg-config pkg-config
need valgrind valgrind
need node nodejs
need npm npm
need shellcheck shellcheck
need clang-format clang-format
need python3 python3
python3 -c 'import ensurepip' 2> /dev/null || missing="$missing python3-venv"
need pypy3 "pypy3 pypy3-venv"
PATH=$PATH:/usr/sbin need unbound unbound
need ldns-signzone ldnsutils
need unshare util-linux
need mount mount
need gpgv gpgv
need dpkg-deb dpkg
PATH=$PATH:/usr/sbin need ip iproute2
[ -f /usr/share/keyrings/debian-archive-keyring.gpg ] || missing="$missing debian-archive-keyring"
need redis-server redis-server
need redis-sentinel redis-sentinel
need chromium chromium
need wrk wrk
need abidiff abigail-tools
pkg-config --exists openssl 2> /dev/null || missing="$missing libssl-dev"
[ -z "$missing" ] && exit 0
echo "installing:$missing" >&2
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    echo "please install these (Debian's names):$missing" >&2
    exit 1
fi
root=$(cd "$(dirname "$0")" && pwd)
export DEBIAN_FRONTEND=noninteractive
"$root/retry.sh" apt-get -qq update
# shellcheck disable=SC2086 # a list of packages
"$root/retry.sh" apt-get -qq install -y --no-install-recommends $missing
# The tests start their own servers; those that Debian starts are not wanted.
for service in unbound redis-server redis-sentinel; do
    case $missing in
        *"$service"*)
            systemctl disable -q --now "$service" > /dev/null 2>&1 ||
                service "$service" stop > /dev/null 2>&1 || :
            ;;
    esac
done
