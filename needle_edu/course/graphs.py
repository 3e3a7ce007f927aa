"""Random graphs for a homework about compilers, what they compute, and whether a pass has kept it.

A graph is plain data here, so that it travels to where a student's pass runs, and back:

>>> graph = made_of({"x": (2,)}, ["a = mul_scalar x scalar=2.0", "b = add a x"], outputs=["b"])
>>> graph["body"]
[['a', 'mul_scalar', ['x'], {'scalar': 2.0}, (2,)], ['b', 'add', ['a', 'x'], {}, (2,)]]
>>> values_of(graph, {"x": np.array([1.0, 10.0])})["b"]
array([ 3., 30.])

It has the parts of a `needle_edu.graph.static.Program` under their names; an instruction is its name, op, operands,
attributes and shape. What it computes is said here once more, by NumPy in float64: who judges a pass must not run the
code that the pass was written for.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from needle_edu.course.compare import Mismatch, same

Graph = dict[str, Any]

UNARY = ("tanh", "sigmoid", "relu", "negate", "exp")
SCALAR = ("add_scalar", "mul_scalar")
COMMUTATIVE = ("add", "multiply", "maximum")
BINARY = (*COMMUTATIVE, "divide")
SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan)
GRADIENTS = ("relu_backward", "tanh_backward", "sigmoid_backward")  # of a training step; none is drawn below
ELEMENTWISE = (*UNARY, *SCALAR, *BINARY, *GRADIENTS)


def _summation(x: np.ndarray, axes: Any = None, keepdims: bool = False) -> np.ndarray:
    return x.sum().reshape(1) if axes is None else x.sum(axis=axes, keepdims=keepdims)


def _transpose(x: np.ndarray, axes: tuple[int, int] = (-2, -1)) -> np.ndarray:
    return x.swapaxes(*axes)


def _matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"matmul: {a.shape} and {b.shape}")
    return (a[:, :, None] * b[None, :, :]).sum(axis=1)  # always in one order, so always the same bits


MEANING: dict[str, Callable[..., np.ndarray]] = {
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "negate": np.negative,
    "exp": lambda x: np.exp(np.minimum(x, 3)),  # of small numbers it is exp; large ones shall not overflow
    "add_scalar": lambda x, scalar: x + scalar,
    "mul_scalar": lambda x, scalar: x * scalar,
    "add": np.add,
    "multiply": np.multiply,
    "maximum": np.maximum,
    "divide": np.divide,
    "matmul": _matmul,
    "transpose": _transpose,
    "summation": _summation,
    "reshape": lambda x, shape: x.reshape(shape),
    "broadcast_to": lambda x, shape: np.broadcast_to(x, shape),
}


# --- written by hand ----------------------------------------------------------------------------------------


def made_of(
    inputs: dict[str, tuple], lines: Sequence[str], outputs: Sequence[str], updates: Sequence[str] = ()
) -> Graph:
    """Read a graph from lines such as ``a = summation x axes=(0,)``; shapes are found by computing it.

    Parameters
    ----------
    inputs : dict of str to tuple
        Names and shapes; a name that begins with ``w`` is a source.
    lines : sequence of str
        The body. There are no blanks in an attribute's value.
    outputs, updates : sequence of str

    Examples
    --------
    >>> made_of({"x": (2, 3)}, ["a = summation x axes=(0,)"], ["a"])["body"]
    [['a', 'summation', ['x'], {'axes': (0,)}, (3,)]]
    """
    values = {name: np.zeros(shape) for name, shape in inputs.items()}
    body = []
    for line in lines:
        name, _, op, *words = line.split()
        operands = [word for word in words if "=" not in word]
        pairs = [word.split("=") for word in words if "=" in word]
        attributes = {key: ast.literal_eval(value) for key, value in pairs}
        with np.errstate(all="ignore"):
            values[name] = MEANING[op](*[values[one] for one in operands], **attributes)
        body.append([name, op, operands, attributes, values[name].shape])
    sources = {name: shape for name, shape in inputs.items() if name.startswith("w")}
    return {
        "inputs": {name: shape for name, shape in inputs.items() if name not in sources},
        "sources": sources,
        "body": body,
        "outputs": [*outputs],
        "updates": [*updates],
    }


# --- what a graph computes ----------------------------------------------------------------------------------


def values_of(graph: Graph, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Compute every value of a graph.

    Parameters
    ----------
    graph : dict
    given : dict of str to array
        The inputs and the sources, float64.

    Returns
    -------
    dict of str to array
    """
    values = dict(given)
    with np.errstate(all="ignore"):
        for name, op, operands, attributes, _ in graph["body"]:
            values[name] = MEANING[op](*[values[one] for one in operands], **attributes)
    return values


