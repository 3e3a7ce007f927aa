"""`viz.why`: why a gradient, or a value, is zero, huge, tiny or NaN.

The run is recorded as for `viz.step`, and its numbers are followed back to the step that made them so (`causes`). The
answer is a text, and a picture of the part of the graph that the way leads through.
"""

from __future__ import annotations

import hashlib
import html
import sys

from needle_edu.autograd import Tensor, Value, events
from needle_edu.autograd.events import value_id
from needle_edu.backend import NeedleError
from needle_edu.graph import Graph, record_backward, variable_names
from needle_edu.graph.names import names_by_id
from needle_edu.graph.recorder import Aside, Records
from needle_edu.viz.drawing.drawing import Drawing
from needle_edu.viz.page import Shown
from needle_edu.viz.stepper.causes import Causes
from needle_edu.viz.stepper.narrator import tell
from needle_edu.viz.stepper.steps import Step
from needle_edu.viz.subject import check_backward, check_size, history
from needle_edu.viz.text import card_text, number

MAX_NODES = 5000
SHOWN = 12  # so many steps of a way are written down, and so many of its nodes are drawn
IS = {"nan": "holds NaN", "inf": "holds infinities", "zero": "is zero", "huge": "is huge", "tiny": "is tiny"}


class Why(Shown):
    """An answer; shows itself in Jupyter as text and picture.

    Attributes
    ----------
    kind : {"nan", "inf", "zero", "huge", "tiny", "absent", ""}
        What is wrong; "absent" if there is no gradient at all, "" if nothing is wrong.
    text : str
        The answer in words: what is so, which operation made it, and the way from there.
    steps : list of Step
        The way, from what was asked back to where it begins.
    made : Step or None
        The step that made it so.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> w = ndl.Tensor([-1.0, -2.0])
    >>> h = ndl.relu(w)
    >>> ndl.viz.why(w, h.sum()).made.title
    'h → w'
    """

    def __init__(
        self,
        graph: Graph,
        text: str,
        kind: str = "",
        steps: list[Step] | None = None,
        made: Step | None = None,
    ):
        self.graph, self.text, self.kind, self.steps, self.made = graph, text, kind, steps or [], made

    @property
    def html(self) -> str:
        """What a notebook shows."""
        head, *rest = html.escape(self.text).split("\n")
        words = f"<p><b>{head}</b> {' '.join(rest[:1])}</p>"
        if rest[1:]:
            words += "<pre>" + "\n".join(rest[1:]) + "</pre>"
        part, marked = self._part()
        if not part.nodes:
            return f'<div class="needle-why">{words}</div>'
        picture = Drawing(part).html
        name = "needle-why-" + hashlib.sha256((words + picture).encode()).hexdigest()[:10]
        # The picture's own rules name its class; two classes here, so that these win.
        rules = "".join(
            f'.{name}.{name} [data-node="{k}"] .ndl-box{{stroke:#d1002f;stroke-width:3}}' for k in marked
        )
        font = "font-family:var(--jp-ui-font-family,system-ui,sans-serif)"
        style = (
            f"<style>.{name} p{{{font}}}.{name} pre{{white-space:pre-wrap;line-height:1.4}}{rules}</style>"
        )
        return f'<div class="needle-why {name}">{style}{words}{picture}</div>'

    def _part(self) -> tuple[Graph, list[int]]:
        """The nodes on the way and the operands of the one that is to blame, and the places of those on the way."""
        on_way = [k for step in self.steps[-SHOWN:] for k in (step.value, step.origin) if k is not None]
        keep = {k for k in on_way if k in self.graph.nodes}
        if self.made is not None:
            node = self.made.value if self.made.origin is None else self.made.origin
            keep |= {edge.source for edge in self.graph.edges if edge.target == node}
        nodes = {k: node for k, node in self.graph.nodes.items() if k in keep}
        edges = [e for e in self.graph.edges if e.source in keep and e.target in keep]
        return Graph(nodes, edges), [place for place, k in enumerate(nodes) if k in on_way]

    def __repr__(self) -> str:
        return self.text


