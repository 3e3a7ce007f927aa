"""Every op answers for what it is given: a wrong call is an error that begins with the op's name."""

import inspect
import subprocess
import sys

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import Tensor, nn, no_grad, ops
from needle_edu.autograd import registry
from needle_edu.autograd.arrays import BACKEND, xp
from needle_edu.backend import DTypeError, GradientError, NeedleError

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
NAMES = list(registry.ops())
NO_NUMBERS = {"a string": "a", "None": None, "strings": ["a", "b"], "a dict": {}, "bytes": b"a"}
if BACKEND == "nd":  # NumPy's arrays may be complex
    NO_NUMBERS["complex"] = 1j
ERRORS = (NeedleError, TypeError, ValueError, IndexError)


def sample(name):
    """The first working call of an op: (inputs, attributes)."""
    attributes, inputs = registry.ops()[name].cls.samples(np.random.default_rng(3))[0]
    inputs = [tensor(x) for x in inputs]
    if getattr(registry.ops()[name].cls, "tuple_input", False):
        inputs = [inputs]
    return inputs, attributes


def parameters(name, *wanted):
    """The attributes of an op that have one of these names."""
    return [p for p in inspect.signature(getattr(ops, name)).parameters if p in wanted]


def may_be_left_out(name, place):
    """Whether an op does without this input: a mask, for example."""
    parameters = list(inspect.signature(registry.slot(name).original.compute).parameters.values())[1:]
    return place < len(parameters) and parameters[place].default is None


@pytest.mark.parametrize("wrong", NO_NUMBERS)
@pytest.mark.parametrize("name", NAMES)
def test_an_input_that_is_no_tensor(name, wrong):
    inputs, attributes = sample(name)
    for place in range(len(inputs)):
        if NO_NUMBERS[wrong] is None and may_be_left_out(name, place):
            continue
        given = [*inputs[:place], NO_NUMBERS[wrong], *inputs[place + 1 :]]
        with pytest.raises(ERRORS, match=rf"^{name}\b"):
            getattr(ops, name)(*given, **attributes)


WRONG = {
    "axes": ["a", 7, (0, 7), 0.5, ["a"], (0, 0)],
    "axis": ["a", 7, 0.5],
    "shape": ["ab", None, 0.5, (-5, 7), (2, 10**30)],
    "scalar": ["a", None, [1.0, 2.0], {}],
    "index": ["a", 10, 0.5, (0,) * 9],
    "dilation": ["a", -1, None, 0.5],
    "dtype": ["nonsense", 3, None],
    "c0": ["a", None],
}
FINE = {  # what an op rightly takes
    ("dilate", "axes"): (7, (0, 7), (0, 0)), ("undilate", "axes"): (7, (0, 7), (0, 0)),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "attribute"), [(name, attribute) for name in NAMES for attribute in parameters(name, *WRONG)]
)
def test_an_attribute_that_makes_no_sense(name, attribute):
    inputs, attributes = sample(name)
    for wrong in WRONG[attribute]:
        if wrong in FINE.get((name, attribute), ()):
            continue
        given = {key: value for key, value in attributes.items() if key not in ("axes", "axis")}
        if attribute in ("axes", "axis"):
            given[attribute] = wrong
        else:
            given = {**attributes, attribute: wrong}
        with pytest.raises((*ERRORS, OverflowError), match=rf"^{name}\b") as caught:
            getattr(ops, name)(*inputs, **given)
        assert "unexpected keyword" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_keyword_that_does_not_exist(name):
    inputs, attributes = sample(name)
    with pytest.raises(TypeError, match="colour") as caught:
        getattr(ops, name)(*inputs, **attributes, colour="red")
    assert name in str(caught.value) and "__init__" not in str(caught.value)