def numbers_for(graph: Graph, rng: np.random.Generator, special: bool = False) -> dict[str, np.ndarray]:
    """Draw the inputs and sources of a graph; half of them `SPECIAL`, if asked for."""
    given = {name: rng.normal(size=shape) for name, shape in (graph["inputs"] | graph["sources"]).items()}
    if special:
        for numbers in given.values():
            numbers[rng.random(numbers.shape) < 0.5] = 0.0
            at = np.flatnonzero(numbers == 0.0)
            numbers.flat[at] = rng.choice(SPECIAL, size=at.size)
    return given


def ends_of(graph: Graph) -> list[str]:
    """Names of what a graph is for: its outputs, and what its updates write."""
    return [*graph["outputs"], *graph["updates"]]


# --- drawing one --------------------------------------------------------------------------------------------


def random_graph(rng: np.random.Generator, size: int = 14, again: float = 0.3) -> Graph:
    """Draw a graph: two inputs, a source, and instructions some of which nobody reads.

    Parameters
    ----------
    rng : Generator
    size : int
        Number of instructions.
    again : float
        The share of instructions that compute what was computed before, perhaps from equal operands under other
        names, or in the other order; or nearly so, which is not the same.

    Examples
    --------
    >>> graph = random_graph(np.random.default_rng(0), size=5)
    >>> len(graph["body"]), ends_of(graph)[0] in [name for name, *_ in graph["body"]]
    (5, True)
    """
    return _Drawing(rng).graph(size, again)


