"""Optimisers of declared graphs: `minimize` declares one step as a symbol to run."""

from __future__ import annotations

from ..backend import NeedleError
from .functions import sqrt
from .symbol import Group, Symbol, Variable, assign, gradients, in_order


def variables_of(who: str, obj: Symbol) -> list[Variable]:
    """Return the variables that a symbol depends on.

    Raises
    ------
    NeedleError
        If there are none: the step would do nothing.
    """
    found = [one for one in in_order([obj]) if isinstance(one, Variable)]
    if not found:
        raise NeedleError(f"{who}.minimize: {obj!r} depends on no Variable, so there is nothing to step")
    return found


class GradientDescentOptimizer:
    """p ← p − learning_rate · gradient."""

    def __init__(self, learning_rate: float, name: str = "GradientDescent"):
        self.learning_rate, self.name = learning_rate, name

    def minimize(self, obj: Symbol) -> Symbol:
        """Declare one step of all variables that `obj` depends on; run, it gives None."""
        variables = variables_of("GradientDescentOptimizer", obj)
        steps = [
            assign(v, v - self.learning_rate * g)
            for v, g in zip(variables, gradients(obj, variables), strict=True)
        ]
        return Group(steps, self.name)


class AdamOptimizer:
    """Adam, with its averages and its count of steps in variables of the session (Kingma and Ba, ICLR 2015)."""

    def __init__(
        self, learning_rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-4,
        name: str = "Adam",
    ):  # fmt: skip
        self.learning_rate, self.beta1, self.beta2, self.epsilon, self.name = (
            learning_rate,
            beta1,
            beta2,
            epsilon,
            name,
        )

    def minimize(self, obj: Symbol) -> Symbol:
        """Declare one step of all variables that `obj` depends on; run, it gives None.

        Its own variables begin at 0 by `initialize_all_variables`; variables that have no initial value, but are
        assigned one, come before.
        """
        variables = variables_of("AdamOptimizer", obj)
        t = Variable([0.0], name=f"{self.name}_t")
        new_t = t + 1.0
        rate = self.learning_rate * sqrt(1.0 - self.beta2**new_t) / (1.0 - self.beta1**new_t)
        steps: list[Symbol] = [assign(t, new_t)]
        for v, g in zip(variables, gradients(obj, variables), strict=True):
            start = (v if v.init is None else v.init) * 0.0
            m, s = (Variable(start, name=f"{self.name}_{v.name}_{kind}") for kind in "mv")
            new_m = self.beta1 * m + (1.0 - self.beta1) * g
            new_s = self.beta2 * s + (1.0 - self.beta2) * g * g
            steps += [assign(m, new_m), assign(s, new_s)]
            steps.append(assign(v, v - rate * new_m / (sqrt(new_s) + self.epsilon)))
        return Group(steps, self.name)
