#!/usr/bin/env bash
# safetensors 0.8.0: safetensors.numpy.save writes the memory of a transposed (or Fortran-ordered) array as it lies, under
# its logical shape, so that a round trip changes the numbers without an error. safetensors.torch.save refuses such a
# tensor, and safetensors 0.7.0 wrote the numbers in their order (upstream issue 825).
# Seen: 0.7.0 gives back [[0, 3], [1, 4], [2, 5]], and 0.8.0 [[0, 1], [2, 3], [4, 5]].
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
for version in 0.7.0 0.8.0; do
  python3 -m venv "$work/$version"
  "$work/$version/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 "safetensors==$version"
  "$work/$version/bin/python" - <<'PYTHON'
import sys

import numpy as np
import safetensors
from safetensors.numpy import load, save

matrix = np.arange(6.0).reshape(2, 3).T
back = load(save({"weight": matrix}))["weight"]
same = bool(np.array_equal(matrix, back))
print(safetensors.__version__, back.tolist(), "the same" if same else "OTHER NUMBERS")
if same != (safetensors.__version__ == "0.7.0"):
    sys.exit("changed")
PYTHON
done
echo "as described"
