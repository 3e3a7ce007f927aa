#!/bin/sh
# Builds the C library with each compiler named, as Python does, and runs the C tests on the very objects that Python
# has, then the Python tests of the kernels.
#   compilers.sh clang gcc-11
# PYTHON is the interpreter (default: the checkout's .venv).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT
export NEEDLE_EDU_CACHE="$cache"
cd "$root"
for compiler in "$@"; do
  echo "--- $compiler: $($compiler --version | head -n 1)"
  CC=$compiler "$python" -c 'import needle_edu; needle_edu.cpu().kernels'
  CC=$compiler OBJECTS=$(echo "$cache"/*/objects/*.o) sh "$here/run.sh"
  CC=$compiler "$python" -m pytest -q -p no:xdist \
    tests/backend/test_kernels.py tests/ladder tests/ndarray/test_kernels_in_use.py
  rm -rf "${cache:?}"/*
done
