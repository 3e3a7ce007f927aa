"""The mutation gate for the kernels that have a case in tests/backend/kernel_cases.py: a mistake made in a file of
csrc/cuda is found by the checker, or some of the cases come out otherwise."""

import re
from typing import NamedTuple

import numpy as np
import pytest
from cuda_mutants import PRELUDE, SETTER, Mutant, mutate
from kernel_cases import (
    ACTIVATIONS,
    ADAPTIVE,
    ATTENTION,
    CONVOLUTIONS,
    DECODING,
    LINES,
    LOSSES,
    NORMS,
    POOLINGS,
    RECURRENCE,
    REDUCE,
    RUNNING,
    SOFTMAX,
    STEPS,
    long_lines,
    make,
)
from test_cuda_device import call
from test_cuda_mutants import SUPPORT, survivors
from wide_cases import wide

from needle_edu.backend.cudasim.device import CudaSimRuntime
from needle_edu.backend.dtypes import DTYPES
from needle_edu.backend.errors import EDTYPE, EINDEX
from needle_edu.backend.paths import csrc_dir


class Family(NamedTuple):
    """Files whose kernels are changed, functions that launch them, and what changes nothing: code and the reason."""

    files: tuple[str, ...]
    kernels: tuple[str, ...]
    at_least: int
    equivalent: dict[str, str] = {}
    trials: int = 20
    beside: tuple[str, ...] = ()


FAMILIES = {
    "convolution": Family(
        ("windows.cuh", "conv.cu", "conv_tiled.cu", "conv_weights.cu"),
        CONVOLUTIONS,
        35,
        {
            "from < end; from += POINTS": "one more round, in which no lane has a point: zeros are added",
            "from < count; from += DEPTH": "one more round, in which there is no tap: zeros are added",
        },
        beside=("conv.cuh", "move.cu"),
    ),
    "matrix product": Family(
        ("matmul.cu", "matmul_large.cu"),
        ("matmul",),
        25,
        {
            "for (int64_t depth": "one more round where 16 divides k: every load is guarded, and zeros are added"
        },
        trials=6,
        beside=("matmul.cuh",),
    ),
    "pooling": Family(
        ("pooling.cu",),
        (*POOLINGS, *ADAPTIVE),
        20,
        {"end < limit ? end : limit": "of equal numbers it does not matter which is taken"},
        trials=60,
        beside=("windows.cuh",),
    ),
    "reduction": Family(
        ("reduce.cu",),
        tuple(REDUCE),
        15,
    ),
    "softmax": Family(("softmax.cu",), SOFTMAX, 5),
    "cross-entropy": Family(
        ("cross_entropy.cu",),
        LOSSES,
        10,
        {"label == WRONG && threadIdx.x == 0": "it does not matter how many threads of a block say the same"},
    ),
    "normalisation": Family(("block.cuh", "normalise.cu"), (*NORMS, *RUNNING), 10),
    "gather and scatter": Family(
        ("gather.cu",),
        ("gather", "scatter"),
        8,
        trials=60,
        beside=("sort.cu",),
    ),
    "weighted sums": Family(("taps.cu",), ("taps_dense",), 4, trials=200),
    "along a line": Family(
        ("scan.cu",),
        ("cumsum", "cumprod", "cumargmax", "cumargmin", "linear_scan"),
        7,
        {"tile < length": "one more round where the threads divide the line: nothing of it is written"},
    ),
    "sort": Family(("sort.cu",), ("sort", "argsort"), 8),
    "activations": Family(("activations.cu",), ACTIVATIONS, 2),
    "optimiser steps": Family(("optim.cu",), STEPS, 2),
    "dropout": Family(
        ("philox.cuh", "dropout.cu"),
        ("dropout_dense",),
        2,
        {"counter < counters": "numbers for elements beyond the end are drawn, and not used"},
    ),
    "attention": Family(
        ("attention.cu",),
        ATTENTION,
        20,
        {
            "return a < b ? a : b": "of equal numbers it does not matter which is taken",
            "; begin += 32 * FEATURES": "one more round, in which no lane has a feature",
            "; from += 32": "one more round, in which no lane has a key or a query: zeros are added",
            "shuffles order no memory": "on the simulator they do; CUDA does not promise it",
        },
        trials=10,
        beside=("philox.cuh",),
    ),
    "decode": Family(("decode.cu",), DECODING, 10),
    "recurrence": Family(("recurrence.cu",), RECURRENCE, 5, beside=("sigmoid.cuh",)),
}


