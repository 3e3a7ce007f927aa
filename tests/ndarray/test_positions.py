"""Index and position beside NumPy's ravel_multi_index, unravel_index, and what the views themselves hold."""

import numpy as np
import pytest

from needle_edu import ndarray as nd
from needle_edu.backend import ShapeError


def views():
    a = nd.array(np.arange(24.0).reshape(2, 3, 4))
    return {
        "compact": a,
        "transposed": a.permute((2, 0, 1)),
        "sliced": a[1:, ::2, 1:],
        "flipped": a.flip((1, 2)),
        "broadcast": a[:1, :1].broadcast_to((2, 3, 4)),
    }


@pytest.mark.parametrize("name", views())
def test_the_position_of_an_element_holds_that_element(name):
    a = views()[name]
    memory = np.arange(24.0)  # position k holds the number k
    for k, index in enumerate(np.ndindex(a.shape)):
        assert nd.ordinal_to_index(k, a.shape) == index
        position = nd.index_to_position(index, a.strides, a.offset)
        assert memory[position] == a.numpy()[index]
        assert index in nd.position_to_indices(position, a.shape, a.strides, a.offset)


def test_beside_numpy():
    shape = (3, 4, 5)
    for k in range(60):
        assert nd.ordinal_to_index(k, shape) == tuple(map(int, np.unravel_index(k, shape)))
        index = nd.ordinal_to_index(k, shape)
        assert nd.index_to_position(index, (20, 5, 1)) == np.ravel_multi_index(index, shape)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (3, 1), (1, 4), (2, 1, 4), (2, 3, 4)])
def test_a_broadcast_index_reads_what_broadcasting_put_there(shape):
    small = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    large = np.broadcast_to(small, (2, 3, 4))
    for index in np.ndindex(2, 3, 4):
        assert small[nd.broadcast_index(index, shape)] == large[index]


@pytest.mark.parametrize(
    "shapes", [(), ((),), ((3, 1), (4,)), ((2, 1, 4), (3, 1), (1,)), ((0, 1), (1, 5)), ((1,), (0,))]
)
def test_the_shape_of_a_broadcast_is_numpys(shapes):
    assert nd.broadcast_shapes(*shapes) == np.broadcast_shapes(*shapes)


def test_shapes_that_do_not_broadcast_are_named():
    with pytest.raises(ShapeError, match=r"broadcast_shapes: shapes \(2, 3\) and \(2,\) do not broadcast"):
        nd.broadcast_shapes((2, 3), (2,))
    with pytest.raises(ShapeError, match="do not broadcast"):
        nd.broadcast_shapes((2,), (0,))


def test_a_single_number_has_an_empty_index():
    assert nd.ordinal_to_index(0, ()) == ()
    assert nd.index_to_position((), (), 7) == 7


def test_what_does_not_fit_is_said():
    with pytest.raises(ShapeError, match=r"one number for each axis, got index \(1,\) for strides \(3, 1\)"):
        nd.index_to_position((1,), (3, 1))
    for k in (-1, 6):
        with pytest.raises(IndexError, match=f"{k} is not below 6"):
            nd.ordinal_to_index(k, (2, 3))
    with pytest.raises(IndexError, match="0 is not below 0"):
        nd.ordinal_to_index(0, (0, 3))
    with pytest.raises(ShapeError, match="fewer axes than the shape"):
        nd.broadcast_index((1,), (3, 1))
    with pytest.raises(TypeError, match=r"index_to_position: index are several, in a list; got 1\.5"):
        nd.index_to_position(1.5, (1,))
    with pytest.raises(ShapeError, match=r"position_to_indices: wanted a stride for each axis"):
        nd.position_to_indices(0, (2, 3), (1,))


@pytest.mark.parametrize("places", [[2**31 + 6, -(2**31)], [0, -1], [2**32, 2**33 - 1, -(2**33)]])
def test_places_that_no_int32_holds(places):
    """A broadcast axis can be that long without memory: indices and sizes have 64 bits on the way to the kernels."""
    a = nd.broadcast_to(nd.array([1.0, 2.0, 3.0]), (2**33, 3))
    chosen = nd.take(a, nd.array(places, dtype="int64"), 0).numpy()
    np.testing.assert_array_equal(chosen, np.broadcast_to([1.0, 2.0, 3.0], (len(places), 3)))
    first = places[0] % 2**33
    np.testing.assert_array_equal(a[first : first + 2, ::-2].numpy(), [[3.0, 1.0], [3.0, 1.0]])


def test_an_index_is_out_of_range_beyond_int32_too():
    a = nd.broadcast_to(nd.array([1.0]), (2**33,))
    for place in (2**33, -(2**33) - 1):
        with pytest.raises(IndexError, match=f"{place} is out of range"):
            nd.take(a, nd.array([place], dtype="int64"), 0).numpy()
