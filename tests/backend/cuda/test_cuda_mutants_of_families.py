"""The mutation gate for the kernels that have a case in tests/backend/kernel_cases.py: a mistake made in a file of
csrc/cuda is found by the checker, or some of the cases come out otherwise."""

from typing import NamedTuple

import numpy as np
import pytest
from cuda_mutants import PRELUDE, SETTER, Mutant, mutate
from kernel_cases import (
    ACTIVATIONS,
    ATTENTION,
    CONVOLUTIONS,
    DECODING,
    LOSSES,
    NORMS,
    POOLINGS,
    RECURRENCE,
    REDUCE,
    SOFTMAX,
    STEPS,
    make,
)
from test_cuda_device import call
from test_cuda_mutants import SUPPORT, survivors

from needle_edu.backend.cudasim.device import CudaSimRuntime
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
        ("windows.cuh", "conv.cu", "conv_weights.cu"), CONVOLUTIONS, 25, beside=("conv.cuh",)
    ),
    "matrix product": Family(("matmul.cu", "matmul_large.cu"), ("matmul",), 25, beside=("matmul.cuh",)),
    "pooling": Family(
        ("pooling.cu",),
        POOLINGS,
        15,
        {"end < limit ? end : limit": "of equal numbers it does not matter which is taken"},
        trials=60,
        beside=("windows.cuh",),
    ),
    "reduction": Family(("block.cuh", "reduce.cu"), tuple(REDUCE), 15),
    "softmax": Family(("softmax.cu",), SOFTMAX, 5),
    "cross-entropy": Family(("cross_entropy.cu",), LOSSES, 10),
    "normalisation": Family(("normalise.cu",), NORMS, 10),
    "gather and scatter": Family(("gather.cu",), ("gather", "scatter"), 5),
    "weighted sums": Family(("taps.cu",), ("taps_dense",), 3),
    "along a line": Family(
        ("scan.cu",),
        ("cumsum", "cumprod", "cumargmax", "cumargmin", "linear_scan"),
        10,
    ),
    "sort": Family(("sort.cu",), ("sort", "argsort"), 10),
    "activations": Family(("activations.cu",), ACTIVATIONS, 2),
    "optimiser steps": Family(("optim.cu",), STEPS, 2),
    "dropout": Family(("philox.cuh", "dropout.cu"), ("dropout_dense",), 2),
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


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_mistakes_are_found(name, simulator, tmp_path):
    family, own, mutants = FAMILIES[name], csrc_dir() / "cuda", []
    for file in family.files:
        text, more = mutate((own / file).read_text(), file, len(mutants) + 1, setter=False, prelude=False)
        (tmp_path / file).write_text(text)
        mutants += more
    shared = {"launch.cuh", "block.cuh", "faults.cuh", *SUPPORT} - {*family.files}
    for file in (*shared, *family.beside):
        text = (own / file).read_text()
        if file == "launch.cuh":
            text = text.replace("namespace nd {", f"{PRELUDE}namespace nd {{", 1)
        (tmp_path / file).write_text(text + SETTER * (file == "library.cu"))
    runtime = CudaSimRuntime("check", tmp_path)
    runtime.ffi.cdef("void set_mutant(int number);")
    cases = [
        (kernel, make(kernel, np.random.default_rng(seed), 0))
        for kernel in family.kernels
        for seed in range(family.trials)
    ]

    def run():
        # bytes: a nan is no number, and equals nothing
        return [memory.view(np.uint8) for kernel, case in cases for memory in call(runtime, kernel, case)[1]]

    assert len(mutants) >= family.at_least
    none = Mutant(len(mutants) + 1, "none", 0, "no mistake at all")
    left = survivors([*mutants, none], runtime.lib.set_mutant, run, simulator)
    assert [one for one in left if not any(code in one.text for code in family.equivalent)] == [none]
