#!/usr/bin/env bash
# MPICH's mpiexec.gforker says that it interrupts the processes that are left when one of them has died. A second later
# it sends them SIGQUIT, too, which ends a Python process without a word, whatever it does about SIGINT: a program that
# notes the interrupt, saves what it has and then ends is gone after one second. (Hydra's mpiexec sends SIGKILL at once.)
# Seen: a rank that handles SIGINT lives a second; one that ignores SIGQUIT as well comes to its end.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check mpich==5.0.2
cat >"$work/rank.py" <<'PY'
import os, signal, sys, time
if os.environ["PMI_RANK"] == "1":
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)
signal.signal(signal.SIGINT, lambda *_: print("interrupted", flush=True))
if sys.argv[1] == "ignores":
    signal.signal(signal.SIGQUIT, signal.SIG_IGN)
for _ in range(40):
    time.sleep(0.1)
print("came to its end", flush=True)
PY
run() { timeout 60 "$work/venv/bin/mpiexec.gforker" -n 2 "$work/venv/bin/python" "$work/rank.py" "$1" 2>&1 || true; }
plain=$(run plain); ignores=$(run ignores)
echo "SIGINT handled: $plain"; echo "SIGQUIT ignored too: $ignores"
grep -q "interrupted" <<<"$plain" && grep -q "Quit" <<<"$plain" && ! grep -q "came to its end" <<<"$plain" &&
  grep -q "came to its end" <<<"$ignores" || { echo "changed"; exit 1; }
echo "as described"
