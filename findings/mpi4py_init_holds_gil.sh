#!/usr/bin/env bash
# mpi4py releases Python's lock while a call of MPI waits, so that other threads run meanwhile: in Barrier, say. Not in the
# first call of all: MPI.Init_thread of mpi4py 4.1.2 (and so `from mpi4py import MPI`, which calls it) waits for the other
# ranks with the lock held. No thread of Python can look at the time, say what is missing, or end the process meanwhile.
# Seen: rank 1 comes two seconds late; a thread that counts tenths of a second counts 1 at most in Init_thread, 19 in
# Barrier, and 21 in MPI_Init_thread where ctypes calls the same library.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check mpi4py==4.1.2 mpich==5.0.2
cat >"$work/rank.py" <<'PY'
import ctypes, os, sys, threading, time
import mpi4py
mpi4py.rc.initialize = False
from mpi4py import MPI

first, count = os.environ["PMI_RANK"] == "0", 0

def tick():
    global count
    while True:
        time.sleep(0.1)
        count += 1

def ticks_while(call):
    if not first:
        time.sleep(2)
    before = count
    call()
    return count - before

threading.Thread(target=tick, daemon=True).start()
time.sleep(0.5)
init = MPI.Init_thread
if sys.argv[1] == "ctypes":
    init = lambda: ctypes.CDLL(MPI.__file__).MPI_Init_thread(None, None, MPI.THREAD_MULTIPLE, ctypes.byref(ctypes.c_int()))
seen = ticks_while(init), ticks_while(MPI.COMM_WORLD.Barrier)
if first:
    print(*seen, flush=True)
MPI.Finalize()
PY
run() { timeout 60 "$work/venv/bin/mpiexec.gforker" -n 2 "$work/venv/bin/python" "$work/rank.py" "$1"; }
read -r own barrier <<<"$(run mpi4py)"; read -r by_ctypes _ <<<"$(run ctypes)"
echo "ticks in Init_thread: $own, in Barrier: $barrier, in MPI_Init_thread by ctypes: $by_ctypes"
[ "$own" -le 2 ] && [ "$barrier" -ge 8 ] && [ "$by_ctypes" -ge 8 ] || { echo "changed"; exit 1; }
echo "as described"
