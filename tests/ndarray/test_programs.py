"""Random programs: NDArray and NumPy run the same steps side by side and must agree after every one.

A program holds a pool of arrays that share memory with one another. A step makes a view, computes, or
assigns; after an assignment EVERY array of the pool is compared, so a wrong stride, a copy where a view is due or a
write to the wrong place shows even if it is not where the step was. The values are small integers: results are exact.
Everything random is drawn as plain data, so that the draws which Hypothesis prints for a counterexample can be copied
into FOUND, where they stay a test.
"""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from needle_edu import ndarray as nd

from .oracle import computing_on, flip, float_of, places, result_type, same, total
from .strategies import arrays, basic_keys

ARITHMETIC = ("add", "subtract", "multiply", "maximum", "minimum")
COMPARE = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
LOGICAL = ("logical_and", "logical_or", "logical_xor")
UNARY = ("negative", "abs", "sign", "square", "floor", "ceil")
FLOAT_UNARY = ("exp", "sin", "cos", "tanh", "sqrt", "log", "reciprocal")
REDUCE = ("sum", "prod", "max", "min", "mean", "argmax", "argmin", "any", "all")


class Program:
    """A pool of (ours, NumPy's) pairs and the steps that extend it."""

    def __init__(self, draw, device):
        self.draw, self.device = draw, device
        self.pool, self.log = [], []
        for _ in range(2):
            self.start(self.draw(arrays()))

    def start(self, x):
        self.keep(nd.array(x, x.dtype, self.device), x.copy(), ("start", x.shape, x.dtype.name))

    def keep(self, ours, theirs, step):
        self.log.append(step)
        same(ours, theirs, self.log)
        self.pool.append((ours, np.asarray(theirs)))

    def check(self, ours, theirs, step, rtol=0.0):
        """Compare a result that the program does not go on with."""
        self.log.append(step)
        same(ours, theirs, self.log, rtol)

    def run(self):
        for _ in range(self.draw(st.integers(1, 12))):
            getattr(self, self.choose(self.STEPS))()

    def pick(self):
        return self.one_of(self.pool)

    def one_of(self, pairs):
        return pairs[self.draw(st.integers(0, len(pairs) - 1))]

    def choose(self, items):
        return self.draw(st.sampled_from(items))

    def partner(self, x):
        """An operand that broadcasts with x: from the pool if one does, else a new one."""
        fitting = [pair for pair in self.pool if _broadcasts(pair[1].shape, x.shape)]
        if fitting and self.draw(st.booleans()):
            return self.one_of(fitting)
        shape = tuple(self.choose([extent, 1]) for extent in x.shape)[self.choose([0, min(1, x.ndim)]) :]
        y = self.draw(arrays(shape=shape))
        return nd.array(y, y.dtype, self.device), y

    # ---- steps ----------------------------------------------------------------------------------------------

    def view(self):
        a, x = self.pick()
        kind = self.choose(["key", "permute", "reshape", "broadcast", "flip"])
        if kind == "key":
            key = self.draw(basic_keys(x.shape))
            self.keep(a[key], x[key], ("key", key))
        elif kind == "permute":
            axes = tuple(self.draw(st.permutations(range(x.ndim))))
            self.keep(a.permute(axes), x.transpose(axes), ("permute", axes))
        elif kind == "reshape":
            shape = self.choose([(-1,), (1, *x.shape), (*x.shape, 1), x.shape[::-1], (*x.shape[:-2], -1)])
            if 0 in x.shape and -1 in shape:
                shape = x.shape[::-1]
            if x.ndim < 2 and shape == (-1,) and x.ndim == 0:
                shape = (1,)
            ours, theirs = a.reshape(shape), x.reshape(shape)
            assert (ours.storage is a.storage) or not np.shares_memory(theirs, x), self.log
            if ours.storage is a.storage and np.shares_memory(theirs, x) or not x.size:
                self.keep(ours, theirs, ("reshape", shape))
            else:
                self.check(ours, theirs, ("reshape", shape))
        elif kind == "broadcast":
            shape = (2,) + tuple(3 if extent == 1 else extent for extent in x.shape)
            self.check(a.broadcast_to(shape), np.broadcast_to(x, shape), ("broadcast", shape))
        else:
            axis = self.choose([None, *range(x.ndim)])
            self.keep(nd.flip(a, axis=axis), flip(x, axis), ("flip", axis))

    def arithmetic(self):
        a, x = self.pick()
        b, y = self.partner(x)
        name = self.choose(ARITHMETIC)
        if x.dtype == y.dtype == bool and name == "subtract":
            name = "add"
        dtype = result_type(x.dtype, y.dtype)
        expected = getattr(np, name)(x.astype(dtype), y.astype(dtype))
        self.small(getattr(nd, name)(a, b), expected, name)

    def divide(self):
        a, x = self.pick()
        b, y = self.partner(x)
        dtype = float_of(result_type(x.dtype, y.dtype))
        self.check(a / b, x.astype(dtype) / y.astype(dtype), "divide", 1e-6)

    def number(self):
        a, x = self.pick()
        name = self.choose(ARITHMETIC)
        s = self.choose([0, 1, -3, 2, 0.5, -1.5])
        dtype = x.dtype
        if dtype.kind != "f":
            dtype = (
                np.dtype("float32")
                if isinstance(s, float)
                else np.dtype("int64")
                if dtype.kind == "b"
                else dtype
            )
        values, s_value = x.astype(dtype), dtype.type(s)
        if self.draw(st.booleans()):
            self.small(getattr(nd, name)(a, s), getattr(np, name)(values, s_value), (name, s))
        else:
            self.small(getattr(nd, name)(s, a), getattr(np, name)(s_value, values), (s, name))

    def compare(self):
        a, x = self.pick()
        name = self.choose(COMPARE)
        if self.draw(st.booleans()):
            b, y = self.partner(x)
            dtype = result_type(x.dtype, y.dtype)
            self.keep(getattr(nd, name)(a, b), getattr(np, name)(x.astype(dtype), y.astype(dtype)), name)
        else:
            s = self.choose([0, 1, -2, 0.5, 1e30])
            self.keep(getattr(nd, name)(a, s), getattr(np, name)(x, s), (name, s))

    def logical(self):
        a, x = self.pick()
        b, y = self.partner(x)
        name = self.choose(LOGICAL)
        self.keep(getattr(nd, name)(a, b), getattr(np, name)(x, y), name)

    def unary(self):
        a, x = self.pick()
        if self.draw(st.booleans()) or x.dtype == bool:
            name = self.choose(FLOAT_UNARY)
            self.check(getattr(nd, name)(a), getattr(np, name)(x.astype(float_of(x.dtype))), name, 2e-6)
        else:
            name = self.choose(UNARY)
            self.small(getattr(nd, name)(a), getattr(np, name)(x), name)

    def where(self):
        a, x = self.pick()
        b, y = self.partner(x)
        c, z = self.one_of([(a, x), (b, y)])
        dtype = result_type(x.dtype, y.dtype)
        self.keep(nd.where(c, a, b), np.where(z, x.astype(dtype), y.astype(dtype)), "where")

    def reduce(self):
        a, x = self.pick()
        name = self.choose(REDUCE)
        axis = self.choose([None, *range(-x.ndim, x.ndim), tuple(range(x.ndim))[::2]])
        if name in ("argmax", "argmin") and isinstance(axis, tuple):
            axis = None
        keepdims = self.draw(st.booleans())
        if not x.size and name not in ("sum", "prod", "any", "all"):
            return
        if name == "mean" and x.dtype.kind != "f":
            expected = np.asarray(np.mean(x, axis=axis, keepdims=keepdims)).astype("float32")
        elif name in ("sum", "prod") and x.dtype == np.int32:
            expected = getattr(np, name)(x, axis=axis, keepdims=keepdims, dtype="int64")
        else:
            expected = getattr(np, name)(x, axis=axis, keepdims=keepdims)
        ours = getattr(nd, name)(a, axis=axis, keepdims=keepdims)
        self.check(ours, total(expected, axis, keepdims), (name, axis, keepdims), 1e-5)

    def matmul(self):
        a, x = self.pick()
        if x.ndim == 0:
            return
        n = self.draw(st.integers(0, 3))
        shape = self.choose(
            [(x.shape[-1],), (x.shape[-1], n), (*x.shape[:-2], x.shape[-1], n), (2, 1, x.shape[-1], n)]
        )
        y = self.draw(arrays(shape=shape))
        if x.dtype == y.dtype == bool or not (np.isfinite(x).all() and np.isfinite(y).all()):
            return
        dtype = result_type(x.dtype, y.dtype)
        if x.ndim > 2 and len(shape) > 2 and shape[:-2] != x.shape[:-2]:
            return
        b = (
            nd.array(np.ascontiguousarray(np.swapaxes(y, -1, -2)), y.dtype, self.device).mT
            if y.ndim > 1
            else nd.array(y, y.dtype, self.device)
        )
        self.check(a @ b, np.matmul(x.astype(dtype), y.astype(dtype)), ("matmul", x.shape, shape), 1e-6)

    def assign(self):
        a, x = self.pick()
        key = self.draw(basic_keys(x.shape))
        if self.draw(st.booleans()):
            value = theirs = self.choose([0, 3, True])
        else:
            value, theirs = self.pick()
            if not _broadcasts_to(theirs.shape, x[key].shape) or not np.isfinite(theirs).all():
                return
        a[key] = value
        x[key] = np.array(theirs)  # a copy: NumPy, too, reads the old elements
        self.log.append(("assign", key))
        for ours, expected in self.pool:
            same(ours, expected, self.log)

    def convert(self):
        a, x = self.pick()
        if not np.isfinite(x).all():
            return
        dtype = self.choose(["float32", "float64", "int32", "int64", "bool"])
        self.keep(a.astype(dtype), x.astype(dtype), dtype)

    def join(self):
        a, x = self.pick()
        b, y = self.pick()
        dtype = result_type(x.dtype, y.dtype)
        if x.shape == y.shape:
            axis = self.draw(st.integers(-x.ndim - 1, x.ndim))
            self.check(
                nd.stack([a, b], axis=axis), np.stack([x, y], axis=axis).astype(dtype), ("stack", axis)
            )
        elif x.ndim == y.ndim == 1:
            self.check(nd.concat([a, b]), np.concatenate([x, y]).astype(dtype), "concat")

    def small(self, ours, expected, step):
        """Go on with the result only while its integers stay exact."""
        finite = expected[np.isfinite(expected)] if expected.ndim else expected
        if np.all(np.abs(finite.astype("float64")) < 1000):
            self.keep(ours, expected, step)
        else:
            self.check(ours, expected, step)

    STEPS = ("view", "view", "view", "assign", "assign", "arithmetic", "arithmetic", "divide", "number", "compare",
             "logical", "unary", "where", "reduce", "reduce", "matmul", "convert", "join")  # fmt: skip


