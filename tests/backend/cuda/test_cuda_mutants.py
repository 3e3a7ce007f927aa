"""The mutation gate: a mistake made in a kernel is found by the checker, or computes something else."""

import time
from pathlib import Path

import numpy as np
import pytest
from cuda_mutants import mutate

from needle_edu.backend.cudasim import CudaError
from needle_edu.backend.cudasim.build import kernel_library
from needle_edu.backend.cudasim.declarations import host_functions
from needle_edu.backend.cudasim.device import CudaSimRuntime
from needle_edu.backend.cudasim.flavours import FLAVOURS
from needle_edu.backend.cudasim.simulator import Program
from needle_edu.backend.dtypes import DTYPES
from needle_edu.backend.paths import csrc_dir

KERNELS = Path(__file__).parent / "kernels"
SUPPORT = ("library.cu", "pool.cu", "transfer.cu")  # what every library of ours has
FEW = """ // elementwise.cuh with as few functions as use all of its kernels
#include "elementwise.cuh"
ND_ONE(negative, Same, FLOATS, -a)
ND_TWO(add, Same, FLOATS, a + b)
ND_SCALAR(add_scalar, Same, FLOATS, a + s)
"""


def survivors(mutants, set_mutant, run, simulator):
    """Run every mutant; return those that the checker and the results say nothing about. None is in force behind.

    `run` returns or yields arrays; behind the first one that differs, a mutant is not run any longer.
    """
    set_mutant(0)
    simulator.clear_report()
    begin = time.monotonic()
    wanted = list(run())
    limit = max(2, time.monotonic() - begin)  # for one launch: no loop ends where the machine is only slow
    assert simulator.report().clean, simulator.report()
    left = []
    for mutant in mutants:
        set_mutant(mutant.number)
        simulator.clear_report()
        simulator.lib.cudasim_clear_error()  # of the mutant before
        with simulator.settings(timeout=limit):
            if not _found(run, wanted, simulator):
                left.append(mutant)
    set_mutant(0)
    simulator.clear_report()
    return left


def _found(run, wanted, simulator):
    """Whether a result differs from the wanted one, CUDA reports an error, or the checker finds something."""
    try:
        for got, right in zip(run(), wanted, strict=True):
            if not np.array_equal(got, right) or simulator.findings_count():
                return True
    except CudaError:
        return True
    return simulator.findings_count() > 0


def test_small_kernels(simulator, rng):
    """Transposes through a tile, a tree of sums, a histogram: 37 × 50 and 100 divide no block."""
    text, mutants = mutate((KERNELS / "basics.cu").read_text(), "basics.cu")
    library = kernel_library([KERNELS / "basics.cu"], FLAVOURS["check"], simulator.runtime, text)
    program = Program(simulator, library, host_functions(text))
    a, b = rng.standard_normal((37, 50)), rng.integers(-5, 5, 100).astype(np.float32)
    digits = rng.integers(0, 10, 200).astype(np.int32)

    def run():
        turned, sums = simulator.empty((50, 37), np.float64), simulator.empty(2)
        counts, total = simulator.array(np.zeros(10, np.int32)), simulator.array(np.zeros(1, np.float32))
        largest = simulator.array(np.zeros(1, np.int32))
        program.run_transpose(turned, simulator.array(a), 37, 50)
        program.run_block_sum(simulator.array(b), sums, 100, 64)
        program.run_histogram(simulator.array(digits), counts, total, largest, 200)
        return [one.numpy() for one in (turned, sums, counts, total, largest)]

    kernels = ("transpose", "block_sum", "histogram")
    chosen = [one for one in mutants if _kernel_of(text, one) in kernels]
    assert len(chosen) >= 25 and {one.kind for one in chosen} == {"drop", "less", "index", "tile", "atomic"}
    assert survivors(chosen, program.set_mutant, run, simulator) == []


def _kernel_of(text, mutant):
    before = "\n".join(text.split("#line 1\n")[1].splitlines()[: mutant.line])
    return before[before.rindex("__global__") :].split("(")[0].split()[-1]


@pytest.mark.slow
def test_kernels_of_ours(simulator, rng, tmp_path):
    """The elementwise kernels of csrc/cuda, but for their functions, on 300 and 3 × 100 elements. What has cases in
    tests/backend/kernel_cases.py is in test_cuda_mutants_of_families.py."""
    own, mutants = csrc_dir() / "cuda", []
    for name in (
        "launch.cuh",
        "elementwise.cuh",
        "move.cu",
        "faults.cuh",
        *SUPPORT,
    ):
        text = (own / name).read_text()
        if "__device__" in text or "__global__" in text:
            text, more = mutate(
                text, name, len(mutants) + 1, setter=name == "move.cu", prelude=name == "launch.cuh"
            )
            mutants += more
        (tmp_path / name).write_text(text)
    (tmp_path / "few.cu").write_text(FEW)
    runtime = CudaSimRuntime("check", tmp_path)
    runtime.ffi.cdef("void set_mutant(int number);")
    arrays = [rng.standard_normal(300).astype(np.float32) for _ in range(2)]
    truth = rng.integers(0, 2, 300).astype(bool)
    rows, columns = [100, 1], [1, 3]  # the strides of 3 × 100 elements

    def stored(array):
        storage = runtime.allocate(DTYPES.index(array.dtype), array.size)
        runtime.copy_from_host(storage, np.ascontiguousarray(array))
        return storage

    def run():
        results = []

        def call(name, shape, out, *operands, extra=(), n=None):
            target = runtime.allocate(0, out)
            codes = [0, *(DTYPES.index(one.dtype) for one, _ in operands)]
            storages = [stored(one) for one, _ in operands]
            kernel = getattr(runtime.kernels, name)
            if n is None:
                strides = [shape[1], *(stride for _, stride in operands)]
                plan = runtime.lower(len(shape[0]), codes, shape[0], [0] * len(codes), strides)
                kernel(plan, target.ptr, *(one.ptr for one in storages), *extra)
            else:
                kernel(0, n, target.ptr, *(one.ptr for one in storages), *extra)
            result = np.empty(out, np.float32)
            runtime.copy_to_host(target, result)
            results.append(result)

        x, y = arrays
        space = ([3, 100], rows)
        for n in (None, 300):
            dense = "" if n is None else "_dense"
            call(f"negative{dense}", space, 300, (x, columns), n=n)
            call(f"add{dense}", space, 300, (x, columns), (y, rows), n=n)
            call(f"add_scalar{dense}", space, 300, (x, columns), extra=(2.0,), n=n)
            call(f"fill{dense}", space, 300, extra=(3.0,), n=n)
        call("copy", space, 300, (x, columns))
        call("where", space, 300, (truth, columns), (x, columns), (y, rows))
        return results

    assert len(mutants) >= 12
    assert survivors(mutants, runtime.lib.set_mutant, run, simulator) == []
