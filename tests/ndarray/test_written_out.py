"""A lecture sends the reader to array.py and tensor.py: every operator and method of the course stands there.

So `NDArray` and `Tensor` are read as they are used; nothing is put into them from elsewhere behind the reader's back.
"""

import ast
import inspect

import pytest

from needle_edu import Tensor, ndarray as nd
from needle_edu.autograd.array_value import ArrayValue
from needle_edu.ndarray import functions, linalg, reductions
from needle_edu.ndarray.strided import StridedArray

OPERATORS = """
    __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ __pow__ __rpow__ __matmul__
    __rmatmul__ __neg__ __lt__ __le__ __gt__ __ge__ __getitem__
"""
ARRAY = """
    __init__ make shape strides offset device dtype ndim size flat _handle fill to numpy is_compact compact as_strided
    reshape permute broadcast_to process_slice __setitem__ __eq__ __ne__ maximum log exp tanh sum max flip pad
    compact_strides
"""
TENSOR = """
    __init__ data detach shape dtype device backward numpy matmul sum broadcast_to reshape transpose
"""


def names_in_the_class_body(cls):
    """Return what the class binds in its own source: methods, and names that are assigned."""
    body = ast.parse(inspect.getsource(cls)).body[0].body
    found = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    for node in body:
        for target in node.targets if isinstance(node, ast.Assign) else ():
            found.update(n.id for n in ast.walk(target) if isinstance(n, ast.Name))
    return found


def test_ndarray_is_written_out():
    written = names_in_the_class_body(nd.NDArray) | names_in_the_class_body(StridedArray)
    assert set((OPERATORS + ARRAY).split()) <= written
    known = {"__module__", "__doc__", "__annotations__", "__firstlineno__", "__static_attributes__"}
    assert set(vars(nd.NDArray)) - known <= written, "something was put into the class afterwards"


def test_tensor_is_written_out():
    written = names_in_the_class_body(Tensor) | names_in_the_class_body(ArrayValue)
    assert set((OPERATORS + TENSOR).split()) <= written


@pytest.mark.parametrize(
    "name, function",
    [
        ("__add__", functions.add), ("__rsub__", functions.rsubtract), ("__matmul__", linalg.matmul),
        ("__lt__", functions.less), ("exp", functions.exp), ("sum", reductions.sum),
    ],
)  # fmt: skip
def test_an_operator_is_the_function_itself(name, function):
    """No layer between: a call costs what the function costs."""
    assert vars(nd.NDArray)[name] is function and function.__name__ != "op"


def test_results_are_of_the_public_class():
    """The files of functions do not import it; array.py enters it where they look."""

    class Mine(nd.NDArray):
        pass

    a = Mine([[1.0, 2.0], [3.0, 4.0]])
    for b in (
        a + a,
        a + 1,
        a @ a,
        a.exp(),
        a.sum(),
        a.T,
        a[0],
        a > 0,
        nd.zeros(2),
        nd.asarray([1.0]),
        a.copy(),
    ):
        assert type(b) is nd.NDArray
