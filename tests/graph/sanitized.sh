#!/bin/sh
# Compiled programs under the address and undefined-behaviour sanitizers: the C that is generated, in the library that
# is there (whose own C is checked by csrc/tests/run.sh asan). FULL=1 compiles the library for it too, in a folder of
# its own: then what a kernel does with a program's memory is checked as well. It is compiled with -O1, last of all flags:
# with -O3 the sanitizers' code takes the compiler a quarter of an hour.
#   sanitized.sh [arguments of python -m tests.graph.equality]
set -eu
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python} cc=${CC:-gcc}

asan=$($cc -print-file-name=libasan.so) # GCC's; of a library that is not there, gcc prints the bare name
if [ ! -e "$asan" ] || [ "$asan" = libasan.so ]; then
  echo "*** SKIPPED: programs under sanitizers need GCC's libasan: sudo apt-get install gcc ***"
  exit 77
fi
if [ -n "${FULL:-}" ]; then
  NEEDLE_EDU_CACHE=$(mktemp -d)
  trap 'rm -rf "$NEEDLE_EDU_CACHE"' EXIT
  printf '#!/bin/sh\nexec %s "$@" -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all\n' "$cc" >"$NEEDLE_EDU_CACHE/cc"
  chmod +x "$NEEDLE_EDU_CACHE/cc"
  export NEEDLE_EDU_CACHE NEEDLE_EDU_FORM=dlopen CC="$NEEDLE_EDU_CACHE/cc"
fi
# Python itself is not compiled for it: so the sanitizer's library comes first, and Python's leaks are none of ours.
LD_PRELOAD="$asan" ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
  "$python" -m tests.graph.equality --sanitize --no-cuda "$@"
