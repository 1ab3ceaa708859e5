#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# What comes in with the dependencies, and what our own crates promise. "release": also what takes
# minutes or asks registries; whatever could not be looked at says SKIPPED.
set -eu
cd "$(dirname "$0")/../.."
tools/supply/crates.py
tools/licences.py
tools/supply/unsafe.sh
if [ "${1-}" != release ]; then
    tools/supply/features.sh
    tools/supply/test.sh
    exit 0
fi
tools/supply/crates.py advisories
tools/licences.py pypi
tools/supply/features.sh all
tools/msrv.sh
tools/supply/minimal.sh
tools/supply/api.sh
tools/supply/test.sh all
