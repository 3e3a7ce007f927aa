"""Random graphs: with dead code, with what is computed twice, and with what only looks so."""

from __future__ import annotations

from typing import Any

import numpy as np

from .meaning import BINARY, MEANING, SCALAR, UNARY, Graph


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
    >>> len(graph["body"]), graph["outputs"][0] in [name for name, *_ in graph["body"]]
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
