#!/usr/bin/env bash
# PyTorch 2.13.0, CPU: the derivative of hardsigmoid in double precision is a sixth rounded to single precision; the values
# are exact. gradcheck, with its usual tolerance, does not see it; an equality with 1/6, or a training compared to 1e-12, does.
# relu6(x + 3) / 6, the same function, has 1/6.
# Seen: 0.1666666716337204 where 0.16666666666666666 is right, an error of 5e-9.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import sys

import torch
from torch.nn.functional import hardsigmoid, relu6


def derivative(function):
    x = torch.zeros((), dtype=torch.float64, requires_grad=True)
    function(x).backward()
    return x.grad.item()


seen, right = derivative(hardsigmoid), derivative(lambda x: relu6(x + 3) / 6)
print("hardsigmoid", seen, "by relu6", right)
if seen != 0.1666666716337204 or right != 1 / 6:
    sys.exit("changed")
PYTHON
echo "as described"