def test_an_error_names_the_function_that_was_called():
    """The mean takes a sum, the logsoftmax a maximum: that is nobody's business."""
    x, mask = tensor(X), Tensor([True, False])
    for call, message in (
        (lambda: ops.mean(x, 5), r"^mean: axis 5 is out of"),
        (lambda: x.mean(axis=5), r"^mean: axis 5 is out of"),
        (lambda: ops.logsoftmax(x, 5), r"^logsoftmax: axis 5 is out of"),
        (lambda: ops.transpose(x, (0, 5)), r"^transpose: axis 5 is out of"),
        (lambda: ops.exp("a"), r"^exp: wanted a tensor, a number or an array of numbers; got str"),
        (lambda: x + "a", r"^add: wanted a tensor, a number or an array of numbers; got str"),
        (
            lambda: x.mean(colour=1),
            r"^mean: got an unexpected keyword argument 'colour'; the function is mean\(",
        ),
        (lambda: ops.max(x, axes=0, axis=1), r"^max: axes and axis are two names for the same; got 0 and 1"),
        (lambda: ops.mul_scalar(x, x), r"^mul_scalar: wanted a number, got a Tensor; for two tensors use"),
        (lambda: Tensor("a"), r"^Tensor: wanted a tensor, a number"),
    ):
        with pytest.raises(ERRORS, match=message):
            call()
    if BACKEND == "nd":
        with pytest.raises(DTypeError, match="^negate: not defined for bool"):
            ops.negate(mask)


# ---- reductions: NumPy's words for it, and NumPy's own functions ------------------------------------------------

REDUCTIONS = ("summation", "mean", "max", "min", "prod", "logsumexp")


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_axis_and_axes_and_keepdims(name, axis, keepdims):
    def by_numpy(a):
        if name == "logsumexp":
            return np.log(np.exp(a).sum(axis, keepdims=keepdims))
        return getattr(a, {"summation": "sum"}.get(name, name))(axis, keepdims=keepdims)

    op = getattr(ops, name)
    results = [op(tensor(X), axis=axis, keepdims=keepdims), op(tensor(X), axes=axis, keepdims=keepdims)]
    results.append(op(tensor(X), axis, keepdims))
    method = getattr(Tensor, {"summation": "sum"}.get(name, name))
    results += [method(tensor(X), axis=axis, keepdims=keepdims), method(tensor(X), axis, keepdims)]
    expected = by_numpy(X)
    for result in results:
        if axis is not None or keepdims:
            assert result.shape == expected.shape
        np.testing.assert_allclose(result.numpy().reshape(expected.shape), expected, rtol=1e-12)


@pytest.mark.parametrize("axis", [None, 0, (0, 1)])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod"])
def test_numpy_s_functions_give_tensors_with_a_history(name, axis):
    x = tensor(X)
    y = getattr(np, name)(x, axis=axis)
    assert isinstance(y, Tensor)
    np.testing.assert_allclose(y.numpy().ravel(), np.ravel(getattr(X, name)(axis)))
    assert getattr(np, name)(x, axis=axis, keepdims=True).ndim == 2
    y.backward()
    assert x.grad.shape == X.shape


def test_argmax_as_numpy_asks_for_it():
    x = tensor(X)
    assert np.argmax(x, axis=1).numpy().tolist() == [2, 2]
    assert x.argmax(axes=1, keepdims=True).numpy().tolist() == [[2], [2]]


def test_keywords_of_numpy_that_mean_something_are_refused():
    for keyword, value in (("dtype", "float64"), ("out", np.zeros(()))):
        with pytest.raises(TypeError, match=rf"^max: {keyword}= is not supported"):
            tensor(X).max(**{keyword: value})
        with pytest.raises(TypeError, match=rf"^summation: {keyword}= is not supported"):
            tensor(X).sum(**{keyword: value})


# ---- a list of tensors is not data ------------------------------------------------------------------------------


def test_a_history_is_never_lost_in_a_list():
    x = tensor([1.0, 2.0])
    for call in (
        lambda: Tensor([x[0], 3 * x[1]]),
        lambda: Tensor([[1.0, x[0]], [2.0, 3.0]]),
        lambda: Tensor((x, x)),
        lambda: nn.Parameter([x]),
        lambda: x + [x[0], 1.0],
        lambda: ops.exp([x[0], 1.0]),
        lambda: ops.add(x, [x[0], 1.0]),
    ):
        with pytest.raises(GradientError, match=r"holds a tensor that requires a gradient.*ops\.stack"):
            call()
    joined = ops.stack([x[0], 3 * x[1]])
    joined.sum().backward()
    assert x.grad.numpy().tolist() == [1, 3]


