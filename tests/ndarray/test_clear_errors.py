"""Arguments that a second reader tried: each gives NumPy's answer, or one error that names what was called."""

import numpy as np
import pytest

from needle_edu import ndarray as nd
from needle_edu.backend import DTypeError, ShapeError, cpu, cpu_numpy
from needle_edu.backend.dtypes import python_ints_as_int64


def test_arange_takes_the_end_by_name_alone():
    assert nd.arange(stop=5, step=2).numpy().tolist() == np.arange(stop=5, step=2).tolist()
    with pytest.raises(TypeError, match="arange: wanted where to stop"):
        nd.arange()


@pytest.mark.parametrize("n", [2.5, -1, 10**30])
def test_one_hot_names_itself(n):
    with pytest.raises(ShapeError, match="one_hot: n is "):
        cpu().one_hot(n, [0])


@pytest.mark.parametrize("label", [0.5, float("nan")])
def test_a_label_between_two_classes_is_none(label):
    assert cpu().one_hot(3, [1.0]).numpy().tolist() == [[0, 1, 0]]  # the course keeps labels as floats
    with pytest.raises(DTypeError, match="one_hot: labels are whole numbers from 0 to 2"):
        cpu().one_hot(3, [label])


def test_eye_larger_than_any_array():
    with pytest.raises(ShapeError, match="eye: n is at most"):
        nd.eye(10**30)


@pytest.mark.parametrize("size", [2**62, 2**63 - 1])
def test_the_reference_says_that_memory_is_missing(size):
    with pytest.raises(MemoryError, match="no memory for"):
        cpu_numpy().allocate(0, size)


def test_clip_wants_an_array():
    with pytest.raises(DTypeError, match="clip: wanted an NDArray, got str"):
        nd.clip("a", 0, 1)
    assert nd.clip([1.0, 5.0], 0, 2).numpy().tolist() == [1, 2]


def test_a_range_holds_python_integers_where_an_address_has_32_bits():
    assert python_ints_as_int64(np.arange(3, dtype="int32"), range(3)).dtype == "int64"
