r"""The local Jacobian of a small operation, from its real vector-Jacobian product.

A backward pass never builds a Jacobian: it multiplies by one, $\bar{a} = \bar{y} J$. But it can be asked for: the
adjoint $e_i$, one at element i and zero elsewhere, brings row i, the derivatives of element i of the result. For an
operation of few elements all rows fit in a step, and the step can be checked by multiplying.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from needle_edu.autograd import Tensor, Value, events, no_grad
from needle_edu.autograd.arrays import readable
from needle_edu.autograd.events import value_id
from needle_edu.viz.stepper.numbers import table_text
from needle_edu.viz.stepper.steps import Step
from needle_edu.viz.text import number

ROWS = COLUMNS = 9  # the largest Jacobian that is shown
CALLS = 1000  # so many vector-Jacobian products at most in one graph

Jacobians = dict[tuple[int, int], np.ndarray]


def local_jacobians(values: Iterable[Value]) -> Jacobians:
    """The Jacobians of all small operations of a graph, by value id and operand.

    Row i, column j is the derivative of element i of the result with respect to element j of the operand, both counted
    row by row. Only operations of the library are asked: those of a student's own may count or print their calls.

    Examples
    --------
    >>> x = Tensor([2.0, 3.0])
    >>> y = x * x
    >>> print(local_jacobians([x, y])[value_id(y), 0])
    [[2. 0.]
     [0. 3.]]
    """
    found, calls = {}, 0
    for node in values:
        if not isinstance(node, Tensor) or not _ours(node):
            continue
        size = math.prod(node.shape)
        wanted = [
            k
            for k, x in enumerate(node.inputs)
            if isinstance(x, Tensor) and x.requires_grad and 0 < math.prod(x.shape) <= COLUMNS
        ]
        if not wanted or not 0 < size <= ROWS or calls + size > CALLS:
            continue
        calls += size
        rows = [_row(node, i) for i in range(size)]
        for k in wanted:
            column = [row[k] for row in rows if row[k] is not None]
            if len(column) == size:
                found[value_id(node), k] = np.array(column)
    return found


def _ours(node: Value) -> bool:
    return node.op is not None and node.requires_grad and type(node.op).__module__.startswith("needle_edu.")


def _row(node: Tensor, i: int) -> list[np.ndarray | None]:
    """The contributions to all operands of `node` when its adjoint is one at element i and zero elsewhere."""
    unit = np.zeros(math.prod(node.shape), dtype=str(node.dtype))
    unit[i] = 1.0
    with _unheard():
        adjoint = Tensor(
            unit.reshape(node.shape), device=node.device, dtype=str(node.dtype), requires_grad=False
        )
        grads = node.op.gradient_as_tuple(adjoint, node) if node.op else ()
    return [None if g is None or not isinstance(g, Tensor) else _flat(g) for g in grads]


def _flat(g: Tensor) -> np.ndarray:
    return np.array(readable(g.realize_cached_data()), dtype=np.float64).reshape(-1)


@contextmanager
def _unheard() -> Iterator[None]:
    """Compute without a graph, and without anybody listening."""
    before = events.quiet.on
    try:
        events.quiet.on = True
        with no_grad():
            yield
    finally:
        events.quiet.on = before


def jacobian_parts(step: Step) -> list[str]:
    """The Jacobian of a contribution's operation as pieces of the panel, and what multiplying by the adjoint gives."""
    jacobian, adjoint, result = step.jacobian, step.numbers("adjoint"), step.numbers("contribution")
    if jacobian is None or adjoint is None or result is None:
        return []
    assert step.result is not None
    letter = step.result.tex.removeprefix(r"\bar{").replace("}", "").replace("_{", "")  # of the operand
    name = f"∂y/∂<i>{html.escape(letter)}</i>"
    if jacobian.size == 1:
        derivative = number(jacobian.item())
        return [
            f'<p class="note">local derivative {name} = {derivative}; the contribution is the adjoint times it</p>'
        ]
    with np.errstate(all="ignore"):
        product = adjoint.astype(np.float64).reshape(-1) @ jacobian
        apart = np.abs(product - result.reshape(-1).astype(np.float64)).max()
    same = f"the contribution up to {number(apart)}" if apart > 0 else "the contribution"
    if not np.isfinite(product).all():
        same = "NaN wherever zero meets an infinity"
    rows, columns = jacobian.shape
    return [
        f'<details class="jacobian"><summary>local Jacobian {name}, {rows} × {columns}</summary>'
        "<p>Row i: how element i of the result changes with each element of the operand. The adjoint, as a row, times "
        f"this matrix gives {same}.</p>",
        table_text(jacobian),
        "</details>",
    ]
