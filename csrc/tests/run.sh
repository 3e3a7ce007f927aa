#!/bin/sh
# Builds the C library and its tests and runs them.
#   run.sh [plain]  optimised, as shipped
#   run.sh asan     under the address and undefined-behaviour sanitizers
#   run.sh tsan     under the thread sanitizer, plain C only: threads are the same for all instruction sets
#   run.sh arm64    cross-compiled for arm64, run by qemu; exit status 77 (skipped) if the tools are absent
# Objects go to $BUILD (default: a temporary folder). CC and JOBS are respected. Where $OBJECTS names those of the
# library, compiled before, the tests are linked with them.
set -eu
mode=${1:-plain}
csrc=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-}
if [ -z "$build" ]; then build=$(mktemp -d); trap 'rm -rf "$build"' EXIT; fi
mkdir -p "$build"

cc=${CC:-cc} run= link= optimise=-O3
case $mode in
  plain) ;;
  asan)
    optimise="-O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
    link=-fsanitize=address,undefined ;;
  tsan)
    optimise="-O1 -g1 -fsanitize=thread"
    link=-fsanitize=thread ;;
  arm64)
    cc=aarch64-linux-gnu-gcc run=qemu-aarch64 link=-static optimise="-O3 -DEMULATED"
    for tool in $cc $run; do
      if ! command -v $tool >/dev/null; then
        echo "*** SKIPPED: arm64 tests need $tool: sudo apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user ***"
        exit 77
      fi
    done ;;
  *) echo "usage: $0 [plain|asan|tsan|arm64]" >&2; exit 2 ;;
esac

case $($cc -dumpmachine) in
  x86_64*) isas="base avx2 avx512" family=-DND_ISAS_X86 ;;
  aarch64*|arm64*) isas="base neon" family=-DND_ISAS_ARM64 ;;
  *) isas=base family= ;;
esac
if [ "$mode" = tsan ]; then isas=base family=; fi
flags_of() {
  case $1 in
    avx2) echo "-mavx2 -mfma" ;;
    avx512) echo "-mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma -mprefer-vector-width=512" ;;
  esac
}
# Clang mentions each flag that only GCC knows.
quiet=
if $cc --version | grep -qi clang; then quiet=-Wno-ignored-optimization-argument; fi
common="-std=gnu11 -Wall -Wextra $quiet -fno-math-errno -fno-trapping-math -ffp-contract=fast -pthread $family -I$csrc/include -I$csrc/cpu -I$csrc/tests"

# A sanitizer finds faults only in what runs. Kernels for instructions that this processor lacks are there to be linked:
# they are compiled without it and without optimisation. Their warnings are seen in the other modes.
unwatched=
lacks() { for flag; do grep -qw "$flag" /proc/cpuinfo || return 0; done; return 1; }
if [ "$mode" = asan ] && [ -r /proc/cpuinfo ]; then
  if lacks avx2 fma; then unwatched=avx2; fi
  if lacks avx512f avx512dq avx512bw avx512vl fma; then unwatched="$unwatched avx512"; fi
fi

# One make rule for each object; make runs them in parallel and only when something has changed.
headers=$(find "$csrc" -name '*.h' | tr '\n' ' ')
objects=
programs=
rules=$build/Makefile
echo 'all: programs' > "$rules"
rule() { # object, source, extra flags
  own=$optimise
  if [ "$mode" != asan ] && [ "$mode" != tsan ]; then own="$own $(sed -n '1s|.*/\* build: \(.*\) \*/.*|\1|p' "$2")"; fi
  printf '%s: %s %s\n\t@%s %s %s %s -c %s -o %s\n' "$1" "$2" "$headers" "$cc" "$common" "$own" "$3" "$2" "$1" >> "$rules"
  objects="$objects $1"
}
compile_library() {
  for source in "$csrc"/cpu/*.c "$csrc"/cpu/ladder/*.c; do rule "$build/$(basename "$source" .c).o" "$source" ""; done
  for source in "$csrc"/cpu/isa/*.c; do
    for isa in $isas; do
      extra="-DND_ISA=$isa $(flags_of $isa)"
      case " $unwatched " in *" $isa "*) extra="$extra -O0 -g0 -fno-sanitize=all" ;; esac
      rule "$build/$(basename "$source" .c)_$isa.o" "$source" "$extra"
    done
  done
}
if [ -n "${OBJECTS:-}" ]; then objects=$OBJECTS; else compile_library; fi
for source in "$csrc"/tests/test_*.c; do
  program=$build/$(basename "$source" .c)
  programs="$programs $program"
  printf '%s: %s %s $(OBJECTS)\n\t@%s %s %s %s $(OBJECTS) %s -lm -o %s\n' "$program" "$source" "$headers" \
    "$cc" "$common" "$optimise" "$source" "$link" "$program" >> "$rules"
done
echo "programs:$programs" >> "$rules"
env -u MAKEFLAGS make -s -f "$rules" -j "${JOBS:-2}" OBJECTS="$objects"

failed=0
for program in $programs; do $run "$program" || failed=1; done
if [ $failed = 0 ]; then echo "C tests ($mode, $cc): all passed"; else echo "C tests ($mode): FAILED"; fi
exit $failed
