"""grad_check: right gradients pass, wrong ones fail with numbers that can be followed by hand."""

import re

import numpy as np
import pytest

from needle_edu import ops
from needle_edu.autograd import TensorOp, grad_check, no_grad
from needle_edu.backend import GradientError


class SwappedMul(TensorOp):
    """A product whose gradients are swapped: right for equal inputs only."""

    def compute(self, a, b):
        return a * b

    def gradient(self, out_grad, node):
        a, b = node.inputs
        return out_grad * a, out_grad * b


def test_the_message_can_be_followed_by_hand():
    """With the `out_grad` of the message, what it says about backward and slope is plain arithmetic."""
    with pytest.raises(GradientError) as error:
        grad_check(SwappedMul(), [2.0, 3.0], [2.0, 5.0])
    text = str(error.value)
    assert "SwappedMul: wrong gradient for input 0[1] (1 of 2 elements are wrong)" in text
    numbers = {
        what: [float(x) for x in re.search(rf"{what} +=? ?\[?([-\d. ]+)", text)[1].split()]
        for what in ("backward says", "the slope there is", "input 0", "input 1", "out_grad")
    }
    g = numbers["out_grad"][1]
    assert numbers["input 0"] == [2, 3]
    assert numbers["input 1"] == [2, 5]
    assert numbers["backward says"] == pytest.approx([g * 3], rel=1e-6)
    assert numbers["the slope there is"] == pytest.approx([g * 5], rel=1e-6)


def test_a_gradient_that_never_arrives_is_no_zero():
    with pytest.raises(GradientError, match="no gradient at all"):
        grad_check(lambda a: a.detach() * 2, [1.0])


def test_it_works_under_no_grad():
    with no_grad():
        assert grad_check(ops.exp, [1.0])
        with pytest.raises(GradientError):
            grad_check(SwappedMul(), [1.0], [2.0])


@pytest.mark.shares_memory
def test_a_compute_in_numpy_keeps_its_digits():
    """In float32 the difference of two close points would be noise."""

    class Sine(TensorOp):
        def compute(self, a):
            return np.sin(np.asarray(a))

        def vjp0(self, g, node):
            return g * node.inputs[0].cos()

    assert grad_check(Sine(), [0.5, 2.0], tol=1e-8)


@pytest.mark.parametrize(
    ("function", "point", "message"),
    [
        (ops.exp, [1, 2], "no input is a float"),
        (ops.Exp, [1.0], r"write Exp\(\)"),
        (lambda a: a.numpy(), [1.0], "returned ndarray; wanted a Tensor"),
        (ops.log, [-1.0], "nan"),
    ],
)
def test_what_cannot_be_checked_does_not_pass(function, point, message):
    with np.errstate(all="ignore"), pytest.raises((GradientError, TypeError), match=message):
        grad_check(function, point)
