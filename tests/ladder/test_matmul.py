"""nd_matmul, called through its plan, against NumPy: every element type, layout and instruction set there is.

Whole numbers make the comparison exact: one wrong index, a lane too many at an edge or a block of the depth left
out cannot hide behind a tolerance. Random float32 numbers then bound the rounding error.
"""

import numpy as np
import pytest

from needle_edu import ndarray
from needle_edu.backend import available_isas, cpu, get_isa, get_num_threads, set_isa, set_num_threads

pytestmark = pytest.mark.skipif(not cpu().native, reason="this is about the C library, which is not here")

CODES = {"float32": 0, "float64": 1, "int32": 2, "int64": 3}
LAYOUTS = ("plain", "transposed", "spaced", "reversed")
SHAPES = [
    (1, 1, 1),
    (2, 3, 0),
    (5, 7, 3),
    (1, 131, 19),  # row times matrix
    (131, 1, 19),  # matrix times column
    (6, 16, 8),
    (15, 33, 9),  # one more than a tile of AVX2, of AVX-512
    (45, 45, 16),  # one head of attention
    (29, 67, 97),
    (7, 20, 811),  # three blocks of depth
    (181, 35, 2),  # two blocks of rows
]


@pytest.fixture(params=available_isas() if cpu().native else ["none"])
def isa(request):
    before = get_isa()
    set_isa(request.param)
    yield request.param
    set_isa(before)


def laid_out(x: np.ndarray, layout: str) -> np.ndarray:
    """The same numbers, in another order in memory."""
    if layout == "transposed":
        return np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2)
    if layout == "spaced":
        wide = np.full((*x.shape[:-2], x.shape[-2] * 2, x.shape[-1] * 3), 99, x.dtype)
        wide[..., ::2, ::3] = x
        return wide[..., ::2, ::3]
    if layout == "reversed":
        return np.ascontiguousarray(x[..., ::-1, ::-1])[..., ::-1, ::-1]
    return x