def _broadcasts(a, b):
    return all(p == q or 1 in (p, q) for p, q in zip(reversed(a), reversed(b), strict=False))


def _broadcasts_to(a, b):
    return len(a) <= len(b) and all(p in (q, 1) for p, q in zip(reversed(a), reversed(b), strict=False))


@pytest.mark.parametrize("place", places())
@given(data=st.data())
def test_random_programs(place, data):
    with computing_on(place) as device, np.errstate(all="ignore"):
        Program(data.draw, device).run()


# Counterexamples of former runs: the draws, in order, as Hypothesis prints them.
FOUND = {
    "a flipped array of shape () shares its memory": [
        *(np.array(3, "int32"), np.array([], "float32"), 2),
        *("view", 0, "flip", None),
        *("assign", 0, (Ellipsis,), True, 0),
    ],
}


@pytest.mark.parametrize("name", FOUND)
def test_programs_that_were_found(name, device):
    draws = iter(FOUND[name])
    with np.errstate(all="ignore"):
        Program(lambda strategy: next(draws), device).run()
    assert next(draws, "no draw") == "no draw", (
        "the program has changed: it no longer reads all of these draws"
    )


def test_the_comparison_itself_can_fail():
    a = nd.array([[1, 2], [3, 4]])
    for wrong in (a.T, a + 1, a.reshape(4), a.astype("float64")):
        with pytest.raises(AssertionError):
            same(wrong, np.array([[1, 2], [3, 4]], "float32"))
