"""`make cuda`: what each CUDA kernel has been held against, and how many mistakes in them are found.

For every kernel of csrc/include/needle_kernels.h:

- written: the file of csrc/cuda that has it;
- plain: comparisons with the NumPy reference on the simulator that held, over all element types;
- check: the same under the checker in every order of threads, which found nothing;
- profile: the same in the flavour that counts;
- nvcc: the file compiles for compute capability 7.5 and 10.0 without a warning.

Then the mutation gate: mistakes made in each family of kernels, found, and those that change nothing, with the reason.
The command fails if anything does not hold. `--quick` leaves out nvcc and the mutants; `--family NAME` is about one
family, `--mutants` about nothing but the mutants.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import test_cuda_device as device_tests  # noqa: E402
import test_cuda_mutants_of_families as families  # noqa: E402
from test_cuda_nvcc import compile_command  # noqa: E402

from needle_edu.backend.cudasim import CudaError, open_simulator  # noqa: E402
from needle_edu.backend.cudasim.device import CudaSimRuntime  # noqa: E402
from needle_edu.backend.cudasim.simulator import ORDERS  # noqa: E402
from needle_edu.backend.dtypes import DTYPES  # noqa: E402
from needle_edu.backend.paths import csrc_dir  # noqa: E402

FILES = {path.name: path.read_text() for path in sorted((csrc_dir() / "cuda").glob("*.cu"))}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.backend.cuda.table", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without nvcc and the mutants")
    parser.add_argument("--mutants", action="store_true", help="the mutants alone")
    parser.add_argument(
        "--family", choices=families.FAMILIES, metavar="NAME", help=", ".join(families.FAMILIES)
    )
    options = parser.parse_args()
    begin, simulator, wrong = time.monotonic(), open_simulator(), []
    if not options.mutants:
        kernels(simulator, options, wrong)
    if not options.quick:
        mutants(simulator, [options.family] if options.family else list(families.FAMILIES), wrong)
    print(f"\n{time.monotonic() - begin:.0f} seconds; {len(wrong)} things that do not hold")
    print("\n".join(wrong))
    return 1 if wrong else 0


def kernels(simulator, options, wrong: list[str]) -> None:
    """Print the table of kernels."""
    family = families.FAMILIES[options.family] if options.family else None
    compiled = {} if options.quick else with_nvcc(family.files if family else tuple(FILES), wrong)
    runtimes = {flavour: CudaSimRuntime(flavour) for flavour in ("plain", "check", "profile")}
    print(f"{'kernel':34}{'written':20}{'plain':>9}{'check':>9}{'profile':>9}  nvcc", flush=True)
    for name in family.kernels if family else device_tests.NAMES:
        file = next((one for one, text in FILES.items() if has(text, name)), "")
        cells = [
            held(simulator, runtimes[flavour], flavour, name, wrong) if file else "MISSING"
            for flavour in runtimes
        ]
        wrong += [] if file else [f"{name}: no file of csrc/cuda has it"]
        shown = "".join(f"{cell:>9}" for cell in cells)
        print(f"{name:34}{file:20}{shown}  {compiled.get(file, '-')}", flush=True)


def has(text: str, name: str) -> bool:
    """Whether a file has a kernel: its function, or the line that makes one (elementwise.cuh)."""
    return (
        f"nd_{name}(" in text
        or re.search(rf"^ND_\w+\({name.removesuffix('_dense')}, ", text, re.M) is not None
    )


def held(simulator, runtime, flavour: str, name: str, wrong: list[str]) -> str:
    """Return how many comparisons held, or what did not."""
    count, result = 0, ""
    for order in ORDERS if flavour != "plain" else ORDERS[:1]:
        simulator.clear_report()
        try:
            with simulator.settings(order=order, seed=3):
                device_tests.check(runtime, name, device_tests.CHECKED)
            count += len(DTYPES) * device_tests.CHECKED
        except (AssertionError, CudaError) as error:
            wrong.append(f"{name}, {flavour}, {order}: {str(error).strip().splitlines()[0]}")
            result = "error" if isinstance(error, CudaError) else "WRONG"
            simulator.lib.cudasim_clear_error()
        if flavour == "check" and not simulator.report().clean:
            wrong.append(f"{name}, check, {order}: {simulator.report()}")
            result = result or "FOUND"
    return result or str(count)


def with_nvcc(files: tuple[str, ...], wrong: list[str]) -> dict[str, str]:
    """Say of each file whether nvcc compiles it."""
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        wrong.append("nvcc is not on PATH: nobody has held csrc/cuda against CUDA itself")
        return {}
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in FILES.keys() & {*files}:
            command = compile_command(nvcc, csrc_dir() / "cuda" / name, Path(folder) / "out.o")
            done = subprocess.run(command, capture_output=True, text=True)
            result[name] = "yes" if done.returncode == 0 else "NO"
            wrong += [] if done.returncode == 0 else [f"{name}: nvcc: {done.stderr.strip()}"]
    return result


def mutants(simulator, names: list[str], wrong: list[str]) -> None:
    """Print how many mistakes in each family are found."""
    print(f"\n{'family':22}{'mistakes':>9}{'found':>7}{'change nothing':>16}")
    total = [0, 0, 0]
    reasons = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            all_of_them, left = families.gate(name, simulator, Path(folder))
        why = {one: families.excused(name, one) for one in left}
        wrong += [f"{name}: not found: {one.kind}: {one.text}" for one in left if not why[one]]
        reasons += [f"{one.text}\n    {text}" for one, text in why.items() if text]
        row = [len(all_of_them), len(all_of_them) - len(left), sum(map(bool, why.values()))]
        total = [a + b for a, b in zip(total, row, strict=True)]
        print(f"{name:22}{row[0]:9}{row[1]:7}{row[2]:16}", flush=True)
    print(f"{'all':22}{total[0]:9}{total[1]:7}{total[2]:16}")
    print("\nthat change nothing, and why:\n  " + "\n  ".join(reasons))


if __name__ == "__main__":
    sys.exit(main())
