"""`when_written` shortens one thing only: an answer of the student's that is not written yet."""

import pytest

import needle_edu as ndl
from needle_edu.course import NotWritten, when_written


def unwritten(*values):
    raise NotImplementedError()


def test_an_answer_deep_inside_the_framework_is_named():
    class Sigmoid(ndl.autograd.TensorOp):
        """Not written yet."""

        def compute(self, a):
            return unwritten(a)

    with (
        pytest.raises(NotWritten, match="^unwritten is not written yet") as caught,
        when_written(),
        when_written(),
        ndl.override("sigmoid", Sigmoid),
    ):
        ndl.ops.sigmoid(ndl.Tensor([1.0]))
    assert caught.value._render_traceback_() == [str(caught.value)], "one line in Jupyter"
    assert ndl.ops.sigmoid(ndl.Tensor([0.0])).item() == 0.5, "and the override has ended"


def test_every_other_error_keeps_its_traceback():
    def wrong():
        return 1 / 0

    class Half(ndl.autograd.TensorOp):
        """Forward only: the framework itself says that the gradient is missing."""

        def compute(self, a):
            return a / 2

    def missing_gradient():
        Half().apply(ndl.Tensor([1.0])).backward()

    with pytest.raises(ZeroDivisionError), when_written():
        wrong()
    with pytest.raises(Exception) as caught, when_written():
        missing_gradient()
    assert not isinstance(caught.value, NotWritten)
    with pytest.raises(NotImplementedError) as caught, when_written():
        exec("raise NotImplementedError()")
    assert not isinstance(caught.value, NotWritten), "a cell that raises by itself names no answer"
