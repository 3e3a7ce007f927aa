#!/usr/bin/env bash
# PyTorch 2.13.0, CPU: MultiheadAttention whose keys are all padding (a sentence of length 0 in a batch). Whether the caller
# wants to see the weights changes the result: with need_weights=True, the default, it is nan, and so is every gradient of
# the parameters; with need_weights=False it is the bias of the last layer, and all is finite.
# Seen: nan with weights, 0 (the bias) without; gradients nan and finite.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import sys

import torch

torch.manual_seed(0)
attention = torch.nn.MultiheadAttention(4, 2, batch_first=True)
x, nothing = torch.randn(1, 3, 4), torch.ones(1, 3, dtype=torch.bool)
seen = []
for need_weights in (True, False):
    attention.zero_grad()
    out, _ = attention(x, x, x, key_padding_mask=nothing, need_weights=need_weights)
    out.sum().backward()
    gradient = attention.in_proj_weight.grad
    seen.append((bool(out.isnan().all()), bool((out == 0).all()), bool(gradient.isnan().any())))
    print("need_weights", need_weights, "result", out[0, 0].tolist(), "nan in the gradient", seen[-1][2])
if seen != [(True, False, True), (False, True, False)]:
    sys.exit("changed")
PYTHON
echo "as described"
