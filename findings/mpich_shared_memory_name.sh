#!/usr/bin/env bash
# MPICH names the shared memory of a machine's ranks after the process number of mpiexec alone. A rank that is killed leaves
# /dev/shm/mpich_shm_... behind, and the next mpiexec that is given the same number, in another container with the same
# /dev/shm or after the numbers have gone round, ends in MPI_Init: "Message from rank 1 and tag 7 truncated".
# Here each mpiexec is the first process of a namespace, so that all have number 1; that needs root, or user namespaces.
# Seen: a run that ends well, one whose rank kills itself, and a third, the same as the first, that fails.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check mpich==5.0.2 mpi4py==4.1.2
cat >"$work/rank.py" <<'PY'
import os, sys
from mpi4py import MPI
MPI.COMM_WORLD.Barrier()
if MPI.COMM_WORLD.Get_rank() == 0:
    print([line.split()[-1] for line in open("/proc/self/maps") if "/dev/shm/mpich" in line][0], flush=True)
MPI.COMM_WORLD.Barrier()
if sys.argv[1] == "dies" and MPI.COMM_WORLD.Get_rank():
    os.kill(os.getpid(), 9)
PY
run() {
  timeout 60 unshare --map-root-user -p -f --mount-proc "$work/venv/bin/mpiexec.gforker" -n 2 "$work/venv/bin/python" \
    "$work/rank.py" "$1" 2>&1
}
name=$(run lives); echo "first: $name"
run dies >/dev/null || true
[ -e "$name" ] || { echo "changed: nothing is left behind"; exit 1; }
if run lives >"$work/third"; then echo "changed: it runs"; rm -f "$name"; exit 1; fi
grep -m1 -i "truncated\|failed" "$work/third"; rm -f "$name"
echo "as described"
