"""How much memory attention takes beyond its operands, forward and backward, as the sequence grows.

`python -m tests.benchmarks.attention_memory` prints the table of docs/speed.md; tests/autograd/test_attention_memory.py
asks that it grows as the sequence does, not as its square. Each figure is the rise of the process's peak (Linux counts
it), in a process of its own, so it has everything: results, gradients, working space.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LENGTHS = (256, 512, 1024, 2048, 4096, 8192)
OURS = "attend = lib.ops.scaled_dot_product_attention"
FORMULA = """
def attend(q, k, v):
    return lib.ops.softmax(q @ k.transpose() * {size}**-0.5) @ v
"""
THEIRS = "attend = lib.nn.functional.scaled_dot_product_attention"

PEAK = """
import sys
import numpy as np
import {library} as lib
sys.path.insert(0, {root!r})
from tests import twins

def field(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name)) * 1024

{attend}
numbers = np.random.default_rng(0).standard_normal((3, 1, {heads}, {length}, {size}), dtype=np.float32)
attend(*[twins.constant(lib, x[:, :, :8]) for x in numbers])  # what is made once is made
q, k, v = [twins.constant(lib, x).requires_grad_({backward}) for x in numbers]
open("/proc/self/clear_refs", "w").write("5")  # the peak begins anew
before = field("VmRSS")
y = attend(q, k, v)
if {backward}:
    y.sum().backward()
print(field("VmHWM") - before)
"""


def added(
    length: int,
    backward: bool,
    heads: int = 1,
    size: int = 64,
    attend: str = OURS,
    library: str = "needle_edu",
) -> int:
    """Bytes at the peak beyond what was there when the operands were."""
    code = PEAK.format(
        library=library,
        root=str(ROOT),
        attend=attend.format(size=size),
        heads=heads,
        length=length,
        size=size,
        backward=backward,
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(run.stdout)


def main() -> None:
    ways = {
        "needle_edu": (OURS, "needle_edu"),
        "its formula": (FORMULA, "needle_edu"),
        "PyTorch": (THEIRS, "torch"),
    }
    print("| length | " + " | ".join(f"{who}, forward; both ways" for who in ways) + " |")
    print("|---" * (1 + len(ways)) + "|")
    for length in LENGTHS:
        cells = []
        for attend, library in ways.values():
            both = [added(length, backward, 1, 64, attend, library) / 1e6 for backward in (False, True)]
            cells.append(f"{both[0]:.1f}; {both[1]:.1f}")
        print(f"| {length} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
