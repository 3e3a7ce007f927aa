#!/usr/bin/env bash
# MPICH 5.0.2 (the wheel mpich of the Python registry): mpiexec.gforker passes on what its processes print up to the
# first byte of 128 or more, here the first half of a UTF-8 letter, and then closes the pipe. The process gets EPIPE (or
# SIGPIPE) at its next line. mpiexec (Hydra) passes everything on.
# Seen: gforker prints "a" and one byte, and the shell says "I/O error"; Hydra prints both lines.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check mpich==5.0.2
says='printf "a\302\267b\n"; printf "second\n"'
forked=$("$work/venv/bin/mpiexec.gforker" -n 1 /bin/sh -c "$says" 2>/dev/null | wc -c || true)
hydra=$("$work/venv/bin/mpiexec" -n 1 /bin/sh -c "$says" | wc -c)
echo "bytes passed on: gforker $forked, Hydra $hydra of 12"
[ "$forked" = 2 ] && [ "$hydra" = 12 ] || { echo "changed"; exit 1; }
echo "as described"
