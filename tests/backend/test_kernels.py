"""Every kernel of the header, in C, computes what the NumPy reference computes: on every instruction set and in both
forms of calling, on operands laid out in every way, and touches nothing but its output.

A case is drawn from the generator of one number, its seed, which a failure names and `FOUND` keeps.
"""

import zlib

import numpy as np
import pytest
from hypothesis import Phase, given, settings, strategies as st
from kernel_calls import agree, run
from kernel_cases import Case, all_names, make

from needle_edu.backend import native, paths
from needle_edu.backend.build import declarations
from needle_edu.backend.dtypes import DTYPES, F32
from needle_edu.backend.errors import EDTYPE, EINDEX
from needle_edu.backend.reference import ReferenceRuntime
from needle_edu.ndarray import layout

HEADER = (paths.csrc_dir() / "include" / "needle_kernels.h").read_text()
NAMES = declarations.kernel_names(HEADER)
TRIALS = 8
# Counterexamples of former runs: (kernel, dtype code, seed).
FOUND = [
    ("prod", 0, 1931),
    ("cross_entropy_backward", 0, 303),
    ("gpt_block_dense", 0, 13292),
    ("adaptive_max_pool", 0, 17734),
    ("softmax", 0, 5516233),
    ("cross_entropy", 1, 2807913),
]
reference = ReferenceRuntime()


def call(runtime, name: str, case: Case) -> tuple[int, list[np.ndarray], int]:
    """Run a kernel on copies of the operands; return its code, all memories afterwards, and the offending index."""
    memories = [operand.memory.copy() for operand in case.operands]
    error = run(runtime, name, case, [runtime.adopt(memory).ptr for memory in memories])
    return error, memories, runtime.error_detail() if error == EINDEX else 0


def check(runtime, name: str, dtype: int, seed: int, label: str) -> None:
    case = make(name, np.random.default_rng(seed), dtype)
    error, memories, detail = call(runtime, name, case)
    wanted_error, wanted, wanted_detail = call(reference, name, case)
    said = (
        f"{name}, {DTYPES[dtype]}, {label}, shape {case.shape or case.count}, extra {case.extra}, seed {seed}"
    )
    assert error == wanted_error, said
    if error:
        assert detail == wanted_detail, said
        return
    agree(name, dtype, case, memories, wanted, said)


def check_everywhere(runtime, name: str, dtypes, seed: int) -> None:
    usual = runtime.get_isa()
    try:
        for isa in runtime.available_isas():
            runtime.set_isa(isa)
            for dtype in dtypes:
                check(runtime, name, dtype, seed, isa)
    finally:
        runtime.set_isa(usual)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=TRIALS, phases=[Phase.generate])  # a smaller seed is no simpler case
@given(seed=st.integers(0, 2**32 - 1))
def test_c_equals_reference_on_every_instruction_set(name, seed, c_runtime):
    check_everywhere(c_runtime, name, range(len(DTYPES)), seed)


@pytest.mark.parametrize("name, dtype, seed", FOUND)
def test_cases_that_were_found(name, dtype, seed, c_runtime):
    check_everywhere(c_runtime, name, [dtype], seed)


@pytest.mark.parametrize("name", NAMES)
def test_both_forms_of_calling_compute_the_same(name, other_form):
    for dtype in range(len(DTYPES)):
        check(other_form, name, dtype, zlib.crc32(f"{name} {dtype}".encode()), "dlopen form")


def test_every_kernel_of_the_header_is_tested_and_has_a_reference():
    assert set(NAMES) == all_names()
    assert set(NAMES) == set(vars(reference.kernels))
    # `kernel_names` goes by the first parameter; no function that returns a code may slip through it
    functions = [
        line.split("(")[0].split()[-1] for line in HEADER.splitlines() if line.startswith("ND_API int nd_")
    ]
    settings = {"nd_get_num_threads", "nd_set_num_threads", "nd_isa_supported", "nd_set_isa"}
    assert {f"nd_{name}" for name in NAMES} == set(functions) - settings


def test_the_codes_in_python_are_those_of_the_header():
    from needle_edu.backend import activations, dtypes, errors, optimizer_steps

    for name in ("EDTYPE", "ENOMEM", "EINDEX", "EPLAN", "EISA"):
        assert f"ND_{name} = {getattr(errors, name)}" in HEADER
    for name in ("F32", "F64", "I32", "I64", "BOOL"):
        assert f"ND_{name} = {getattr(dtypes, name)}" in HEADER
    for code, kind in enumerate((*activations.KINDS, "activation_kinds")):
        assert f"ND_{kind.upper()} = {code}" in HEADER
    for code, kind in enumerate((*optimizer_steps.KINDS, "kinds")):
        assert f"ND_STEP_{kind.upper()} = {code}" in HEADER
    assert f"double {', '.join(optimizer_steps.Numbers._fields)};" in HEADER


def test_a_plan_has_room_for_what_the_header_says(c_runtime):
    """The two numbers stand in the header; cffi's struct and the arrays' own limit follow them."""
    lib, most = c_runtime.lib, c_runtime.lib.ND_MAX_OPERANDS
    assert lib.ND_MAX_NDIM == layout.MAX_NDIM and most >= 8
    shape = tuple(range(1, lib.ND_MAX_NDIM + 1))
    strides = [tuple(10 * k + d for d in range(len(shape))) for k in range(most + 1)]
    plan = c_runtime.lower(len(shape), [F32] * most, shape, range(most), strides[:most])
    assert list(plan.shape) == list(shape) and list(plan.offset) == list(range(most))
    assert [tuple(row) for row in plan.stride] == strides[:most]
    with pytest.raises(IndexError):
        c_runtime.lower(len(shape), [F32] * (most + 1), shape, range(most + 1), strides)


def test_the_same_numbers_for_any_thread_count(c_runtime):
    """Elementwise work and row reductions do not depend on how many threads share it."""
    rng = np.random.default_rng(7)
    a, b = (rng.normal(size=300_000).astype("float32") for _ in range(2))
    usual = c_runtime.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            c_runtime.set_num_threads(threads)
            out = c_runtime.allocate(0, a.size)
            assert (
                c_runtime.kernels.multiply_dense(
                    0, a.size, out.ptr, c_runtime.adopt(a).ptr, c_runtime.adopt(b).ptr
                )
                == 0
            )
            results.append(c_runtime.host_view(out, DTYPES[0]).copy())
    finally:
        c_runtime.set_num_threads(usual)
    for result in results:
        np.testing.assert_array_equal(result, a * b)


def test_out_of_range_index_is_reported(c_runtime):
    for runtime in (c_runtime, reference):
        index = runtime.adopt(np.array([0, -7, 9]))
        source, out = runtime.adopt(np.arange(4, dtype="float32")), runtime.allocate(0, 3)
        plan = runtime.lower(1, (0, 0, 3), (3,), (0, 0, 0), ((1,), (0,), (1,)))
        assert runtime.kernels.gather(plan, out.ptr, source.ptr, index.ptr, 1, 4) == EINDEX
        assert runtime.error_detail() == -7
        assert runtime.kernels.add_dense(4, 1, out.ptr, out.ptr, out.ptr) == EDTYPE


def test_native_is_what_runs_where_it_can():
    assert native.form in ("api", "dlopen"), native.reason
