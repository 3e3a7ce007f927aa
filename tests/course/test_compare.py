"""`close` and `same`: what a careless comparison lets through is refused, and the message says where."""

import numpy as np
import pytest

from needle_edu.course.compare import Mismatch, close, same


@pytest.mark.parametrize(
    ("got", "want", "status"),
    [
        ([1.0, 2.0], [1.0, 2.0], "wrong type"),
        ("3.0", 3.0, "wrong type"),
        (None, 3.0, "wrong type"),
        (np.array(["3"]), [3.0], "wrong type"),
        (np.array([3.0], object), [3.0], "wrong type"),
        (np.array([3j]), [3.0], "wrong type"),
        (np.zeros(0), [0.0], "wrong shape"),
        (np.zeros(0), np.zeros((1, 1)), "wrong shape"),
        (np.array(1.0), [1.0, 1.0], "wrong shape"),
        (np.ones((3, 1)), np.ones(3), "wrong shape"),
        (np.ones((2, 3)), np.ones((3, 2)), "wrong shape"),
        (np.array([np.nan]), [1.0], "wrong value (nan)"),
        (np.array([np.inf]), [1.0], "wrong value (inf)"),
        (np.array([-np.inf]), [1.0], "wrong value (inf)"),
        (np.array([1.001]), [1.0], "wrong value"),
        (np.array([-1.0]), [1.0], "wrong value"),
    ],
)
def test_close_refuses(got, want, status):
    with pytest.raises(Mismatch) as caught:
        close(got, want)
    assert caught.value.status == status


def test_close_accepts():
    close(np.array([1.00001, 2]), [1.0, 2.0])
    close(3, 3.0)
    close(np.array([True, False]), [True, False])
    close(np.float64(2.0).reshape(()), 2.0)


def test_close_asks_for_a_dtype():
    close(np.ones(2, "float32"), np.ones(2), dtype="float32")
    with pytest.raises(Mismatch, match="wrong dtype: expected float32, got float64"):
        close(np.ones(2), np.ones(2), dtype="float32")


def test_the_place_of_the_first_difference():
    got = np.arange(6.0).reshape(2, 3)
    got[1, 1:] = 9
    with pytest.raises(Mismatch, match=r"at \[1, 1\]: expected 4.0, got 9.0"):
        close(got, np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize("want", [[], [np.nan], ["a"], [np.inf]])
def test_a_test_that_expects_nothing_is_an_error(want):
    with pytest.raises(ValueError, match="expect finite numbers"):
        close(np.zeros(0), want)


@pytest.mark.parametrize(
    ("got", "want"),
    [
        ([1, 2], [1, 2, 3]),
        ([1, 2, 3, 4], [1, 2, 3]),
        ([1, 3, 2], [1, 2, 3]),
        ([], [1]),
        (True, 1),
        (1.0, 1),
        ("a", "b"),
        (None, 0),
        ([[1]], [[2]]),
        ({1: 2}, {1: 3}),
        (np.array([1.0, 2.0]), [1, 2]),
        (np.array([[1, 2]]), [1, 2]),
        (np.array([1, 2]), np.array([1, 3])),
    ],
)
def test_same_refuses(got, want):
    with pytest.raises(Mismatch):
        same(got, want)


def test_same_accepts():
    same((1, [2.5, "x", None]), [1, (2.5, "x", None)])
    same(np.array([1, 2, 3]), [1, 2, 3])
    same(np.array([1, 2]), np.array([1, 2]))


def test_several_values_are_told_apart():
    """Which gradient is wrong? The status says it, also where the numbers may not be shown."""
    with pytest.raises(
        Mismatch, match=r"^wrong value of the gradient of b at \[1\]: expected 3.0, got 2.0$"
    ) as caught:
        close(np.array([2.0, 2.0]), [2.0, 3.0], name="the gradient of b")
    assert caught.value.status == "wrong value of the gradient of b"
    for compare, got, want, status in [
        (close, np.zeros(2), np.zeros(3), "wrong shape of x"),
        (close, None, np.zeros(3), "wrong type of x"),
        (close, np.array([np.nan]), [1.0], "wrong value (nan) of x"),
        (same, [1, 2], [1, 2, 3], "wrong length of x"),
        (same, None, 3, "wrong type of x"),
    ]:
        with pytest.raises(Mismatch) as caught:
            compare(got, want, name="x")
        assert caught.value.status == status


def test_a_hint_is_for_the_value_its_mistake_gives():
    hints = {"The sign.": [-1.0, -2.0], "The order.": [2.0, 1.0]}
    for got, hint in [
        ([-1.0, -2.0], "The sign."),
        ([2.0, 1.0], "The order."),
        ([3.0, 3.0], ""),
        ([-1.0], ""),
    ]:
        with pytest.raises(Mismatch) as caught:
            close(np.array(got), [1.0, 2.0], hints=hints)
        assert caught.value.hint == hint
    with pytest.raises(Mismatch) as caught:
        same([2, 1], [1, 2], hints={"Backwards.": [2, 1]})
    assert caught.value.hint == "Backwards." and "expected [1, 2], got [2, 1]" in str(caught.value)
    close(np.array([1.0, 2.0]), [1.0, 2.0], hints=hints)


def test_numbers_that_differ_late_are_shown_whole():
    with pytest.raises(Mismatch, match="expected 0.333333333333333.*, got 0.33333334"):
        close(np.float32([1 / 3]), [1 / 3], rtol=1e-12, atol=0)
