"""`viz.step`: walk through the forward and the backward pass of a real run, one event at a time.

The finished graph is replayed, backward runs ONCE while a recorder listens, and every `.grad` is put back
as it was. What was recorded becomes a page (`stepper`); `live=True` makes a widget of the same script whose position
Python can read and set (`live`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from needle_edu.backend.arguments import switch
from needle_edu.graph import record_backward, variable_names
from needle_edu.graph.names import names_by_id
from needle_edu.graph.replay import REPLACEABLE, replaced
from needle_edu.graph.students_pass import Departure, record_students_backward
from needle_edu.viz.stepper.jacobian import Jacobians, local_jacobians
from needle_edu.viz.stepper.live import make_live
from needle_edu.viz.stepper.narrator import tell
from needle_edu.viz.stepper.slices import Keeper
from needle_edu.viz.stepper.stepper import MAX_NODES, Stepper, StopAt
from needle_edu.viz.subject import check_backward, check_size, history

OWN = f" This is your own {REPLACEABLE} at work: "


def step(
    loss,
    live: bool = False,
    out_grad=None,
    direction: str = "TB",
    max_nodes: int = MAX_NODES,
    stop_at: StopAt = None,
    code: bool = False,
):
    """Walk through the forward and the backward pass that belong to `loss`.

    Parameters
    ----------
    loss : Tensor
        The result of a forward pass; its graph is replayed, and backward runs once. Every `.grad` is as before
        afterwards.
    live : bool
        True makes a widget with a Python side (`stepper.index`); needs anywidget and a running kernel. It keeps large
        arrays whole (up to 256 MiB in all), and shows any slice of them.
    out_grad : Tensor, optional
        The adjoint to start with; ones by default.
    direction : {"TB", "LR"}
        From top to bottom or from left to right.
    max_nodes : int
        Larger graphs are refused, with advice.
    stop_at : str, Tensor, or list of them, optional
        Breakpoints: the name of an operation or of a tensor, a tensor, "nan" (where NaN or infinities appear), or a
        bound for the norm of a gradient, such as "norm > 10". The page opens at the first; its button ⏭ runs to the
        next. There they can be changed, too.
    code : bool
        Shows the lines that made the nodes, and marks that of the present step. Lines are known only of a recorded run:
        ``viz.record()``, then ``tape.step(code=True)``.

    Returns
    -------
    Stepper

    Raises
    ------
    GradientError
        `loss` needs no gradient: there is no backward pass to walk through.
    NeedleError
        The graph has more than `max_nodes` nodes.
    ValueError
        `stop_at` names nothing in this graph.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([3.0])
    >>> ndl.viz.step(x * x)
    <Stepper: 2 forward and 6 backward steps, 2 nodes>
    >>> x.grad is None
    True
    >>> stepper = ndl.viz.step(ndl.log(x * 0), stop_at="nan")
    >>> stepper.steps[stepper.stops[0]].title
    'v2 = log(v1)'
    """
    values = history(loss, "step")
    check_backward(loss, "step")
    check_size(len(values), max_nodes, "step")
    names = variable_names(sys._getframe(1))
    own, departure, keeper = replaced(), None, Keeper() if live else None
    if own:
        records, departure = record_students_backward(loss, values, out_grad)
    else:
        records = record_backward(loss, values, out_grad, recorder=keeper)
    called = names_by_id(names, values)
    options = {"direction": direction, "max_nodes": max_nodes, "stop_at": stop_at, "code": code}
    return make_stepper(records, called, live, own, departure, keeper, local_jacobians(values), **options)


def make_stepper(
    records,
    names: Mapping[int, str] | None = None,
    live: bool = False,
    compared: bool = False,
    departure: Departure | None = None,
    keeper: Keeper | None = None,
    jacobians: Jacobians | None = None,
    **options,
):
    """A stepper from recorded events; `live` chooses the widget, which shows parts of what the `keeper` has kept.

    Of a student's pass that was `compared` with the engine's, the page says where the `departure` is, if there is one.
    """
    switch("viz.step", live=live, code=options.get("code", False))
    graph, steps = tell(records, names)
    if departure is not None:
        number = next(
            (k for k, told in enumerate(steps) if told.position >= departure.position), len(steps) - 1
        )
        steps[number].departs = departure.text
        says = f"it departs from the engine's at step {number + 1}."
    else:
        says = "it does what the engine's does."
    for told in steps:
        if jacobians and told.kind == "vjp":
            event = records[told.position][0]
            told.jacobian = jacobians.get((event.node, event.operand))
        if compared and told.kind == "seed":
            told.text += OWN + says
    stepper = Stepper(graph, steps, **options)
    return make_live(stepper, keeper) if live else stepper
