#!/usr/bin/env bash
# PyTorch 2.13.0, CPU: interpolate of a signal by a factor, mode "nearest". Forward chooses elements by the factor, backward
# by the quotient of the two sizes. Where they differ, the gradient belongs to another function: 5 elements by 2.1 take the
# first one three times and the last one once, and backward gives each of them 2. The sum of x * gradient, which for a linear
# function is the function's value, is not. By size= the two agree.
# Seen: taken 3 2 2 2 1 times, gradients 2 2 2 2 2.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import sys

import torch
from torch.nn.functional import interpolate


def taken_and_gradient(**how):
    x = torch.arange(5, dtype=torch.float64, requires_grad=True)
    y = interpolate(x[None, None], mode="nearest", **how)
    y.sum().backward()
    return [int((y == k).sum()) for k in range(5)], x.grad.int().tolist()


by_factor, by_size = taken_and_gradient(scale_factor=2.1), taken_and_gradient(size=10)
print("by a factor:", *by_factor)
print("by a size:  ", *by_size)
if by_factor != ([3, 2, 2, 2, 1], [2] * 5) or by_size[0] != by_size[1]:
    sys.exit("changed")
PYTHON
echo "as described"
