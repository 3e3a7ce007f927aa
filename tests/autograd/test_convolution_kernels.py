"""The compiled convolutions against the arithmetic in arrays that they replace, where their blocks end: several blocks
of images and of rows, images too small to fill one, weights and images that must be brought into order, and views."""

import numpy as np
import pytest

from needle_edu import ndarray as nd
from needle_edu.ops import correlation as co

CASES = {
    "wide images": ((3, 1, 28, 28), (6, 1, 5, 5), 1, 2, 1, 1, False),
    "many wide images": ((35, 2, 17, 18), (3, 2, 3, 2), 1, 1, 1, 1, False),
    "rows in blocks": ((2, 24, 40, 33), (5, 24, 3, 3), 1, 1, 1, 1, False),
    "rows in blocks, channels last": ((2, 40, 33, 24), (3, 3, 24, 5), 1, 1, 1, 1, True),
    "rows in blocks, five in a row": ((2, 24, 200, 5), (5, 24, 3, 3), 1, 1, 1, 1, False),
    "rows in blocks, five in a row, channels last": ((2, 200, 5, 24), (3, 3, 24, 5), 1, 1, 1, 1, True),
    "more weights than are read directly": ((2, 1000, 5, 18), (20, 1000, 3, 3), 1, 1, 1, 1, False),
    "as many outputs as lanes": ((3, 5, 9, 8), (16, 5, 3, 3), 1, 1, 1, 1, False),
    "as many outputs as lanes, channels last": ((3, 9, 8, 5), (3, 3, 5, 16), 1, 1, 1, 1, True),
    "outputs beyond whole vectors": ((3, 5, 9, 8), (37, 5, 3, 3), 2, 4, 1, 1, False),
    "no padding": ((3, 6, 14, 14), (16, 6, 5, 5), 1, 0, 1, 1, False),
    "few outputs, in groups, dilated": ((3, 4, 20, 30), (6, 2, 3, 3), 1, 3, (2, 3), 2, False),
    "few outputs, steps down": ((3, 2, 21, 30), (3, 2, 3, 3), (2, 1), 1, 1, 1, False),
    "rows in blocks, narrow": ((2, 70, 60, 7), (9, 70, 5, 5), 1, 2, 1, 1, False),
    "images in blocks": ((37, 8, 4, 4), (5, 8, 3, 3), 1, 1, 1, 1, False),
    "images in blocks, channels last": ((37, 4, 4, 8), (3, 3, 8, 5), 1, 1, 1, 1, True),
    "one pixel": ((19, 16, 1, 1), (7, 16, 3, 3), 1, 1, 1, 1, False),
    "all but the middle sees padding": ((9, 4, 2, 2), (3, 4, 7, 7), 2, 3, 1, 1, False),
    "all but the middle sees padding, dilated": ((3, 4, 2, 2), (3, 4, 5, 5), 1, 4, 2, 1, False),
    "windows only in the padding": ((2, 3, 1, 1), (2, 3, 1, 1), 2, 3, 1, 1, False),
    "one window sees all": ((19, 8, 5, 3), (21, 8, 5, 3), 1, 0, 1, 1, False),
    "one window sees all, channels last": ((19, 5, 5, 8), (5, 5, 8, 21), 1, 0, 1, 1, True),
    "one window sees all, in groups": ((19, 8, 5, 3), (6, 4, 5, 3), 2, 0, 1, 2, False),
    "one window sees nearly all": ((19, 8, 5, 4), (5, 8, 5, 3), 2, 0, 1, 1, False),
    "one output for one window": ((19, 8, 5, 3), (1, 8, 5, 3), 1, 0, 1, 1, False),
    "one window, inside of the kernel": ((19, 2, 3, 8), (4, 5, 8, 21), 2, 1, 1, 1, True),
    "a kernel of one pixel": ((5, 12, 9, 11), (7, 12, 1, 1), 1, 0, 1, 1, False),
    "a kernel of one pixel, channels last": ((5, 9, 9, 12), (1, 1, 12, 7), 1, 0, 1, 1, True),
    "a kernel of one pixel, in groups": ((5, 12, 9, 11), (6, 4, 1, 1), 1, 0, 1, 3, False),
    "a kernel of one pixel, of one row": ((5, 12, 9, 11), (7, 12, 1, 1), (9, 1), 0, 1, 1, False),
    "a kernel of one pixel, padded": ((5, 12, 9, 11), (7, 12, 1, 1), 1, 1, 1, 1, False),
    "a kernel of one pixel, padded above": ((5, 12, 9, 11), (7, 12, 1, 1), 1, (1, 0), 1, 1, False),
    "a kernel of one pixel, padded on the left": ((5, 12, 9, 11), (7, 12, 1, 1), 1, (0, 1), 1, 1, False),
    "a kernel of one pixel, with steps": ((5, 9, 9, 12), (1, 1, 12, 7), 2, 0, 1, 1, True),
    "tiles": ((9, 32, 7, 12), (19, 32, 3, 3), 1, 1, 1, 1, False),
    "tiles, channels last": ((9, 6, 9, 35), (3, 3, 35, 37), 1, 1, 1, 1, True),
    "tiles of 2 x 2 taps": ((9, 33, 9, 9), (20, 33, 2, 2), 1, 0, 1, 1, False),
    "tiles of steps": ((9, 18, 14, 16), (40, 18, 4, 4), 2, 1, 1, 1, False),
    "tiles of steps down": ((9, 17, 13, 8), (16, 17, 4, 3), (2, 1), (3, 0), 1, 1, False),
    "tiles of steps, channels last": ((9, 14, 14, 18), (4, 4, 18, 40), 2, 1, 1, 1, True),
    "tiles, all but the last row": ((9, 16, 15, 16), (16, 16, 4, 4), 2, 0, 1, 1, False),
    "tiles in groups": ((3, 64, 10, 14), (32, 32, 3, 3), 1, (2, 0), 1, 2, False),
    "tiles, cut off": ((9, 32, 15, 14), (16, 32, 3, 3), 1, ((-1, 0), (2, -2)), 1, 1, False),
    "tiles in several blocks": ((70, 32, 8, 6), (32, 32, 3, 3), 1, 1, 1, 1, False),
    "windows that see little": ((9, 1, 28, 27), (20, 1, 4, 4), 2, 1, 1, 1, False),
    "windows that see little, in groups": ((3, 4, 20, 21), (40, 2, 3, 2), (1, 2), 2, (2, 1), 2, False),
    "stride above the kernel": ((4, 3, 32, 32), (4, 3, 2, 2), 5, 0, 1, 1, False),
    "cut off": ((2, 3, 9, 12), (4, 3, 3, 3), 1, ((-1, 0), (2, -2)), 1, 1, False),
    "dilated": ((2, 4, 20, 21), (6, 2, 3, 3), (2, 1), 3, (3, 2), 2, False),
    "depthwise": ((5, 12, 9, 11), (12, 1, 3, 3), 1, 1, 1, 12, False),
    "one output": ((9, 3, 6, 6), (1, 3, 3, 3), 1, 1, 1, 1, False),
    "no image": ((0, 3, 6, 6), (2, 3, 3, 3), 1, 1, 1, 1, False),
    "no channel": ((2, 0, 6, 6), (2, 0, 3, 3), 1, 1, 1, 1, False),
    "no output": ((2, 3, 6, 6), (0, 3, 3, 3), 1, 1, 1, 1, False),
    "one axis": ((11, 6, 300), (8, 3, 5), 2, 4, 3, 2, False),
}
RUNTIME = nd.zeros(1).device.runtime
THREE = ("forward", "input_adjoint", "weight_adjoint")


