"""The compiled poolings against the arithmetic in arrays that they replace, bit for bit: on every instruction set, on
views and channels last, with ties, infinities and nan; several blocks of rows, windows of columns and channels."""

import numpy as np
import pytest

from needle_edu import Tensor, ndarray as nd, ops
from needle_edu.ops import avg_pooling, max_pooling

CASES = {
    "plain": ((3, 4, 8, 6), {"kernel_size": 2}),
    "odd": ((2, 3, 7, 9), {"kernel_size": 2}),
    "overlapping": ((3, 2, 9, 8), {"kernel_size": 3, "stride": 2, "padding": 1}),
    "every pixel": ((2, 2, 5, 6), {"kernel_size": 3, "stride": 1, "padding": 1}),
    "ceil": ((2, 3, 10, 11), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    "dilated": (
        (2, 3, 11, 12),
        {"kernel_size": (2, 3), "stride": (2, 3), "padding": (1, 2), "dilation": (3, 2)},
    ),
    "gaps between windows": ((2, 3, 11, 13), {"kernel_size": (1, 2), "stride": (3, 5)}),
    "padding alone": ((1, 2, 1, 1), {"kernel_size": 2, "stride": 1, "padding": 1, "dilation": 2}),
    "many channels": ((2, 70, 6, 5), {"kernel_size": 2}),
    "many small planes": ((40, 30, 4, 4), {"kernel_size": 2}),
    "rows in blocks": ((2, 2, 150, 40), {"kernel_size": 3, "stride": 2, "padding": 1}),
    "columns in blocks": ((1, 2, 1, 9000), {"kernel_size": (1, 3), "stride": (1, 2), "padding": (0, 1)}),
    "whole image": ((3, 5, 7, 6), {"kernel_size": (7, 6)}),
    "no image": ((0, 2, 4, 4), {"kernel_size": 2}),
}
RUNTIME = nd.zeros(1).device.runtime


@pytest.fixture(autouse=True)
def _compiled_kernels():
    if not max_pooling.compiled(nd.ones((1, 1, 1, 1), dtype="float32")):
        pytest.skip("there are no compiled kernels here")


def numbers(rng, shape, dtype):
    x = rng.integers(-2, 3, shape).astype(dtype)
    chosen = rng.random(shape) < 0.2
    x[chosen] = rng.choice([np.nan, np.inf, -np.inf, -np.inf], chosen.sum())
    return x


def leaf(view):
    """A tensor without a history that lies in memory as `view` does."""
    return Tensor.make_const(view, requires_grad=True)


def contiguous(x):
    return Tensor(x, dtype=x.dtype.name)


def channels_last(x):
    """The same numbers, with channels that lie side by side."""
    return ops.permute(contiguous(np.moveaxis(x, 1, -1)), (0, 3, 1, 2))


def gaps_and_reversed(x):
    """The same numbers, read backwards from every second element, rows and columns swapped in memory."""
    wide = np.zeros((*x.shape[:2], x.shape[3], x.shape[2] * 2), x.dtype)
    wide[..., ::2] = np.swapaxes(x, 2, 3)[..., ::-1, ::-1]
    return (
        ops.permute(contiguous(wide)[..., ::-1, :][..., :-1:2][..., ::-1], (0, 1, 3, 2))
        if x.size
        else contiguous(x)
    )


def results(a, attributes):
    a = leaf(a)
    y = ops.max_pool2d(a, **attributes)
    y.backward(Tensor(np.arange(1.0, y.size + 1).reshape(y.shape) % 7, dtype=a.dtype))
    places = y.op.places(a.cached_data)
    return y.numpy(), a.grad.numpy(), places.numpy()


@pytest.mark.parametrize("lay", [contiguous, channels_last, gaps_and_reversed])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_kernels_compute_what_is_written_in_arrays(rng, monkeypatch, case, dtype, lay):
    shape, attributes = case
    x = numbers(rng, shape, dtype)
    with monkeypatch.context() as m:
        m.setattr(max_pooling, "compiled", lambda a: False)
        wanted = results(contiguous(x), attributes)
    usual = RUNTIME.get_isa()
    try:
        for isa in RUNTIME.available_isas():
            RUNTIME.set_isa(isa)
            for name, got, right in zip(
                ("y", "adjoint", "places"), results(lay(x), attributes), wanted, strict=True
            ):
                np.testing.assert_array_equal(got, right, err_msg=f"{name}, {isa}")
    finally:
        RUNTIME.set_isa(usual)


def test_results_lie_as_the_input_does(rng):
    a = channels_last(rng.normal(size=(2, 3, 4, 4)).astype("float32"))
    a = leaf(a)
    y = ops.max_pool2d(a, 2)
    y.backward()
    assert y.cached_data.strides == (12, 1, 6, 3) and a.grad.cached_data.strides == (48, 1, 12, 3)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_same_bits_for_any_number_of_threads(rng, case):
    shape, attributes = case
    a = Tensor(rng.normal(size=shape).astype("float32"))
    usual = RUNTIME.get_num_threads()
    try:
        RUNTIME.set_num_threads(1)
        alone = results(a, attributes)
        for threads in (2, 3):
            RUNTIME.set_num_threads(threads)
            for one, other in zip(alone, results(a, attributes), strict=True):
                assert one.tobytes() == other.tobytes()
    finally:
        RUNTIME.set_num_threads(usual)


def test_where_places_are_noted():
    """Only where a gradient may be asked for; elsewhere they are found again."""
    a = Tensor(np.ones((1, 1, 4, 4), "float32"))
    y = ops.max_pool2d(a, 2)
    assert y.extra["places"].dtype == "int32"
    assert ops.max_pool2d(a.detach(), 2).extra is None
    y.extra = None
    y.backward()
    assert a.grad.numpy().sum() == 4 and a.grad.numpy()[0, 0, 0, 0] == 1


MEANS = {
    "plain": ((3, 4, 8, 6), {"kernel_size": 2}),
    "overlapping": ((3, 2, 9, 8), {"kernel_size": 3, "stride": 2, "padding": 1}),
    "without padding": (
        (2, 3, 9, 8),
        {"kernel_size": 3, "stride": 1, "padding": 1, "count_include_pad": False},
    ),
    "ceil": ((2, 3, 10, 11), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    "ceil, without padding": (
        (2, 3, 10, 12),
        {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False},
    ),
    "divisor": ((2, 3, 5, 13), {"kernel_size": (1, 2), "stride": (3, 5), "divisor_override": 7}),
    "many channels": ((2, 70, 6, 5), {"kernel_size": 2}),
    "whole image": ((3, 5, 7, 6), {"kernel_size": (7, 6), "divisor_override": 42}),
    "columns in blocks": ((1, 2, 1, 9000), {"kernel_size": (1, 3), "stride": (1, 2), "padding": (0, 1)}),
    "no image": ((0, 2, 4, 4), {"kernel_size": 2}),
}


def means(a, attributes):
    a = leaf(a)
    y = ops.avg_pool2d(a, **attributes)
    y.backward(Tensor(np.arange(1.0, y.size + 1).reshape(y.shape) % 7, dtype=a.dtype))
    return y.numpy(), a.grad.numpy()


@pytest.mark.parametrize("lay", [contiguous, channels_last, gaps_and_reversed])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", MEANS.values(), ids=MEANS)
def test_means_are_what_is_written_in_arrays(rng, monkeypatch, case, dtype, lay):
    shape, attributes = case
    x = rng.normal(size=shape).astype(dtype)
    if x.size:
        x.flat[[0, -1]] = np.nan, np.inf
    with monkeypatch.context() as m:
        m.setattr(avg_pooling, "compiled", lambda a: False)
        wanted = means(contiguous(x), attributes)
    usual = RUNTIME.get_isa()
    try:
        for isa in RUNTIME.available_isas():
            RUNTIME.set_isa(isa)
            got = means(lay(x), attributes)
            np.testing.assert_array_equal(got[0], wanted[0], err_msg=isa)
            np.testing.assert_allclose(
                got[1], wanted[1], rtol=1e-6 if dtype == "float32" else 1e-14, err_msg=isa
            )
    finally:
        RUNTIME.set_isa(usual)


@pytest.mark.parametrize("lay", [contiguous, channels_last, gaps_and_reversed])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_mean_of_a_whole_image_is_a_reduction(rng, dtype, lay):
    """Its order of adding is the reductions', another one on each instruction set."""
    x = rng.normal(size=(3, 5, 7, 6)).astype(dtype)
    tolerance = {"rtol": 1e-5, "atol": 1e-7} if dtype == "float32" else {"rtol": 1e-13, "atol": 1e-15}
    usual = RUNTIME.get_isa()
    try:
        for isa in RUNTIME.available_isas():
            RUNTIME.set_isa(isa)
            y, grad = means(lay(x), {"kernel_size": (7, 6)})
            np.testing.assert_allclose(y, x.mean((2, 3), "float64", keepdims=True), err_msg=isa, **tolerance)
            np.testing.assert_allclose(
                grad, np.broadcast_to(np.arange(1.0, 16).reshape(3, 5, 1, 1) % 7 / 42, x.shape), **tolerance
            )
    finally:
        RUNTIME.set_isa(usual)
