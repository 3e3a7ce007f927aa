#!/usr/bin/env bash
# PyTorch 2.13.0: OneCycleLR(total_steps=10) allows the usual loop, ten times `optimizer.step(); scheduler.step()`. Its tenth
# step goes past the end of the last phase: with anneal_strategy="linear" the learning rate is then -0.14 times max_lr, with
# "cos" 0.05 times, not the almost nothing that the schedule ends with. Whoever trains on with that optimiser climbs.
# Seen: -0.14285 and 0.04952.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import sys

import torch


def rate_after_the_loop(strategy):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=10, anneal_strategy=strategy)
    for _ in range(10):
        optimizer.step()
        schedule.step()
    return optimizer.param_groups[0]["lr"]


linear, cosine = rate_after_the_loop("linear"), rate_after_the_loop("cos")
print(f"linear {linear:.5f}, cos {cosine:.5f}")
if not (linear < -0.1 and cosine > 0.04):
    sys.exit("changed")
PYTHON
echo "as described"