def arrays(rng, case, dtype, change=lambda a: a):
    """What is to be done, and x, w and an adjoint of y."""
    x, w, stride, padding, dilation, groups, last = case
    c = co.correlation("conv2d", x, w, stride, padding, dilation, groups, last)
    return c, *[change(nd.array(rng.normal(size=shape), dtype=dtype)) for shape in (x, w, c.y)]


def results(c, x, w, g):
    return [co.forward(c, x, w), co.input_adjoint(c, g, w), co.weight_adjoint(c, x, g)]


def gaps_and_reversed(a):
    """The same numbers as a view: axes in another order, gaps, the last one backwards."""
    wide = nd.zeros((*a.shape[::-1], 2), dtype=a.dtype)
    wide[..., 1] = nd.permute_dims(nd.flip(a, axis=-1), tuple(range(a.ndim))[::-1])
    return nd.flip(nd.permute_dims(wide[..., 1], tuple(range(a.ndim))[::-1]), axis=-1)


def written_in_arrays(monkeypatch, *given):
    with monkeypatch.context() as m:
        m.setattr(co, "compiled", lambda a, b: False)
        return results(*given)


@pytest.fixture(autouse=True)
def _compiled_kernels():
    if co.convolution is None or not RUNTIME.native:
        pytest.skip("there are no compiled kernels here")


