#!/usr/bin/env bash
# PyTorch 2.13.0, CPU: embedding_bag with include_last_offset=True whose last offset (documented as the end of the last
# bag) is not the end of the input. The result depends on mode and element type: the sum in float32 leaves the tokens
# behind the last offset out, the sum in float64 and the maximum take them into the last bag, and the mean in float32 adds
# up the tokens of the bag alone and divides by the number of all that follow.
# Seen, for tokens 0 1 2 3 4 with the values 1 2 3 4 5 and offsets 0 2 3: last bag 3 (sum, float32), 12 (sum, float64),
# 5 (max), 1 (mean, float32: 3 / 3).
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import sys

import torch
from torch.nn.functional import embedding_bag

tokens, offsets = torch.arange(5), torch.tensor([0, 2, 3])


def last_bag(mode, dtype):
    table = torch.arange(1, 6, dtype=dtype).reshape(5, 1).expand(5, 2).contiguous()
    return embedding_bag(tokens, table, offsets, mode=mode, include_last_offset=True)[-1, 0].item()


cases = [("sum", torch.float32), ("sum", torch.float64), ("max", torch.float32), ("mean", torch.float32)]
seen = [last_bag(*case) for case in cases]
for (mode, dtype), value in zip(cases, seen):
    print(mode, dtype, value)
if seen != [3, 12, 5, 1]:
    sys.exit("changed")
PYTHON
echo "as described"
