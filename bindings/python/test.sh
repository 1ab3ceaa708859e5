#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# The Python package: style and types; the wheel in a clean environment, away from the source, on this
# Python and on PyPy; the boundary to C under valgrind. All below build/python.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
here=$root/bindings/python
place=$root/build/python
tools/setup.sh
make -s lib
make -s tools
MTASTS_LAB_BIN=$root/${CARGO_TARGET_DIR:-target}/release/lab
case ${CARGO_TARGET_DIR:-} in /*) MTASTS_LAB_BIN=$CARGO_TARGET_DIR/release/lab ;; esac
MTASTS_ROOT=$root
PYRIGHT_PYTHON_CACHE_DIR=$place/pyright
PYRIGHT_PYTHON_IGNORE_WARNINGS=1
PYTHONDONTWRITEBYTECODE=1
export MTASTS_LAB_BIN MTASTS_ROOT PYRIGHT_PYTHON_CACHE_DIR PYRIGHT_PYTHON_IGNORE_WARNINGS \
    PYTHONDONTWRITEBYTECODE
unset MTASTS_LIBRARY PYTHONPATH

# An environment below build/, made once for each list of requirements.
environment() { # INTERPRETER NAME
    cmp -s "$here/requirements.txt" "$place/$2/requirements.txt" && return
    rm -rf "${place:?}/$2"
    mkdir -p "$place"
    "$1" -m venv "$place/$2"
    tools/retry.sh "$place/$2/bin/python" -m pip -q --disable-pip-version-check install \
        -r "$here/requirements.txt"
    # Where there is no Node.js, pyright takes PyPI's.
    [ "$1" = pypy3 ] || command -v node > /dev/null ||
        tools/retry.sh "$place/$2/bin/python" -m pip -q --disable-pip-version-check install \
            'pyright[nodejs]'
    cp "$here/requirements.txt" "$place/$2/requirements.txt"
}
install_wheel() { # NAME
    "$place/$1/bin/python" -m pip -q --disable-pip-version-check install --no-index --no-deps \
        --force-reinstall "$place"/wheel/*.whl
}

environment python3 tools
bin=$place/tools/bin
echo "python: style and types"
(
    cd "$here"
    "$bin/ruff" check -q . ../../tests/conformance/python
    "$bin/ruff" format -q --check . ../../tests/conformance/python
    MYPYPATH=src:tests:examples "$bin/mypy" --strict --cache-dir "$place/mypy" src examples tests \
        ./*.py ../../tests/conformance/python/surface.py
    "$bin/pyright" --pythonpath "$bin/python" src
)

echo "python: the wheel"
rm -rf "$place/wheel"
(cd "$here" && "$bin/python" -m pip -q --disable-pip-version-check wheel --no-deps \
    --no-build-isolation -w "$place/wheel" .)
ls "$place/wheel"
# An environment with nothing but the wheel, from a folder with nothing in it.
rm -rf "$place/clean"
python3 -m venv --without-pip "$place/clean"
away=$(mktemp -d)
trap 'rm -rf "$away"' EXIT
packages=$("$place/clean/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$bin/python" -m pip -q --disable-pip-version-check install --no-index --no-deps \
    --target "$packages" "$place"/wheel/*.whl
(cd "$away" && env -i "$place/clean/bin/python" -c "
import mtasts
assert mtasts.library_path == '$packages/mtasts/lib/libmtasts.so.0', mtasts.library_path
assert mtasts.domain_to_ascii('ü.example') == 'xn--tda.example'
print('libmtasts', mtasts.library_version, 'of the wheel')")

# The tests see the wheel: there is no source beside them.
cp -R "$here/tests" "$here/examples" "$here/README.md" "$here/RECIPES.md" "$away/"
run_tests() { # NAME ARGUMENT...
    python=$place/$1/bin/python
    shift
    (cd "$away" && "$python" -m pytest -q --no-header -p no:cacheprovider "$@" tests)
}
install_wheel tools
echo "python: tests, $("$bin/python" -VV | tr '\n' ' ')"
run_tests tools
if command -v pypy3 > /dev/null; then
    environment pypy3 pypy
    install_wheel pypy
    echo "python: tests, $("$place/pypy/bin/python" -VV | tr '\n' ' ')"
    MTASTS_CYCLES=500 run_tests pypy
fi

echo "python: the boundary under valgrind"
(
    cd "$away"
    # What valgrind has against Python itself is not ours: what counts is where libmtasts is met.
    PYTHONMALLOC=malloc PYTHONPATH=tests valgrind -q --leak-check=full --show-leak-kinds=definite \
        --num-callers=40 --suppressions="$root/examples/c/valgrind.supp" --log-file=valgrind.log \
        "$bin/python" tests/boundary.py 2> messages || { cat messages >&2; exit 1; }
    sed 's/^==[0-9]*== *//' valgrind.log |
        awk -v RS='' '/libmtasts/ { print; found = 1 } END { exit found }' >&2
)
