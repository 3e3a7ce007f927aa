#!/bin/sh
# Builds the C library with each compiler named and runs the C tests, then the Python tests of the kernels on what it
# built.
#   compilers.sh clang gcc-11
# PYTHON is the interpreter (default: the checkout's .venv).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
cd "$root"
for compiler in "$@"; do
  echo "--- $compiler: $($compiler --version | head -n 1)"
  CC=$compiler sh "$here/run.sh"
  CC=$compiler "$python" -m pytest -q -p no:xdist \
    tests/backend/test_kernels.py tests/ladder tests/ndarray/test_kernels_in_use.py
done
