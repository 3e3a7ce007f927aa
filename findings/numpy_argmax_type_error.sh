#!/usr/bin/env bash
# NumPy 2.4.6: np.argmax(x) calls x.argmax(axis=..., out=...); if that raises TypeError, the error is thrown away, x is
# converted by __array__, and a number comes back. A class that refuses an argument on purpose (an array on a device, a
# tensor that must stay in its graph) is bypassed without a word.
# Seen: 1, the place of the largest element, although the object's own argmax raises TypeError.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np


class Refusing:
    def __array__(self, dtype=None, copy=None):
        return np.array([3.0, 9.0, 1.0])

    def argmax(self, axis=None, out=None):
        raise TypeError("not this way")


try:
    print("np.argmax gives", np.argmax(Refusing()))
except TypeError as error:
    sys.exit(f"changed: it raises {error}")
PYTHON
echo "as described"
