"""`make cuda`: what each CUDA kernel has been held against, and how many mistakes in them are found.

For every kernel of csrc/include/needle_kernels.h:

- written: the file of csrc/cuda that has it;
- plain: comparisons with the NumPy reference on the simulator that held, over all element types;
- check: the same under the checker in every order of threads, which found nothing;
- profile: the same in the flavour that counts;
- nvcc: the file compiles for compute capability 7.5 and 10.0 without a warning.

Then the mutation gate: mistakes made in each family of kernels, found, and those that change nothing, with the reason.
Seconds are of processor time, compilers included. The command fails if anything does not hold. `--quick` leaves out
nvcc and the mutants; `--family NAME` is about one family, `--mutants` about the mutants alone; `--jobs 1` does one
thing at a time, where one for each processor is usual.
"""

import argparse
import contextlib
import functools
import io
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

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
FLAVOURS = ("plain", "check", "profile")


class Result(NamedTuple):
    """What a job found: what is printed, what does not hold, and its seconds of processor time."""

    value: Any
    wrong: list[str]
    seconds: float


def job(work: Callable[..., Any], *arguments: Any) -> Result:
    """Do some work, which appends to its last argument what does not hold, in a process of the pool."""
    wrong: list[str] = []
    before = sum(os.times()[:4])
    value = work(*arguments, wrong)
    return Result(value, wrong, sum(os.times()[:4]) - before)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.backend.cuda.table", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without nvcc and the mutants")
    parser.add_argument("--mutants", action="store_true", help="the mutants alone")
    parser.add_argument(
        "--family", choices=families.FAMILIES, metavar="NAME", help=", ".join(families.FAMILIES)
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="default: one for each processor")
    options = parser.parse_args()
    family = families.FAMILIES[options.family] if options.family else None
    begin, wrong = time.monotonic(), []
    if not options.mutants:
        for flavour in FLAVOURS:
            CudaSimRuntime(flavour)  # compiled now, once for all processes
    # processes of their own: there is one simulated device in each
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        compiled = held = gates = {}
        if not (options.quick or options.mutants):
            files = [file for file in FILES if family is None or file in family.files]
            compiled = start(pool, compiles, files)
        if not options.mutants:
            held = start(pool, comparisons, family.kernels if family else device_tests.NAMES)
        if not options.quick:
            gates = start(pool, mistakes, [options.family] if family else families.FAMILIES)
        print_kernels(compiled, held, wrong)
        print_mutants(gates, wrong)
    print(f"\n{time.monotonic() - begin:.0f} seconds; {len(wrong)} things that do not hold")
    print("\n".join(wrong))
    return 1 if wrong else 0


def start(pool: ProcessPoolExecutor, work: Callable[..., Any], names: Any) -> dict[str, Future]:
    """Give the pool some work for each name."""
    return {name: pool.submit(job, work, name) for name in names}


# ---- jobs -----------------------------------------------------------------------------------------------------------


def compiles(file: str, wrong: list[str]) -> str:
    """Say whether nvcc compiles a file."""
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        wrong.append(f"{file}: nvcc is not on PATH: nobody has held it against CUDA itself")
        return "-"
    with tempfile.TemporaryDirectory() as folder:
        command = compile_command(nvcc, csrc_dir() / "cuda" / file, Path(folder) / "out.o")
        done = subprocess.run(command, capture_output=True, text=True)
    wrong += [] if done.returncode == 0 else [f"{file}: nvcc: {done.stderr.strip()}"]
    return "yes" if done.returncode == 0 else "NO"


@functools.cache
def runtime_of(flavour: str) -> CudaSimRuntime:
    return CudaSimRuntime(flavour)


def comparisons(name: str, wrong: list[str]) -> tuple[str, list[str]]:
    """Return the file that has a kernel, and for each flavour how many comparisons held, or what did not."""
    file = next((one for one, text in FILES.items() if has(text, name)), "")
    if not file:
        wrong.append(f"{name}: no file of csrc/cuda has it")
        return "", ["MISSING"] * len(FLAVOURS)
    return file, [held(flavour, name, wrong) for flavour in FLAVOURS]