@pytest.mark.shares_memory
def test_numbers_of_tensors_without_a_history_are_data():
    x = tensor([1.0, 2.0])
    assert Tensor([x.detach(), x.detach()]).numpy().tolist() == [[1, 2], [1, 2]]
    with no_grad():
        assert Tensor([x, x]).numpy().tolist() == [[1, 2], [1, 2]]
    again = Tensor(x * 2)
    assert again.is_leaf() and again.numpy().tolist() == [2, 4]

    assert np.array([x, x]).tolist() == xp.asarray([x, x]).tolist() == [[1, 2], [1, 2]]


# ---- numbers that fit nowhere -----------------------------------------------------------------------------------


@pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays give NumPy's errors")
def test_an_integer_that_fits_nowhere_has_one_clear_error():
    x, huge = tensor([1.0]), 10**5000  # too long even to be printed
    for call in (
        lambda: x + huge, lambda: huge * x, lambda: x - huge, lambda: huge / x, lambda: x < huge,
        lambda: Tensor(huge), lambda: Tensor([huge]), lambda: ops.where(x > 0, huge, x),
        lambda: Tensor([1]) + huge, lambda: ops.maximum(x, huge),
    ):  # fmt: skip
        with pytest.raises(DTypeError, match="an integer of 16610 bits (does not fit|is too large)"):
            call()


# ---- loading a module again ---------------------------------------------------------------------------------------

RELOAD = """
import importlib, sys
import needle_edu as ndl
from needle_edu.autograd import registry

names = list(registry.ops())
old = ndl.ops.ReLU
for name in [name for name in sys.modules if name.startswith("needle_edu.ops.")]:
    importlib.reload(sys.modules[name])
importlib.reload(ndl.ops)
assert list(registry.ops()) == names
assert ndl.ops.ReLU is not old and registry.ops()["relu"].cls is ndl.ops.ReLU
x = ndl.Tensor([-1.0, 2.0])
y = x.relu()
assert type(y.op) is ndl.ops.ReLU
y.backward()
assert x.grad.numpy().tolist() == [0, 1]
print("new classes")
"""


def test_a_module_of_ops_can_be_loaded_again():
    run = subprocess.run([sys.executable, "-c", RELOAD], capture_output=True, text=True, timeout=120)
    assert run.stdout == "new classes\n", run.stderr[-3000:]


def test_a_cell_that_registers_an_op_can_be_run_again():
    def cell():
        @registry.register
        class Tripled(ops.TensorOp):
            name = "tripled_in_a_cell"

            def compute(self, a):
                return a * 3

        return Tripled

    try:
        first, second = cell(), cell()
        assert registry.slot("tripled_in_a_cell").cls is second is not first
        with registry.override("tripled_in_a_cell", first):  # what lies on top stays on top
            third = cell()
            assert registry.slot("tripled_in_a_cell").cls is first
        assert registry.slot("tripled_in_a_cell").cls is third

        class Other(ops.TensorOp):
            name = "tripled_in_a_cell"

        with pytest.raises(NeedleError, match="registered twice"):
            registry.register(Other)
    finally:
        registry._slots.pop("tripled_in_a_cell")


# ---- types ----------------------------------------------------------------------------------------------------------


def test_type_checkers_know_gradients_and_results():
    from needle_edu.ops import generate

    stub = generate.tensor_stub()
    for line in ("grad: Tensor | None", "op: Op | None", "inputs: tuple[Value, ...]"):
        assert f"    {line}\n" in stub
    assert inspect.signature(nn.Module.__call__).return_annotation == "Tensor"


def test_numpy_s_keywords_reach_an_op_of_a_student_s():
    """The course's constructor takes `axes` alone."""
    from needle_edu import override

    class Mine(ops.TensorOp):
        def __init__(self, axes=None):
            self.axes = axes

        def compute(self, a):
            return xp.sum(a, axis=self.axes) * 10

    with override("summation", Mine), override("max", Mine):
        for y in (
            tensor(X).sum(axis=0),
            np.sum(tensor(X), axis=0),
            tensor(X).max(axis=0),
            np.max(tensor(X), axis=0),
        ):
            assert y.numpy().tolist() == (X.sum(0) * 10).tolist()
        with pytest.raises(TypeError, match=r"^summation: got an unexpected keyword argument 'keepdims'"):
            tensor(X).sum(0, keepdims=True)
