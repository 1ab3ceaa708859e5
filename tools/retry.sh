#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs a command that downloads, up to three times.
for _ in 1 2; do
    "$@" && exit 0
    echo "once more: $*" >&2
done
exec "$@"
