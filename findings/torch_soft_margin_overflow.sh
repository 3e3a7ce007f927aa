#!/usr/bin/env bash
# PyTorch 2.13.0, CPU: soft_margin_loss is ln(1 + exp(-y x)), computed as it is written. A score of 100 on the wrong side has
# the loss inf in float32 and the gradient nan, which one step of an optimiser spreads over all parameters.
# binary_cross_entropy_with_logits, the same function of the same score, gives 100 and 1.
# Seen: inf and nan; 100.0 and 1.0.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import math
import sys

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, soft_margin_loss


def loss_and_gradient(function, target):
    score = torch.tensor([100.0], requires_grad=True)
    loss = function(score, torch.tensor([target]))
    loss.backward()
    return loss.item(), score.grad.item()


soft = loss_and_gradient(soft_margin_loss, -1.0)
logits = loss_and_gradient(binary_cross_entropy_with_logits, 0.0)
print("soft_margin_loss", *soft)
print("binary_cross_entropy_with_logits", *logits)
if soft[0] != math.inf or not math.isnan(soft[1]) or logits != (100.0, 1.0):
    sys.exit("changed")
PYTHON
echo "as described"