def matmul(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> int:
    """out[...] = a @ b by the C function, batch dimensions broadcast, memory shared with NumPy."""
    batch = out.shape[:-2]
    a, b = np.broadcast_to(a, batch + a.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:])
    strides = [[s // x.itemsize for s in x.strides] for x in (out, a, b)]
    out_s, a_s, b_s = strides
    plan = cpu().lower(
        out.ndim + 1,
        [CODES[x.dtype.name] for x in (out, a, b)],
        [*out.shape, a.shape[-1]],
        [0, 0, 0],
        [[*out_s, 0], [*a_s[:-1], 0, a_s[-1]], [*b_s[:-2], 0, b_s[-1], b_s[-2]]],
    )
    ffi = cpu().runtime.ffi
    pointers = (ffi.cast("void *", x.__array_interface__["data"][0]) for x in (out, a, b))
    return cpu().kernels.matmul(plan, *pointers)


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_exact_in_every_layout(isa, shape, dtype):
    m, n, k = shape
    rng = np.random.default_rng(m + n + k)
    whole_a, whole_b = (rng.integers(-9, 10, s).astype(dtype) for s in ((m, k), (k, n)))
    expected = whole_a.astype("i8") @ whole_b.astype("i8")
    for a_layout in LAYOUTS:
        for b_layout in LAYOUTS:
            for out_layout in LAYOUTS:
                out = laid_out(np.full((m, n), 77, dtype), out_layout)
                error = matmul(laid_out(whole_a, a_layout), laid_out(whole_b, b_layout), out)
                assert error == 0 and np.array_equal(out, expected), (a_layout, b_layout, out_layout)


@pytest.mark.parametrize("out_layout", LAYOUTS)
@pytest.mark.parametrize(
    "a_batch, b_batch",
    [((3,), (3,)), ((4,), ()), ((), (4,)), ((2, 1), (1, 3)), ((5, 1, 2), (3, 1)), ((0,), (0,))],
)
def test_batches_broadcast(isa, a_batch, b_batch, out_layout):
    rng = np.random.default_rng(len(a_batch))
    a = rng.integers(-9, 10, (*a_batch, 7, 5)).astype("f4")
    b = rng.integers(-9, 10, (*b_batch, 5, 19)).astype("f4")
    batch = np.broadcast_shapes(a_batch, b_batch)
    for a_layout in LAYOUTS:
        out = laid_out(np.full((*batch, 7, 19), 77, "f4"), out_layout)
        assert matmul(laid_out(a, a_layout), laid_out(b, a_layout), out) == 0
        assert np.array_equal(out, a @ b)


def test_one_row_for_all_and_one_column_for_all(isa):
    """A stride of 0 in the matrix itself: a broadcast row, a broadcast column."""
    row, column = np.arange(40, dtype="f4")[None], np.arange(23, dtype="f4")[:, None]
    a, b = np.broadcast_to(row, (23, 40)), np.broadcast_to(np.ones((40, 1), "f4"), (40, 37))
    out = np.empty((23, 37), "f4")
    assert matmul(a, b, out) == 0 and np.array_equal(out, a @ b)
    same_rows = np.broadcast_to(np.arange(37, dtype="f4"), (40, 37))
    assert matmul(a, same_rows, out) == 0 and np.array_equal(out, a @ same_rows)
    tall, ones = np.broadcast_to(column, (23, 40)), np.ones((40, 37), "f4")
    assert matmul(tall, ones, out) == 0 and np.array_equal(out, tall @ ones)


@pytest.mark.parametrize("dtype, unit", [("float32", 6e-8), ("float64", 1.2e-16)])
def test_rounding_error_is_bounded(isa, dtype, unit):
    rng = np.random.default_rng(3)
    for m, n, k in [(64, 48, 1000), (300, 10, 37), (1, 500, 900), (500, 1, 900)]:
        a, b = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
        out = np.empty((m, n), dtype)
        assert matmul(a, b, out) == 0
        exact = a.astype("longdouble") @ b.astype("longdouble")
        assert (np.abs(out - exact) <= 4 * np.sqrt(k) * unit * (np.abs(a) @ np.abs(b))).all()


def test_not_a_number_stays_where_it_belongs(isa):
    """A nan or inf in one row must not leak into others through padding or edge tiles."""
    a, b = np.ones((9, 21), "f4"), np.ones((21, 35), "f4")
    a[4, 20], b[3, 34] = np.nan, np.inf
    out = np.empty((9, 35), "f4")
    assert matmul(a, b, out) == 0
    assert np.isnan(out[4]).all() and np.isinf(np.delete(out[:, 34], 4)).all()
    assert (np.delete(out[:, :34], 4, axis=0) == 21).all()


def test_integers_wrap_around(isa):
    a, b = np.full((3, 4), 2**30, "i4"), np.full((4, 17), 6, "i4")
    out = np.empty((3, 17), "i4")
    assert matmul(a, b, out) == 0
    assert (out == np.array(24 * 2**30, "i8").astype("i4")).all()


def test_same_bits_for_a_fixed_number_of_threads(isa):
    rng = np.random.default_rng(8)
    a, b = rng.standard_normal((130, 410)).astype("f4"), rng.standard_normal((410, 90)).astype("f4")
    before = get_num_threads()
    try:
        for threads in (1, 2, 3):
            set_num_threads(threads)
            first, again = np.empty((130, 90), "f4"), np.empty((130, 90), "f4")
            for out in (first, again):
                assert matmul(a, b, out) == 0
            assert first.tobytes() == again.tobytes()
    finally:
        set_num_threads(before)


def test_through_the_array_class():
    """The same, as a user writes it: transposed views reach the kernel without a copy."""
    x = ndarray.array(np.arange(12, dtype="f4").reshape(3, 4))
    assert np.array_equal((x.T @ x).numpy(), x.numpy().T @ x.numpy())