@pytest.mark.parametrize("view", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_kernels_compute_what_is_written_in_arrays(rng, monkeypatch, case, dtype, view):
    c, *given = arrays(rng, case, dtype)
    wanted = written_in_arrays(monkeypatch, c, *given)
    if view:
        given = [gaps_and_reversed(a) if a.size else a for a in given]
    tolerance = 3e-5 if dtype == "float32" else 1e-12
    usual = RUNTIME.get_isa()
    try:
        for isa in RUNTIME.available_isas():
            RUNTIME.set_isa(isa)
            for name, got, right in zip(THREE, results(c, *given), wanted, strict=True):
                scale = np.abs(right.numpy()).max(initial=1)
                np.testing.assert_allclose(
                    got.numpy(), right.numpy(), 0, tolerance * scale, err_msg=f"{name}, {isa}"
                )
    finally:
        RUNTIME.set_isa(usual)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_same_bits_for_any_number_of_threads(rng, case):
    given = arrays(rng, case, "float32")
    usual = RUNTIME.get_num_threads()
    try:
        RUNTIME.set_num_threads(1)
        alone = results(*given)
        for threads in (2, 3):
            RUNTIME.set_num_threads(threads)
            for name, one, other in zip(THREE, alone, results(*given), strict=True):
                assert one.numpy().tobytes() == other.numpy().tobytes(), f"{name}, {threads} threads"
    finally:
        RUNTIME.set_num_threads(usual)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "case", ["wide images", "as many outputs as lanes", "no padding", "tiles", "tiles of steps"]
)
def test_infinities_stay_where_they_are_seen(rng, monkeypatch, case, dtype):
    c, x, w, g = arrays(rng, CASES[case], dtype)
    for a in (x, g):
        width = a.shape[3]
        a[1, 0, 3, min(13, width - 3)] = np.inf  # in the part of a row that two vectors of lanes share
        a[2, -1, 2, min(21, width - 2)] = np.inf
        a[0, -1, 1, 1] = np.nan
    wanted = written_in_arrays(monkeypatch, c, x, w, g)
    usual = RUNTIME.get_isa()
    try:
        for isa in RUNTIME.available_isas():
            RUNTIME.set_isa(isa)
            for name, got, right in zip(THREE, results(c, x, w, g), wanted, strict=True):
                np.testing.assert_allclose(got.numpy(), right.numpy(), 1e-3, 1e-3, err_msg=f"{name}, {isa}")
    finally:
        RUNTIME.set_isa(usual)


@pytest.mark.parametrize("case", [name for name in CASES if name.startswith("tiles")])
def test_tiles_round_little(rng, monkeypatch, case):
    c, *exact = arrays(rng, CASES[case], "float64")
    wanted = written_in_arrays(monkeypatch, c, *exact)
    for name, got, right in zip(
        THREE, results(c, *[a.astype("float32") for a in exact]), wanted, strict=True
    ):
        size = np.sqrt(np.mean(right.numpy() ** 2))
        np.testing.assert_allclose(got.numpy(), right.numpy(), 0, 1e-5 * size, err_msg=name)


def test_a_large_number_is_rounded_in_its_tile_alone(rng, monkeypatch):
    """What docs/differences.md says of tiles: errors are small beside what it holds, elsewhere no larger."""
    c, x, w, g = arrays(rng, CASES["tiles"], "float64")
    x[1, 3, 0, 0] = 2.0**20
    right = written_in_arrays(monkeypatch, c, x, w, g)[0].numpy()
    error = np.abs(co.forward(c, x.astype("float32"), w.astype("float32")).numpy() - right)
    tile = error[1, :, :3, :3]
    assert 1e-3 < tile.max() < 2.0**20 * 1e-5
    tile[...] = 0
    assert error.max() < 1e-4


def test_what_has_no_kernel_is_computed_in_arrays(rng):
    c = co.correlation("conv2d", (1, 1, 3, 3), (1, 1, 2, 2), 1, 0, 1, 1, False)
    x, w = nd.ones((1, 1, 3, 3), dtype="int64"), nd.ones((1, 1, 2, 2), dtype="int64")
    assert not co.compiled(x, w)
    assert not co.compiled(nd.ones(1, dtype="float32"), nd.ones(1, dtype="float64"))
    assert co.forward(c, x, w).numpy().tolist() == [[[[4, 4], [4, 4]]]]