def why(x: Value, loss: Tensor | None = None) -> Why:
    """Why is this gradient, or this value, zero, huge, tiny or NaN?

    Parameters
    ----------
    x : Tensor
        What is asked about.
    loss : Tensor, optional
        Where backward starts: the question is then about the gradient of `x`. Backward runs once; every `.grad` is as
        before afterwards. Without it the question is about the value of `x`.

    Returns
    -------
    Why
        Its text leads from `x` back to the step that made its numbers what they are.

    Raises
    ------
    TypeError
        `x` or `loss` is no Tensor.
    ValueError
        `x` is no part of the graph of `loss`.
    GradientError
        `loss` needs no gradient.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x, w = ndl.Tensor([1.0, 0.0], requires_grad=False), ndl.Tensor([2.0, 3.0])
    >>> h = w * x
    >>> loss = ndl.log(h).sum()
    >>> ndl.viz.why(loss)
    loss holds infinities.
    Every operand is finite, but log makes infinities of them: at [1], h = 0 gives -inf.
      loss = summation(v1)   -inf
      v1 = log(h)            [0.6931, -inf]
    >>> ndl.viz.why(w, loss)
    The gradient of w holds NaN: 1 of 2 elements.
    The adjoint and the operands are finite, but log makes infinities of them: at [1], adjoint = 1, h = 0 gives inf.
      w.grad is written   [0.5, nan]
      h → w               [0.5, nan]
      v1 → h              [0.5, inf]
    """
    end = x if loss is None else loss
    history(x, "why")
    values = history(end, "why")
    check_size(len(values), MAX_NODES, "why")
    if loss is not None:
        check_backward(loss, "why")
    if not any(value is x for value in values):
        raise ValueError(
            "viz.why: x is no part of the graph that leads to loss; was it replaced by a new tensor?"
        )
    records: Records
    if loss is None:
        with Aside() as recorder:
            events.replay(x)
        records = recorder.records
    else:
        records = record_backward(loss, values)
    called = names_by_id(variable_names(sys._getframe(1)), values)
    graph, steps = tell(records, called)
    return answer(Causes(graph, steps), value_id(x), of_gradient=loss is not None)


def answer(causes: Causes, value: int, of_gradient: bool) -> Why:
    """The answer about the value or the gradient of a node of a recorded run."""
    phase = "backward" if of_gradient else "forward"
    found = [k for k, step in enumerate(causes.steps) if step.value == value and step.phase == phase]
    if not found:
        return Why(causes.graph, _absent(causes.graph, value), "absent")
    return answer_at(causes, found[-1])


def answer_at(causes: Causes, k: int) -> Why:
    """The answer about what step `k` of a run results in."""
    graph, steps, cause = causes.graph, causes.steps, causes.of(k)
    step, numbers = steps[k], causes.results[k]
    label = graph.nodes[step.value].label
    subject = label if step.phase == "forward" else f"The gradient of {label}"
    if numbers is None or numbers.parts:
        said = f"{subject} is a tuple of arrays: ask about one of its parts."
        return Why(graph, said, "", [step])
    size = f"its largest element is {number(causes.size(k))}, its norm {number(numbers.norm)}"
    if cause.kind in ("nan", "inf"):
        count = "" if numbers.size == 1 else f": {numbers.not_finite} of {numbers.size} elements"
        said = f"{subject} {IS[cause.kind]}{count}."
    elif cause.kind == "zero":
        said = f"{subject} is zero{'' if numbers.size == 1 else ' everywhere'}."
    elif cause.kind:
        said = f"{subject} {IS[cause.kind]}: {size}."
    else:
        said = f"{subject} is neither zero nor huge, tiny or NaN: {size}."
    lines = [(steps[at].title, card_text(causes.results[at])) for at in cause.chain]
    width = max(len(title) for title, _ in lines[:SHOWN])
    way = [f"  {title:<{width}}   {text}" for title, text in lines]
    if len(way) > SHOWN:
        half = SHOWN // 2
        way[half:-half] = [f"  … {len(way) - 2 * half} steps …"]
    text = "\n".join([said, cause.text, *way])
    return Why(graph, text, cause.kind, [steps[at] for at in cause.chain], steps[cause.made])


def _absent(graph: Graph, value: int) -> str:
    node = graph.nodes[value]
    if not node.requires_grad:
        return f"{node.label} has no gradient: it asks for none (requires_grad is False), so backward computes none."
    users = [graph.nodes[edge.target] for edge in graph.edges if edge.source == value]
    ways = ", ".join(sorted({user.op or user.label for user in users}))
    return (
        f"{node.label} has no gradient: no contribution reaches it. It is used by {ways or 'nothing'} only."
    )


def find_node(graph: Graph, what: str | Value) -> int:
    """The node that a label or a tensor means."""
    if isinstance(what, Value) and value_id(what) in graph.nodes:
        return value_id(what)
    for k, node in graph.nodes.items():
        if node.label == what:
            return k
    raise NeedleError(f"Stepper.why: no value of this run is {what!r}; the labels are those in the picture")
