#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The size of the npm package, beside what it may be, and what a few calls take. Builds it if it is not
# there; fails if it is too large.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
[ -d "$here/../../build/npm" ] || "$here/build.sh"
exec node "$here/bench.mjs"
