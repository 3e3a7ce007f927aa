#!/bin/sh
# Compiled programs under the address and undefined-behaviour sanitizers: the C that is generated, and the kernels that
# it calls. The library is compiled for it, into a folder of its own ($BUILD, default: a temporary one).
#   sanitized.sh [arguments of python -m tests.graph.equality]
set -eu
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python} cc=${CC:-gcc}
build=${BUILD:-}
if [ -z "$build" ]; then build=$(mktemp -d); trap 'rm -rf "$build"' EXIT; fi

asan=$($cc -print-file-name=libasan.so) # GCC's; of a library that is not there, gcc prints the bare name
if [ ! -e "$asan" ] || [ "$asan" = libasan.so ]; then
  echo "*** SKIPPED: programs under sanitizers need GCC's libasan: sudo apt-get install gcc ***"
  exit 77
fi
# Python itself is not compiled for it: so the sanitizer's library comes first, and Python's leaks are none of ours.
CC="$cc -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer" \
NEEDLE_EDU_CACHE="$build" NEEDLE_EDU_FORM=dlopen LD_PRELOAD="$asan" \
ASAN_OPTIONS=detect_leaks=0:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 \
PYTHONMALLOC=malloc "$python" -m tests.graph.equality "$@"
