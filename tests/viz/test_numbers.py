"""Large arrays in a step: statistics and a heat map of what was recorded, each checked against NumPy."""

import base64
import re
import struct
import zlib

import numpy as np
import pytest

from needle_edu.graph import take_snapshot
from needle_edu.graph.snapshot import sample_steps
from needle_edu.viz.stepper.numbers import array_parts, heat_html, table_text


def decoded(data: bytes) -> np.ndarray:
    """A PNG file read back: one colour (r, g, b) for each element."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + body)
        chunks[kind], at = body, at + 12 + length
    width, height = struct.unpack_from(">II", chunks[b"IHDR"])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not lines[:, 0].any()
    return np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)[lines[:, 1:]].astype(int)


def heat(array):
    html = heat_html(take_snapshot(array))
    return decoded(base64.b64decode(re.search(r"base64,([^\"]+)", html)[1])), html


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_statistics_are_numpys(rng, dtype):
    a = np.maximum(rng.normal(size=(30, 7, 5)), 0).astype(dtype)
    snap = take_snapshot(a)
    assert snap.array is None and snap.zeros == (a == 0).sum() > 100 and snap.not_finite == 0
    assert snap.norm == pytest.approx(np.linalg.norm(a.ravel().astype("float64")), rel=1e-12)
    assert snap.largest == a.max()
    small = take_snapshot(a[0, :2])
    assert small.zeros == (a[0, :2] == 0).sum() and small.sample is None
    assert small.norm == pytest.approx(np.linalg.norm(a[0, :2]), rel=1e-6)


def test_the_largest_number_may_be_negative():
    assert (
        take_snapshot(np.array([-5.0, 1.0])).largest == 5
        and take_snapshot(np.arange(-100.0, 3)).largest == 100
    )


def test_nan_and_infinity_are_counted():
    a = np.ones((10, 10))
    a[3, 4], a[5, 6], a[7, 8] = np.nan, np.inf, -np.inf
    assert take_snapshot(a).not_finite == 3 and np.isnan(take_snapshot(a).largest)
    assert take_snapshot(np.full(100, 1e30, "float32")).norm == pytest.approx(1e31), "no overflow in float32"
    assert "<th>nan, inf</th>" in "".join(array_parts(take_snapshot(a)))


SHAPES = [(100,), (1000,), (65, 3), (3, 65), (4, 5, 6), (1, 300), (17, 17), (2, 2, 2, 64)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_sample_holds_every_nth_row_and_column(shape, reverse):
    a = np.arange(float(np.prod(shape))).reshape(shape)
    a = a[::-1] if reverse else a
    down, across = sample_steps(shape)
    table = a.reshape(1, -1) if a.ndim < 2 else a.reshape(-1, shape[-1])
    sample = take_snapshot(a).sample
    np.testing.assert_array_equal(sample, table[::down, ::across])
    assert len(sample) <= 16 and sample.shape[1] <= (64 if a.ndim < 2 else 16)
    before = sample.copy()
    a[...] = -1
    np.testing.assert_array_equal(take_snapshot(a).sample, -np.ones_like(before))
    np.testing.assert_array_equal(sample, before, err_msg="a copy, which later writing does not change")


def test_blue_is_below_zero_and_orange_above():
    a = np.zeros((16, 16))
    a[0, 0], a[1, 2], a[2, 1], a[3, 3] = 2.0, -2.0, 1.0, np.nan
    colours, html = heat(a)
    assert colours.shape == (16, 16, 3)
    assert tuple(colours[0, 0]) == (232, 89, 12) and tuple(colours[1, 2]) == (31, 111, 235)
    assert tuple(colours[3, 3]) == (209, 0, 47) and tuple(colours[9, 9]) == (247, 247, 247)
    half = (np.array([232, 89, 12]) + 247) / 2
    assert np.abs(colours[2, 1] - half).max() <= 2, "one is half of two"
    assert "every row, every column" in html and "− 2 … 2" in html.replace("−2", "− 2")


@pytest.mark.parametrize("fill", [0.0, np.nan, np.inf, 3.0])
def test_arrays_of_one_number_have_a_picture_too(fill):
    colours, _ = heat(np.full((9, 9), fill))
    want = {0.0: (247, 247, 247), 3.0: (232, 89, 12)}.get(fill, (209, 0, 47))
    assert (colours == want).all()


def test_whole_numbers_and_truth_values_have_pictures():
    assert (heat(np.arange(100))[0][0, 0] == 247).all()
    assert heat(np.arange(100) > 50)[0].shape == (1, 50, 3)


def test_tables_are_written_briefly():
    assert table_text(np.array([[1.0, 0.5], [0.0, np.nan]])) == "\t1.0 0.5;0.0 nan"
    assert table_text(np.array(3.0)) == "\t3"
    assert table_text(np.arange(20)) == "\t0 1 2 3 4 5 6 ⋯ 18 19"
