"""Symbols: the nodes of a declared graph.

A symbol has inputs, which are symbols, and says what to compute of their values when it is run. Nothing has a shape
before that.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any

import numpy as np

from needle_edu import ops
from needle_edu.autograd import Tensor
from needle_edu.autograd.engine import pull_back
from needle_edu.backend import DTypeError, GradientError, NeedleError
from needle_edu.backend.naming import a_kind

Compute = Callable[..., Any]  # of the inputs' tensors


class Symbol:
    """A node: what to compute, and of what.

    Parameters
    ----------
    compute : callable or None
        Takes one tensor for each input, and returns one.
    inputs : sequence of Symbol
    name : str, optional

    Examples
    --------
    >>> x = placeholder("float32", name="x")
    >>> y = (x + 1) * 2
    >>> y.name, [one.name for one in y.inputs]
    ('multiply', ['add'])
    """

    def __init__(self, compute: Compute | None, inputs: Sequence[Symbol] = (), name: str | None = None):
        self.compute, self.inputs, self.name = compute, tuple(inputs), name or ""
        # Shapes of variables among the inputs, for the shape of the first input: what `infer_variable_shapes` asks.
        self.shapes: Callable[[tuple[int, ...]], dict[Variable, tuple[int, ...]]] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name or 'without a name'}>"

    def __bool__(self) -> bool:
        raise NeedleError(
            f"{self!r} has no value yet, so it is neither true nor false; Session().run computes it, and tf.equal "
            "compares symbols"
        )

    def __add__(self, other: Any) -> Symbol:
        return applied("add", lambda a, b: a + b, self, other)

    def __radd__(self, other: Any) -> Symbol:
        return applied("add", lambda a, b: a + b, other, self)

    def __sub__(self, other: Any) -> Symbol:
        return applied("subtract", lambda a, b: a - b, self, other)

    def __rsub__(self, other: Any) -> Symbol:
        return applied("subtract", lambda a, b: a - b, other, self)

    def __mul__(self, other: Any) -> Symbol:
        return applied("multiply", lambda a, b: a * b, self, other)

    def __rmul__(self, other: Any) -> Symbol:
        return applied("multiply", lambda a, b: a * b, other, self)

    def __truediv__(self, other: Any) -> Symbol:
        return applied("divide", lambda a, b: a / b, self, other)

    def __rtruediv__(self, other: Any) -> Symbol:
        return applied("divide", lambda a, b: a / b, other, self)

    def __pow__(self, other: Any) -> Symbol:
        return applied("power", _power, self, other)

    def __rpow__(self, other: Any) -> Symbol:
        return applied("power", _power, other, self)

    def __neg__(self) -> Symbol:
        return Symbol(lambda a: -a, [self], "negate")


def _power(a: Any, b: Any) -> Any:
    if isinstance(a, Tensor):
        return a**b
    return ops.power(Tensor(np.float32(a), requires_grad=False), b)


def applied(name: str, compute: Compute, *operands: Any) -> Symbol:
    """Return a symbol for an operation on symbols and numbers; arrays become constants."""
    fixed = [one if isinstance(one, (Symbol, int, float)) else constant(one) for one in operands]
    symbols = [one for one in fixed if isinstance(one, Symbol)]

    def with_numbers(*tensors: Any) -> Any:
        rest = iter(tensors)
        return compute(*[next(rest) if isinstance(one, Symbol) else one for one in fixed])

    return Symbol(with_numbers, symbols, name)


class Placeholder(Symbol):
    """A value that each run is fed."""

    def __init__(self, dtype: Any, shape: Any, name: str | None):
        super().__init__(None, (), name or "placeholder")
        try:
            self.dtype = np.dtype(dtype).name
        except TypeError:
            raise DTypeError(f"placeholder: {dtype!r} is no dtype; tf.float32 is one") from None
        self.shape = shape


def placeholder(
    dtype: Any, shape: Sequence[int | None] | None = None, name: str | None = None
) -> Placeholder:
    """Declare a value that each run is fed; a feed of another dtype is cast.

    Parameters
    ----------
    dtype : dtype
        `tf.float32`, say.
    shape : sequence of int or None, optional
        What a feed must have; None stands for any extent.
    name : str, optional
        For messages.
    """
    return Placeholder(dtype, None if shape is None else tuple(shape), name)


class Variable(Symbol):
    """A value that a session keeps from run to run.

    Parameters
    ----------
    init : Symbol, array or number, optional
        What `initialize_all_variables` gives it.
    name : str, optional
    """

    def __init__(self, init: Any = None, name: str | None = None):
        super().__init__(None, (), name or "variable")
        self.init = None if init is None else init if isinstance(init, Symbol) else constant(init)
        _variables.append(weakref.ref(self))


_variables: list[weakref.ref[Variable]] = []


class Assign(Symbol):
    """A value that is also written into a variable when it is run."""

    def __init__(self, variable: Variable, value: Symbol):
        super().__init__(lambda value: value, [value], "assign")
        self.variable = variable


class Group(Symbol):
    """Several symbols that are run together; its value is None."""

    def __init__(self, inputs: Sequence[Symbol], name: str | None = None):
        super().__init__(lambda *values: None, inputs, name or "group")


def constant(value: Any, dtype: Any = None) -> Symbol:
    """Declare a value that does not change; floats are float32 unless told otherwise."""
    array = np.array(value)
    wanted = dtype or ("float32" if array.dtype.kind == "f" else array.dtype)
    array = array.astype(wanted)
    return Symbol(lambda: Tensor(array, dtype=array.dtype, requires_grad=False), (), "constant")


def assign(variable: Variable, value: Any) -> Assign:
    """Declare that a run writes a value into a variable, after everything fetched with it was computed.

    Raises
    ------
    TypeError
        If it is no variable.
    """
    if not isinstance(variable, Variable):
        raise TypeError(f"assign: wanted a Variable, got {a_kind(variable)}")
    return Assign(variable, value if isinstance(value, Symbol) else constant(value))


def group(*inputs: Symbol) -> Group:
    """Declare that several symbols are run together; fetched, it gives None."""
    return Group(inputs)


class Initializer(Group):
    """What gives variables their initial values: those declared when it was made."""

    def __init__(self) -> None:
        super().__init__((), "initialize_all_variables")
        known = [one for ref in _variables if (one := ref()) is not None]
        self.variables = [one for one in known if one.init is not None]


def initialize_all_variables() -> Initializer:
    """Declare that every variable with an initial value so far gets it.

    One whose initial value depends on a variable that has none yet stays without.
    """
    return Initializer()


class _Gradient(Symbol):
    """The gradient of `ys` with respect to one x; those of one call are computed together."""

    def __init__(self, ys: Sequence[Symbol], xs: Sequence[Symbol], seeds: Sequence[Symbol], place: int):
        super().__init__(None, [*ys, *seeds, *xs], f"gradient of {xs[place].name}")
        self.ys, self.xs, self.seeds, self.place = ys, xs, seeds, place

    def among(self, values: dict[Any, Any]) -> Any:
        """Return it, from the tensors of this run; `values` remembers what was computed for the others."""
        key = (tuple(map(id, self.ys)), tuple(map(id, self.xs)), tuple(map(id, self.seeds)))
        if key not in values:
            weighted = [values[y] for y in self.ys]
            if self.seeds:
                weighted = [y * values[seed] for y, seed in zip(weighted, self.seeds, strict=True)]
            total = weighted[0].sum()
            for one in weighted[1:]:
                total = total + one.sum()
            values[key] = pull_back(total, total.ones_like(), [values[x] for x in self.xs])
        found = values[key][self.place]
        if found is None:
            raise GradientError(
                f"gradients: {self.ys[0]!r} does not depend on {self.xs[self.place]!r}, so there is no gradient"
            )
        return found


def gradients(ys: Any, xs: Any, grad_ys: Any = None) -> list[Symbol]:
    """Declare the gradients of the sum of all `ys` with respect to each x: new symbols of the same graph.

    Parameters
    ----------
    ys : Symbol or sequence of Symbol
    xs : Symbol or sequence of Symbol
    grad_ys : sequence of Symbol, optional
        What each y is weighted with; ones by default.
    """
    ys, xs, seeds = (_listed(one) for one in (ys, xs, grad_ys))
    if seeds and len(seeds) != len(ys):
        raise ValueError(f"gradients: {len(ys)} ys need as many grad_ys, got {len(seeds)}")
    return [_Gradient(ys, xs, seeds, place) for place in range(len(xs))]


def _listed(symbols: Any) -> list[Symbol]:
    if symbols is None:
        return []
    found = [symbols] if isinstance(symbols, Symbol) else list(symbols)
    for one in found:
        if not isinstance(one, Symbol):
            raise TypeError(f"gradients: wanted symbols, got {a_kind(one)}")
    return found


def in_order(fetches: Iterable[Symbol], known: Container[Symbol] = ()) -> list[Symbol]:
    """Return all that fetches need, and themselves, inputs first; without recursion, as graphs can be deep.

    What `known` symbols were computed from is not needed.

    Raises
    ------
    NeedleError
        If a symbol depends on itself.
    """
    order: list[Symbol] = []
    done: set[Symbol] = set()
    path: dict[Symbol, None] = {}  # those that wait for their inputs, outermost first
    stack = [(one, False) for one in reversed(list(fetches))]
    while stack:
        symbol, entered = stack.pop()
        if entered:
            order.append(symbol)
            done.add(symbol)
            del path[symbol]
        elif symbol in path:
            cycle = [*list(path)[list(path).index(symbol) :], symbol]
            raise NeedleError(f"{symbol!r} depends on itself: {' <- '.join([one.name for one in cycle])}")
        elif symbol not in done:
            path[symbol] = None
            stack.append((symbol, True))
            stack.extend((one, False) for one in reversed(() if symbol in known else symbol.inputs))
    return order
