"""The engine on single numbers: beside tensors and finite differences; and it learns XOR."""

import math
import random

import pytest

import needle_edu as ndl
from needle_edu.autograd import Scalar

FORMULAS = {
    "sum": lambda x, y: x + y + 2 + (3 + x),
    "difference": lambda x, y: (x - y) * (1 - x) - 2.5,
    "product": lambda x, y: x * y * 2 * (0.5 * x),
    "quotient": lambda x, y: x / y + 1 / x + y / 4,
    "powers": lambda x, y: x**3 + y**-2 + x**0.5 + y**0,
    "negative": lambda x, y: -(x * y),
    "exp, log": lambda x, y: (x.exp() * y).log() + x.log(),
    "tanh": lambda x, y: (x * y).tanh() * x.tanh(),
    "sigmoid": lambda x, y: (x - y).sigmoid() * y.sigmoid(),
    "relu": lambda x, y: (x - y).relu() + (y - x).relu() * 3 + x.relu(),
    "fan-out": lambda x, y: (x * x + x) * x * (x + y),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_gradients_are_slopes(name):
    formula = FORMULAS[name]
    for a, b in [(0.7, 1.9), (2.5, 0.3)]:
        x, y = Scalar(a), Scalar(b)
        formula(x, y).backward()
        h = 1e-6

        def slope(da, db, formula=formula, a=a, b=b, h=h):
            ahead, behind = (formula(Scalar(a + s * da), Scalar(b + s * db)).value for s in (h, -h))
            return (ahead - behind) / (2 * h)

        assert x.grad == pytest.approx(slope(1, 0), rel=1e-7, abs=1e-8)
        assert y.grad == pytest.approx(slope(0, 1), rel=1e-7, abs=1e-8)


def test_the_same_as_tensors_of_one_number():
    x, y = Scalar(0.7), Scalar(-1.2)
    f = (x * y).tanh() / (x.exp() + 1) + y * y
    f.backward()
    u, v = (ndl.Tensor(number, dtype="float64") for number in (0.7, -1.2))
    g = ndl.tanh(u * v) / (ndl.exp(u) + 1) + v * v
    g.backward()
    assert (f.value, x.grad, y.grad) == pytest.approx((g.item(), u.grad.item(), v.grad.item()), rel=1e-13)


def test_gradients_are_overwritten():
    x = Scalar(3.0)
    f = x * x
    f.backward()
    f.backward()
    assert x.grad == 6.0
    (x + 1).backward()
    assert x.grad == 1.0


def test_a_long_chain_needs_no_recursion():
    y = x = Scalar(1.0)
    for _ in range(20_000):
        y = y + 1
    y.backward()
    assert (y.value, x.grad) == (20_001.0, 1.0)


def test_edges():
    assert Scalar(-1000.0).sigmoid().value == 0.0 and Scalar(1000.0).sigmoid().value == 1.0
    zero = Scalar(0.0)
    (zero.relu() + zero**0 + zero**1).backward()
    assert zero.grad == 1.0  # relu' (0) is 0, as everywhere in this library
    (zero**0.5).backward()
    assert zero.grad == math.inf


def test_it_learns_xor():
    """A network of 13 numbers: three hidden units and one that says which."""
    chance = random.Random(1)
    hidden = [[Scalar(chance.gauss(0, 1)) for _ in range(3)] for _ in range(3)]
    last = [Scalar(chance.gauss(0, 1)) for _ in range(4)]
    parameters = [w for unit in [*hidden, last] for w in unit]

    def network(a, b):
        h = [(unit[0] * a + unit[1] * b + unit[2]).tanh() for unit in hidden]
        return (last[0] * h[0] + last[1] * h[1] + last[2] * h[2] + last[3]).sigmoid()

    table = {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 0}
    for _ in range(300):
        loss = sum((network(*x) - y) ** 2 for x, y in table.items())
        loss.backward()
        for w in parameters:
            w.value -= 1.0 * w.grad
    assert all(abs(network(*x).value - y) < 0.2 for x, y in table.items())


def test_what_is_no_number_is_said():
    x = Scalar(2.0)
    with pytest.raises(TypeError, match="Scalar: wanted a real number, got str"):
        Scalar("2")
    with pytest.raises(
        TypeError, match=r"Scalar \+: wanted a Scalar or a number on the other side, got list"
    ):
        x + [1]
    with pytest.raises(TypeError, match=r"x\*\*y with both variable is \(x\.log\(\) \* y\)\.exp\(\)"):
        x**x
    with pytest.raises(ValueError, match=r"Scalar\.log: wanted a number above 0, got 0"):
        Scalar(0.0).log()
    with pytest.raises(ZeroDivisionError, match="Scalar /: 2 / 0"):
        x / 0
    with pytest.raises(ValueError, match=r"-8 \*\* 0.5 is no real number"):
        Scalar(-8) ** 0.5
    with pytest.raises(ValueError, match=r"Scalar \*\*: 0 \*\* -1 is no real number"):
        Scalar(0.0) ** -1
    with pytest.raises(OverflowError, match=r"Scalar \*\*: the result for 10, 400 is larger than any float"):
        Scalar(10.0) ** 400
    with pytest.raises(OverflowError, match="Scalar exp: the result for 1000 is larger than any float"):
        Scalar(1000.0).exp()
    assert math.isinf(Scalar(math.inf).exp().value)
