#!/usr/bin/env bash
# NumPy 2.4.6: np.flip of a 0-d array returns a NumPy scalar (a copy), although its documentation says "a view of m"
# and np.flip of every other array is one. So writing into the result, as into any view, is impossible, and code that
# goes on with `.flags`, `out=` or an assignment breaks for 0-d input alone.
# Seen: type numpy.float64 for 0-d, a view that shares memory for 1-d.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np

scalar, row = np.array(5.0), np.array([5.0, 6.0])
print("0-d:", type(np.flip(scalar)).__name__, "- 1-d shares memory:", np.shares_memory(np.flip(row), row))
if isinstance(np.flip(scalar), np.ndarray) or not np.shares_memory(np.flip(row), row):
    sys.exit("changed")
PYTHON
echo "as described"