def has(text: str, name: str) -> bool:
    """Whether a file has a kernel: its function, or the line that makes one (elementwise.cuh)."""
    return (
        f"nd_{name}(" in text
        or re.search(rf"^ND_\w+\({name.removesuffix('_dense')}, ", text, re.M) is not None
    )


def held(flavour: str, name: str, wrong: list[str]) -> str:
    """Return how many comparisons held, or what did not."""
    simulator, count, result = open_simulator(), 0, ""
    for order in ORDERS if flavour != "plain" else ORDERS[:1]:
        simulator.clear_report()
        try:
            with simulator.settings(order=order, seed=3):
                device_tests.check(runtime_of(flavour), name, device_tests.CHECKED)
            count += len(DTYPES) * device_tests.CHECKED
        except (AssertionError, CudaError) as error:
            wrong.append(f"{name}, {flavour}, {order}: {str(error).strip().splitlines()[0]}")
            result = "error" if isinstance(error, CudaError) else "WRONG"
            simulator.lib.cudasim_clear_error()
        if flavour == "check" and not simulator.report().clean:
            wrong.append(f"{name}, check, {order}: {simulator.report()}")
            result = result or "FOUND"
    return result or str(count)


def mistakes(family: str, wrong: list[str]) -> tuple[int, int, list[str]]:
    """Return how many mistakes were made in a family and found, and the reasons why others change nothing."""
    # on stderr the backend would say that it compiles, once
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        all_of_them, left = families.gate(family, open_simulator(), Path(folder))
    why = {one: families.excused(family, one) for one in left}
    wrong += [f"{family}: not found: {one.kind}: {one.text}" for one in left if not why[one]]
    wrong += [f"{family}: excused, and found: {code}" for code in families.useless(family, left)]
    reasons = [f"{one.text}\n    {text}" for one, text in why.items() if text]
    return len(all_of_them), len(all_of_them) - len(left), reasons


# ---- tables ---------------------------------------------------------------------------------------------------------


def print_kernels(compiled: dict[str, Future], held: dict[str, Future], wrong: list[str]) -> None:
    """Print the table of kernels."""
    if not held:
        return
    verdicts, spent = {}, {}
    for file, future in compiled.items():
        verdicts[file], more, spent[file] = future.result()
        wrong += more
    print(f"{'kernel':34}{'written':20}{'plain':>9}{'check':>9}{'profile':>9}  nvcc", flush=True)
    seconds = 0.0
    for name, future in held.items():
        (file, cells), more, took = future.result()
        wrong += more
        seconds += took
        shown = "".join(f"{cell:>9}" for cell in cells)
        print(f"{name:34}{file:20}{shown}  {verdicts.get(file, '-')}", flush=True)
    print(f"{len(held)} kernels, {seconds:.0f} seconds")
    if spent:
        longest = max(spent, key=lambda file: spent[file])
        print(f"nvcc: {len(spent)} files, {sum(spent.values()):.0f} seconds; {longest}: {spent[longest]:.0f}")


def print_mutants(gates: dict[str, Future], wrong: list[str]) -> None:
    """Print how many mistakes in each family are found."""
    if not gates:
        return
    print(f"\n{'family':22}{'mistakes':>9}{'found':>7}{'change nothing':>16}{'seconds':>9}")
    total, reasons = [0, 0, 0, 0.0], []
    for name, future in gates.items():
        (made, found, why), more, seconds = future.result()
        wrong += more
        reasons += why
        row = [made, found, len(why), seconds]
        total = [a + b for a, b in zip(total, row, strict=True)]
        print(line(name, row), flush=True)
    print(line("all", total))
    if reasons:
        print("\nthat change nothing, and why:\n  " + "\n  ".join(reasons))


def line(name: str, row: list[float]) -> str:
    return f"{name:22}{row[0]:9}{row[1]:7}{row[2]:16}{row[3]:9.0f}"


if __name__ == "__main__":
    sys.exit(main())
