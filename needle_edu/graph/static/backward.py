"""How the backward pass of a captured function is written down: each contribution as the ops of its vjp.

A vjp that asks for numbers has none of its ops in the program: it becomes one instruction, a `Vjp` (vjp.py).
"""

from __future__ import annotations

from typing import Any

from needle_edu.autograd.unbroadcast import unbroadcast
from needle_edu.autograd.value import fill_node
from needle_edu.backend import NeedleError

from .names import Names
from .program import Instruction
from .vjp import Vjp


class BackwardPass(Names):
    """The part of a tracer that answers for a node's vjps."""

    def __init__(self, called: dict[int, str]) -> None:
        super().__init__(called)
        self.body: list[Instruction] = []
        self.in_backward = False
        # Which module made a result, by name: its backward pass belongs to it.
        self.modules: dict[str, str] = {}
        self.module = ""

    def apply(self, op: Any, inputs: tuple) -> Any:
        """Write an op down, and return its result without numbers."""
        raise NotImplementedError

    def vjps(self, node: Any) -> Any:
        """Return the vjps of a node, one function for each operand; they write down what they do."""
        op = node.op
        if op.vjps is None and op.gradient_is_a_kernel:
            return lambda g: [
                lambda op, g, node, gx=gx: gx for gx in self._opaque(op, None, g, self._seen(node))
            ]
        if op.vjps is None:
            found = self._contribution(op, None, node)
            return lambda g: [lambda op, g, node, gx=gx: gx for gx in found(g)]
        made = [
            None if vjp is None else (lambda op, g, node, k=k: self._contribution(op, k, node)(g))
            for k, vjp in enumerate(op.vjps)
        ]
        return lambda g: made

    def _contribution(self, op: Any, operand: int | None, node: Any) -> Any:
        """Return a function of the adjoint g: the contribution to an operand (None: to all), written down.

        If the vjp asks for numbers, what it has written so far is taken out again, and it becomes one instruction.
        """
        seen = self._seen(node)
        inputs = seen.inputs

        def contribution(g: Any) -> Any:
            mark = len(self.body), dict(self.constants)
            self.in_backward, self.module = True, self.modules.get(self.name_of(node), "")
            try:
                if operand is None:
                    every = op.gradient_as_tuple(g, seen)
                    return [None if one is None else self._written(one) for one in every]
                x = inputs[operand]
                return self._written(unbroadcast(op.vjps[operand](op, g, seen), x, seen))
            except NeedleError:
                del self.body[mark[0] :]
                self.constants = mark[1]
                return self._opaque(op, operand, g, seen)
            finally:
                self.in_backward, self.module = False, ""

        return contribution

    def _seen(self, node: Any) -> Any:
        """Return a node as its vjp sees it: no operand has numbers."""
        inputs = tuple([self._symbol(x) for x in node.inputs])
        seen = fill_node(object.__new__(type(node)), node.op, inputs, node.cached_data, True)
        self._know(seen, self.name_of(node), node.cached_data)
        return seen

    def _opaque(self, op: Any, operand: int | None, g: Any, seen: Any) -> Any:
        vjp = Vjp(op, operand)
        result = self.apply(vjp, (g, *seen.inputs, seen))
        return result if operand is not None else list(result.tuple())

    def _written(self, contribution: Any) -> Any:
        """Return a contribution as a value with a name that requires a gradient: so its sums are written down, too."""
        name = self.name_of(contribution)
        if contribution.requires_grad:
            return contribution
        value = type(contribution).make_const(contribution.realize_cached_data(), True)
        self._know(value, name, value.cached_data)
        return value

    def _symbol(self, x: Any) -> Any:
        """Return a value without numbers in the place of an operand."""
        name = self.name_of(x)
        data = self.stand_ins[name]
        if x.cached_data is data:
            return x
        value = type(x).make_const(data, x.requires_grad)
        self._know(value, name, data)
        return value
