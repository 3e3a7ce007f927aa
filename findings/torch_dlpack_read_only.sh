#!/usr/bin/env bash
# PyTorch 2.13.0 with NumPy 2.4.6: torch.from_dlpack takes a read-only NumPy array and gives a tensor that writes into its
# memory. NumPy marks such exports READ_ONLY (DLPack 1.0); the flag is not looked at, and no warning says so. A view made
# by np.broadcast_to, whose elements are one and the same number, is changed as a whole by one assignment.
# Seen: [7, 0, 0] in an array with writeable=False; [7, 7, 7] in a broadcast view.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import torch

closed = np.zeros(3, np.float32)
closed.flags.writeable = False
torch.from_dlpack(closed)[0] = 7
repeated = np.broadcast_to(np.zeros(1, np.float32), (3,))
torch.from_dlpack(repeated)[0] = 7
print("read-only:", closed, "writeable:", closed.flags.writeable, "- broadcast:", repeated)
if closed.tolist() != [7, 0, 0] or repeated.tolist() != [7, 7, 7]:
    sys.exit("changed")
PYTHON
echo "as described"
