"""`make gradients`: what proves each op, in one table, and what is not proven.

For every op of the registry and on three backends (`cpu`, plain NumPy arrays, a device whose memory NumPy cannot see)
it runs the op's samples and counts the comparisons that held:

- NumPy: the value, in float64 and float32 (the tables FORWARD and WITH_ATTRIBUTES of tests/autograd/test_ops.py);
- finite differences: each gradient against the slope, in float64;
- PyTorch: the value and the gradients for a random adjoint, in both float types, from compact and from reversed memory;
- second derivative: the gradient of the gradient against its slope, in float64.

A cell that holds nothing, and for which tests/autograd/counterparts.py gives no reason, is a gap. The command fails on
a gap and on a comparison that does not hold. Each backend is a process of its own.
"""

import argparse
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).parent
BACKENDS = {"cpu": "nd", "np": "np", "hidden": "nd"}
sys.path[:0] = [str(HERE / "autograd"), str(HERE / "backend")]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.gradients", description=__doc__)
    parser.add_argument("--backend", choices=BACKENDS, help="print one backend's counts as JSON")
    parser.add_argument("ops", nargs="*", help="only these ops")
    options = parser.parse_args()
    if options.backend:
        json.dump(counts_on(options.backend, options.ops), sys.stdout)
        return 0
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.gradients", "--backend", name, *options.ops],
            env={**os.environ, "NEEDLE_BACKEND": array_api},
            cwd=HERE.parent,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name, array_api in BACKENDS.items()
    ]
    found = {}
    for name, process in zip(BACKENDS, running, strict=True):
        answer = process.communicate()[0]
        if process.returncode:
            print(f"gradients: the process of the backend {name} ended with status {process.returncode}")
            return 1
        found[name] = json.loads(answer)
    return report(found)


def counts_on(backend: str, only: list[str]) -> dict:
    """Return what this process has: op -> column -> [comparisons that held, what did not hold]."""
    import hidden_device  # noqa: F401  (registers it)
    from comparisons import compare

    from needle_edu.autograd import registry
    from needle_edu.backend import devices, set_default_device

    if backend != "np":
        set_default_device(devices.device_named(backend))
    warnings.simplefilter("ignore")
    names = [name for name in registry.ops() if not only or name in only]
    return {name: compare(name) for name in names}


def report(found: dict) -> int:
    """Print the table and return the exit status."""
    import numpy
    import torch
    from comparisons import COLUMNS, reason

    from needle_edu.backend import available_isas, get_isa

    print(f"gradients: NumPy {numpy.__version__}, PyTorch {torch.__version__}, instruction set {get_isa()}")
    print(
        f"           (this machine has {', '.join(available_isas())}: NEEDLE_EDU_ISA, or `make isas` for all)"
    )
    print(f"           each cell: comparisons on {', '.join(found)}; - has a reason below\n")
    print(f"{'op':22}" + "".join(f"{column:>20}" for column in COLUMNS))
    gaps, wrong, reasons, total = [], [], {}, 0
    for op in next(iter(found.values())):
        cells = []
        for column in COLUMNS:
            why, counts = reason(op, column), []
            for backend, results in found.items():
                held, failures = results[op][column]
                total += held
                wrong += [f"{op}, {column}, {backend}: {text}" for text in failures]
                counts.append("WRONG" if failures else str(held) if held else "-" if why else "GAP")
                if not held and not failures and not why:
                    gaps.append(f"{op}: {column} on {backend}")
            if why:
                reasons.setdefault(why, []).append(f"{op} ({column})")
            cells.append(f"{' '.join(counts):>20}")
        print(f"{op:22}" + "".join(cells))
    for why, where in reasons.items():
        print(f"\n- {why}:\n  {', '.join(where)}")
    print()
    for text in wrong:
        print(f"WRONG: {text}")
    for text in gaps:
        print(f"GAP: {text}")
    print(f"{total} comparisons held, {len(wrong)} did not, {len(gaps)} gaps")
    return 1 if gaps or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