def cases_of(family):
    """Pairs of a kernel's name and a case of the type float32: few elements, then more than a tile or a block."""
    cases = [
        (kernel, make(kernel, np.random.default_rng(seed), 0))
        for kernel in family.kernels
        for seed in range(family.trials)
    ]
    for kernel in family.kernels:
        cases += [(kernel, case) for case in wide(kernel, np.random.default_rng(0), 0)]
        if kernel in (*REDUCE, *LINES):
            cases += [(kernel, case) for case in long_lines(kernel, np.random.default_rng(7), 0)]
    return cases


def of_types(text, types):
    """Return the text of launch.cuh with these element types only, for the others cost the compiler minutes."""
    of_code = {
        "ND_F32": "float32",
        "ND_F64": "float64",
        "ND_I32": "int32",
        "ND_I64": "int64",
        "ND_BOOL": "bool",
    }
    lines = [
        line
        for line in text.splitlines(keepends=True)
        if not any(f"dtype == {code})" in line and name not in types for code, name in of_code.items())
    ]
    return "".join(lines)


def gate(name, simulator, folder):
    """Make every mistake in a family, whose files are compiled in `folder`; return all mutants, and those of which
    neither the checker nor a result says anything."""
    family, own, mutants, cases = FAMILIES[name], csrc_dir() / "cuda", [], cases_of(FAMILIES[name])
    for file in family.files:
        text, more = mutate((own / file).read_text(), file, len(mutants) + 1, setter=False, prelude=False)
        (folder / file).write_text(text)
        mutants += more
    shared = {"launch.cuh", "block.cuh", "faults.cuh", *SUPPORT} - {*family.files}
    types = {str(DTYPES[operand.code]) for _, case in cases for operand in case.operands}
    for file in (*shared, *family.beside):
        text = (own / file).read_text()
        if file == "launch.cuh":
            text = of_types(text.replace("namespace nd {", f"{PRELUDE}namespace nd {{", 1), types)
        (folder / file).write_text(text + SETTER * (file == "library.cu"))
    runtime = CudaSimRuntime("check", folder)
    runtime.ffi.cdef("void set_mutant(int number);")

    def run():
        for kernel, case in cases:
            error, memories = call(runtime, kernel, case)
            assert error != EDTYPE, f"{kernel}: the types of {case} are not compiled"
            code = np.array([error, runtime.error_detail() if error == EINDEX else 0])
            if error:
                memories = []
            # bytes: a nan is no number, and equals nothing
            yield np.concatenate(
                [code.view(np.uint8), *(memory.view(np.uint8).ravel() for memory in memories)]
            )

    none = Mutant(len(mutants) + 1, "none", 0, "no mistake at all")
    left = survivors([*mutants, none], runtime.lib.set_mutant, run, simulator)
    assert left.pop() == none
    return mutants, left


def excused(name, mutant):
    """Return why a mutant changes nothing, or an empty text."""
    return next((why for code, why in FAMILIES[name].equivalent.items() if code in mutant.text), "")


def useless(name, left):
    """Return the code that is excused though the gate finds every mistake in it."""
    return [code for code in FAMILIES[name].equivalent if not any(code in one.text for one in left)]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_kernel_of_its_files_is_launched(name):
    for file in FAMILIES[name].files:
        written = re.findall(r"^ND_API int nd_(\w+)\(", (csrc_dir() / "cuda" / file).read_text(), re.M)
        assert {*written} <= {*FAMILIES[name].kernels}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_mistakes_are_found(name, simulator, tmp_path):
    mutants, left = gate(name, simulator, tmp_path)
    assert len(mutants) >= FAMILIES[name].at_least
    assert not useless(name, left)
    left = [one for one in left if not excused(name, one)]
    assert not left, "\n".join(f"{one.kind}: {one.text}" for one in left)