class _Drawing:
    """A graph that is being drawn, with the numbers of its values, which say the shapes."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self.names = [f"v{number}" for number in rng.permutation(100)]
        self.values: dict[str, np.ndarray] = {}
        self.equal: dict[str, list[str]] = {}  # name → all names of what computes the same
        self.body: list[list] = []

    def graph(self, size: int, again: float) -> Graph:
        inputs = {"x": (3, 4), "y": [(4, 3), (4,), (3, 1)][self.rng.integers(3)]}
        sources = {"w": [(4, 4), (4, 2), (1, 4)][self.rng.integers(3)]}
        for name, shape in (inputs | sources).items():
            self.values[name] = self.rng.normal(size=shape)
            self.equal[name] = [name]
        while len(self.body) < size:
            if self.body and self.rng.random() < again:
                self.repeat(*self.body[self.rng.integers(len(self.body))])
            else:
                self.instruction(*self.any_op())
        made = [name for name, *_ in self.body]
        late = made[size // 2 :]
        outputs = self.some(late, 1, 2)
        updates = self.some(made, 0, 2)
        parts = {"inputs": inputs, "sources": sources, "body": self.body}
        return {**parts, "outputs": outputs, "updates": updates}

    def some(self, names: list[str], least: int, most: int) -> list[str]:
        """Some of these names, each at most once."""
        count = min(int(self.rng.integers(least, most + 1)), len(names))
        return [str(name) for name in self.rng.choice(names, count, replace=False)]

    def any_op(self) -> tuple[str, list[str], dict]:
        """An op with operands that it takes."""
        names = [*self.values]
        late = names[-6:] if self.rng.random() < 0.6 else names
        x, other = (late[self.rng.integers(len(late))], names[self.rng.integers(len(names))])
        kind = self.rng.integers(9)
        if kind < 3:
            return _one_of(self.rng, UNARY), [x], {}
        if kind == 3:
            return _one_of(self.rng, SCALAR), [x], {"scalar": float(self.rng.integers(-3, 4)) / 2}
        if kind == 4:
            return "matmul", [x, other], {}
        if kind == 5:
            ndim = self.values[x].ndim
            axes = (int(self.rng.integers(-ndim, ndim)),) if ndim else ()
            return "summation", [x], {"axes": axes, "keepdims": bool(self.rng.random() < 0.7)}
        if kind == 6:
            return _one_of(self.rng, ["transpose", "reshape"]), [x], {}
        return _one_of(self.rng, BINARY), [x, other], {}

    def repeat(self, name: str, op: str, operands: list[str], attributes: dict, shape: tuple) -> None:
        """The same once more, or nearly."""
        operands = [_one_of(self.rng, self.equal[one]) for one in operands]
        attributes = dict(attributes)
        chance = self.rng.random()
        if chance < 0.5 and op in BINARY:
            operands.reverse()
        elif chance < 0.3 and "scalar" in attributes:
            attributes["scalar"] = -attributes["scalar"]  # 0.0 becomes -0.0, which is another number
        is_same = attributes.get("scalar") is None or chance >= 0.3
        if op == "divide" and chance < 0.5:
            is_same = False
        self.instruction(op, operands, attributes, self.equal[name] if is_same else None)

    def instruction(
        self, op: str, operands: list[str], attributes: dict, equal: list[str] | None = None
    ) -> None:
        """Write an instruction down, if its op takes these operands."""
        arrays = [self.values[one] for one in operands]
        if op == "reshape" and not attributes:
            attributes = {"shape": (arrays[0].size,)}
        if op == "transpose" and arrays[0].ndim < 2:
            return
        try:
            with np.errstate(all="ignore"):
                value = MEANING[op](*arrays, **attributes)
        except ValueError:
            return
        name = self.names[len(self.body)]
        self.values[name] = value
        self.body.append([name, op, operands, attributes, value.shape])
        equal = [] if equal is None else equal
        equal.append(name)
        self.equal[name] = equal


def _one_of(rng: np.random.Generator, choices: Any) -> str:
    return choices[rng.integers(len(choices))]


# --- judging a pass -----------------------------------------------------------------------------------------


def keeps_its_meaning(
    after: Graph, before: Graph, rng: np.random.Generator, most: int | None = None, special: bool = False
) -> None:
    """Raise `Mismatch` unless a pass made of a graph one that computes the same, with at most so many instructions.

    It may leave instructions out and give others other operands; names, ops, attributes and shapes stay.

    Parameters
    ----------
    after, before : dict
        What the pass returned, and what it was given.
    rng : Generator
        Draws the numbers on which the two are compared, bit for bit.
    most : int, optional
        Instructions there may be.
    special : bool
        Whether to compare on zeros of both signs, infinities and nan, too.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> graph = random_graph(rng, again=0)
    >>> keeps_its_meaning(graph, graph, rng)
    >>> keeps_its_meaning(graph | {"body": graph["body"][1:]}, graph, rng)
    Traceback (most recent call last):
        ...
    needle_edu.course.compare.Mismatch: found undefined-operand: expected an input or an earlier result, got v82
    """
    for part in ("inputs", "sources"):
        same(sorted(after[part]), sorted(before[part]), name=f"the {part}")
    known, told = {*before["inputs"], *before["sources"]}, {one[0]: one for one in before["body"]}
    for name, op, operands, attributes, shape in after["body"]:
        if name in known:
            raise Mismatch("found double-name", "each result has a name of its own", name)
        if name not in told or [op, attributes, tuple(shape)] != [told[name][1], *told[name][3:]]:
            raise Mismatch("found changed-instruction", "name, op, attributes and type as they were", name)
        for operand in operands:
            if operand not in known:
                raise Mismatch("found undefined-operand", "an input or an earlier result", operand)
        known.add(name)
    for part in ("outputs", "updates"):
        if len(after[part]) != len(before[part]):
            raise Mismatch(f"wrong length of the {part}", str(len(before[part])), str(len(after[part])))
        for name in after[part]:
            if name not in known:
                raise Mismatch(
                    f"found undefined-{part.removesuffix('s')}", "an input or a result that is there", name
                )
    given = numbers_for(before, rng, special)
    wanted, came = values_of(before, given), values_of(after, given)
    for old, new in zip(ends_of(before), ends_of(after), strict=True):
        if bits(wanted[old]) != bits(came[new]):
            raise Mismatch("wrong value of the results", f"what %{old} was", f"%{new}")
    if most is not None and len(after["body"]) > most:
        raise Mismatch("too many instructions", str(most), str(len(after["body"])))


def bits(value: np.ndarray) -> tuple:
    """Return what two arrays have in common if they are equal to the last bit: 0.0 and -0.0 are not, nan and nan are.

    Examples
    --------
    >>> bits(np.array([0.0])) == bits(np.array([-0.0])), bits(np.array([np.nan])) == bits(np.array([np.nan]))
    (False, True)
    """
    return value.shape, np.where(np.isnan(value), np.nan, value).tobytes()
