#!/usr/bin/env bash
# PyTorch 2.13.0, CPU: TransformerEncoder in evaluation with padding. Under no_grad it takes another path, and the rows of
# padding are 0 in its result; where gradients are recorded (to look at saliency, say) they are numbers like any other. The
# mode "evaluation" is the same both times. Whoever averages over all rows gets two different sentences.
# Seen: under no_grad the row of padding is 0 0 0 0, otherwise it is not; all other rows agree.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import sys
import warnings

import torch

warnings.simplefilter("ignore")
torch.manual_seed(0)
layer = torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
encoder = torch.nn.TransformerEncoder(layer, 1).eval()
x, padding = torch.randn(1, 3, 4), torch.tensor([[False, False, True]])
with torch.no_grad():
    fast = encoder(x, src_key_padding_mask=padding)
recorded = encoder(x, src_key_padding_mask=padding).detach()
print("no_grad: ", fast[0, 2].tolist(), "mean of the rows", fast.mean(1).tolist())
print("recorded:", recorded[0, 2].tolist(), "mean of the rows", recorded.mean(1).tolist())
others_agree = torch.allclose(fast[0, :2], recorded[0, :2], atol=1e-5)
if (fast[0, 2] != 0).any() or (recorded[0, 2] == 0).any() or not others_agree:
    sys.exit("changed")
PYTHON
echo "as described"
