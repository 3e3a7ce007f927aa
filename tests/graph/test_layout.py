"""Layout choice: views around elementwise instructions go, and the numbers stay."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor, nn, ops
from needle_edu.autograd import TensorTuple, registry
from needle_edu.autograd.arrays import BACKEND
from needle_edu.graph import capture
from needle_edu.graph.passes import PASSES, layout, optimize
from needle_edu.graph.passes.regions import ELEMENTWISE
from needle_edu.graph.passes.views import View, view_of
from needle_edu.graph.static import validate

pytestmark = pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays cannot be captured")


def ones(*shape):
    return Tensor(np.linspace(-2, 2, int(np.prod(shape))).reshape(shape), dtype="float32")


def names(program):
    return [one.op.name for one in program.body]


def same(program, *arguments):
    """The program after the pass: the same numbers, to the last bit."""
    after = validate(layout(program))
    for a, b in zip(after(*arguments), program(*arguments), strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    return after


@pytest.mark.parametrize(
    "function, left",
    [
        (lambda x: [x.T.exp().T], ["exp"]),
        (lambda x: [x.T.exp()], ["transpose", "exp"]),  # one view either way
        (lambda x: [(x.T.exp() + x.T).T.tanh()], ["exp", "add", "tanh"]),
        (lambda x: [(x.T + x.T.exp()).reshape((12,)).tanh()], ["transpose", "exp", "add", "reshape", "tanh"]),
        (lambda x: [(x.reshape((12,)) * 2).reshape((3, 4))], ["mul_scalar"]),
        (lambda x: [ops.where(x.T > 0, x.T, x.T * 0.5).T], ["greater", "mul_scalar", "where"]),
        (lambda x: [(x.T * ones(4, 3)).T], ["multiply"]),  # the constant is turned now
        (lambda x: [(x.T * ones(3)).T], ["multiply"]),
        (lambda x: [(x.T * Tensor([2.0])).T], ["multiply"]),
        (lambda x: [(x.reshape((12,)) * Tensor([[2.0]]).reshape((1,))).reshape((3, 4))], None),
        (lambda x: [x.T.exp().T, x.T.exp()], None),
        (lambda x: [(x @ x.T + (x @ x.T).T).T.exp()], None),  # a view of the region is its own operand
        (lambda x: [x.T.sum((1,)), x.T.exp().T], ["transpose", "summation", "exp"]),
        (lambda x: [x.T.reshape((12,)).exp().reshape((4, 3)).T], ["exp"]),
    ],
)
def test_rules(function, left):
    x = ones(3, 4)
    program = optimize(capture(function, x), PASSES[:-1])
    after = same(program, x)
    assert len(after.body) <= len(program.body)
    if left is not None:
        assert names(after) == left, str(after)


def test_around_convolutions_no_permutation_is_left():
    """nn.Conv permutes to channels last and back: between two of them only elementwise functions see it."""
    ndl.init.seed(0)
    model = nn.Sequential(nn.Conv(3, 4, 3), nn.ReLU(), nn.Conv(4, 5, 3), nn.ReLU(), nn.Conv(5, 4, 3))
    x = ones(2, 3, 6, 6)

    def step(x):
        y = model(x)
        (y * y).sum().backward()
        return [y, *[p.grad for p in model.parameters()]]

    program = optimize(capture(step, x), PASSES[:-1])
    after = same(program, x)
    assert (names(program).count("permute"), names(after).count("permute")) == (11, 2), str(after)


def test_channels_last_around_convolutions_of_channels_first():
    w, b = [Tensor(0.1 * np.ones(shape), dtype="float32") for shape in ((4, 3, 3, 3), (4, 4, 3, 3))], ones(4)

    def conv(x, w):
        return ops.permute(ops.conv2d(ops.permute(x, (0, 3, 1, 2)), w, padding=1), (0, 2, 3, 1))

    def f(x):
        return [ops.relu(conv(ops.relu(conv(x, w[0]) + b.broadcast_to((2, 6, 6, 4))), w[1]))]

    x = ones(2, 6, 6, 3)
    after = same(capture(f, x), x)
    assert names(after) == [
        "permute", "conv2d", "broadcast_to", "permute", "add", "relu", "conv2d", "permute", "relu",
    ]  # fmt: skip


def test_no_copy_is_left():
    """A reshape of a transposed array is a copy; in the other layout there is nothing to reshape."""
    from needle_edu.graph.compiled import lower

    def f(x):
        return [((x.T.reshape((12,)) * 2).tanh() + 1).reshape((4, 3)).T]

    def copied(program):
        return sum(call.arguments[1].nbytes for call in lower(program).calls if call.kernel == "copy")

    if not ndl.cpu().native:
        pytest.skip("no compiled kernels")
    x = ones(3, 4)
    program = capture(f, x)
    assert (copied(program), copied(same(program, x))) == (48, 0)


def test_elementwise_functions_do_not_care_where_elements_lie():
    """What the pass assumes of each op in its list; and what is true of every other op of one shape is in it, too."""
    tried = set()
    for name in registry.ops():
        cls, holds = registry.slot(name).cls, []
        for attrs, given in cls.samples(np.random.default_rng(0)):
            shapes = {np.shape(one) for one in given}
            if getattr(cls, "tuple_input", False) or len(shapes) != 1 or len(min(shapes)) != 2:
                continue
            xs = [
                Tensor(one, dtype="float32" if np.asarray(one).dtype.kind == "f" else None) for one in given
            ]
            y = cls(**attrs)(*xs)
            if isinstance(y, TensorTuple) or y.shape != xs[0].shape:
                holds.append(False)
                continue
            turned = cls(**attrs)(*[x.T for x in xs]).T if name in ELEMENTWISE else None
            lined = (
                cls(**attrs)(*[x.reshape((x.size,)) for x in xs]).reshape(y.shape)
                if name in ELEMENTWISE
                else None
            )
            holds += [
                one is not None and np.array_equal(one.numpy(), y.numpy(), equal_nan=y.dtype.kind == "f")
                for one in (turned, lined)
            ]
        if name in ELEMENTWISE and holds:
            assert all(holds), name
            tried.add(name)
    assert len(tried) > 0.9 * len(ELEMENTWISE), sorted(ELEMENTWISE - tried)


def test_views():
    turn, line = View("permute", (2, 0, 1)), View("reshape", (6, 4))
    numbers = np.arange(24).reshape(2, 3, 4)
    back = turn.undone((2, 3, 4))
    assert not back.after(turn).changes((2, 3, 4)) and back.after(line) is None
    np.testing.assert_array_equal(back.of(turn.of(numbers)), numbers)
    assert turn.of(numbers).shape == turn.shape((2, 3, 4)) == (4, 2, 3)
    twice = turn.after(View("permute", (1, 0, 2)))
    np.testing.assert_array_equal(twice.of(numbers), turn.of(numbers.transpose(1, 0, 2)))
    [one] = capture(lambda x: x.transpose((0, 2)), Tensor(numbers)).body
    np.testing.assert_array_equal(view_of(one, (2, 3, 4)).of(numbers), numbers.swapaxes(0, 2))


def test_nothing_to_gain_changes_nothing():
    program = capture(lambda x: [(x.exp() * 2).T], ones(3, 4))
    assert str(layout(program)) == str(program)
