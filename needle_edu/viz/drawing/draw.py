"""`viz.draw`: the computation graph of a tensor as a picture in the notebook.

The graph of the finished run (`needle_edu.graph`) is laid out and drawn. The result shows itself in Jupyter, and can be
saved as SVG, HTML or DOT.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from needle_edu.backend.arguments import switch
from needle_edu.graph import graph_of, variable_names
from needle_edu.graph.replay import add_adjoints
from needle_edu.graph.static import Program
from needle_edu.graph.static.as_graph import as_graph
from needle_edu.viz.drawing.clicks import ClickFunction, check_click, clickable
from needle_edu.viz.drawing.drawing import MAX_NODES, Drawing
from needle_edu.viz.drawing.looks import NodeFunction, check_node
from needle_edu.viz.drawing.opening import check_boxes
from needle_edu.viz.drawing.rows import check_shown
from needle_edu.viz.subject import check_backward, check_size, history


def draw(
    tensor,
    values: bool = True,
    grads: bool | str = True,
    direction: str = "TB",
    depth: int | None = None,
    max_nodes: int = MAX_NODES,
    modules: bool | int | str = "auto",
    roll: bool | None = None,
    focus: str | None = None,
    rows: Sequence[str] = (),
    overlay: str | None = None,
    code: bool = False,
    node: NodeFunction | None = None,
    on_click: ClickFunction | None = None,
) -> Drawing | Any:
    """Draw the computation graph that leads to a tensor.

    What a module made lies in a box, its parameters inside; passes that repeat each other lie in one box, rolled up
    ("× 20"). A click, or Enter, opens and closes a box.

    Parameters
    ----------
    tensor : Tensor or Program
        The result whose history is drawn; or a captured program, which has shapes but no numbers.
    values : bool
        Whether the cards show values.
    grads : bool or "all"
        True shows the gradients that are there (`.grad`); "all" those of every node, from one backward pass of its own,
        after which every `.grad` is as before.
    direction : {"TB", "LR"}
        From top to bottom or from left to right.
    depth : int, optional
        Only values at most so many operations before `tensor`.
    max_nodes : int
        Larger graphs are refused, with advice.
    modules : "auto", bool or int
        Which boxes of modules are open at first: as many as can be read, all (True), or so many levels of them; False
        draws no boxes of modules.
    roll : bool, optional
        Whether at least three equal passes that follow each other are rolled up; None: in graphs of more than 60 nodes.
    focus : str, optional
        Draws the inside of one box alone: a module's name, "layers.0" (its second call: "layers.0:2").
    rows : sequence of str
        What else the cards say: "dtype", "device", "bytes", "module"; of a recorded run also "source" (the line
        of code) and "time".
    overlay : {"value", "grad", "time", "memory", "flops"}, optional
        Colours every card by a number: the largest absolute value or gradient, the time of the operation (of a recorded
        run), the bytes of its result, its floating-point operations. What is nan or inf is red.
    code : bool
        Shows the lines that made the nodes beside the graph: a line marks its nodes, a node its line. Lines are known
        only of a recorded run: ``viz.record()``, then ``tape.draw(code=True)``.
    node : callable, optional
        Called once with each `Node` of the graph (`op`, `name`, `shape`, `module`, `value`, `grad`, …); it returns None
        or a dict that changes how the node is drawn: `label` (its title), `rows` (names and texts of more lines),
        `color` ("blue", "orange", "green", "red", "grey"), or `hide` (True leaves it out, its edges joined). It gets a
        copy, so it can't change the graph.
    on_click : callable, optional
        Called in the kernel with the `Node` on which the reader clicked or pressed Enter; what it prints and returns is
        shown below the picture, and so is an error. Needs anywidget and a running kernel.

    Returns
    -------
    Drawing
        With `on_click`, a widget with the attribute `drawing`.

    Raises
    ------
    NeedleError
        The graph has more than `max_nodes` nodes; `node` failed, or returned what can't be drawn; anywidget is not
        installed.
    ValueError
        A negative depth; unknown grads, direction, modules, roll, focus, rows, overlay or code.
    GradientError
        grads="all" of a tensor that needs no gradient.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([3.0])
    >>> ndl.viz.draw(x * x)
    <Drawing of a computation graph: 2 nodes, 2 edges>
    >>> [node.grad.first for node in ndl.viz.draw(x * x, grads="all").graph.nodes.values()]
    [(6.0,), (1.0,)]
    >>> ndl.viz.draw(ndl.graph.capture(lambda x: x * x, x))
    <Drawing of a computation graph: 2 nodes, 2 edges>
    >>> model = ndl.nn.Sequential(ndl.nn.Linear(1, 3), ndl.nn.ReLU())
    >>> [box.path for box in ndl.viz.draw(model(ndl.Tensor([[3.0]]))).boxes.boxes() if box.path]
    ['Sequential', 'Sequential.modules.0']
    >>> "my title" in ndl.viz.draw(x * x, node=lambda node: {"label": "my title"} if node.op else None).svg
    True
    """
    if grads not in (True, False, "all"):
        raise ValueError(f"viz.draw: grads={grads!r}; it is True, False or 'all'")
    if depth is not None and (not isinstance(depth, int) or depth < 0):
        raise ValueError(
            f"viz.draw: depth={depth!r}; it counts operations before the tensor: 0, 1, 2, …, or None for all"
        )
    check_boxes(modules, roll, focus)
    check_shown(rows, overlay)
    switch("viz.draw", code=code)
    check_node(node)
    check_click(on_click)
    shown: dict[str, Any] = {
        "direction": direction, "max_nodes": max_nodes, "modules": modules, "roll": roll, "focus": focus,
        "rows": rows, "overlay": overlay, "code": code, "node": node,
    }  # fmt: skip
    if isinstance(tensor, Program):
        return clickable(Drawing(as_graph(tensor), False, False, **shown), on_click)
    count = len(history(tensor, "draw"))
    if depth is None:
        check_size(count, max_nodes)
    graph = graph_of(tensor, depth, variable_names(sys._getframe(1)))
    if grads == "all":
        check_backward(tensor, "draw")
        add_adjoints(graph, tensor)
    return clickable(Drawing(graph, values, bool(grads), **shown), on_click)
