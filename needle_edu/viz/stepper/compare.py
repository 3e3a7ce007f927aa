"""`viz.compare`: two runs side by side, and the first step at which they depart.

Two steps are the same step if the same is done to the same values, counted in the order of the run: names do not
matter. As long as both runs do the same, their numbers are compared; where they do something else, it ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from needle_edu import graph as recorded
from needle_edu.autograd import Tensor, Value
from needle_edu.graph import Graph, Snapshot, record_backward, variable_names
from needle_edu.graph.names import names_by_id
from needle_edu.graph.snapshot import RTOL, alike
from needle_edu.viz.page import PAGE, Shown, write_atomically
from needle_edu.viz.stepper.breakpoints import operation
from needle_edu.viz.stepper.narrator import tell
from needle_edu.viz.stepper.stepper import Stepper
from needle_edu.viz.stepper.steps import Step
from needle_edu.viz.subject import check_backward, history
from needle_edu.viz.text import attribute_texts, card_text, number


class Comparison(Shown):
    """Two runs compared; shows itself in Jupyter as the second run, opened where it departs from the first.

    Attributes
    ----------
    first : int or None
        The number of the first step that departs, from 0; None if none does.
    differing : list of int
        All steps whose numbers differ, as long as both runs do the same.
    text : str
        What was found, in words.
    stepper : Stepper
        The second run; the steps that depart are marked, and are its breakpoints.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([3.0])
    >>> ndl.viz.compare(x * x, x * x)
    The runs are the same: 8 steps.
    """

    def __init__(self, first: int | None, differing: list[int], text: str, stepper: Stepper):
        self.first, self.differing, self.text, self.stepper = first, differing, text, stepper

    @property
    def html(self) -> str:
        """What a notebook shows."""
        words = self.text.replace("&", "&amp;").replace("<", "&lt;")
        return f"<p><b>{words}</b></p>{self.stepper.html}"

    def save(self, path: str | os.PathLike) -> Path:
        """Write a page of its own (.html), complete or not at all."""
        forms = {".html": lambda: PAGE.format(title="two runs compared", body=self.html)}
        return write_atomically(path, forms, "Comparison.save")

    def __repr__(self) -> str:
        return self.text


def compare(run_a: Any, run_b: Any, rtol: float = RTOL, **options) -> Comparison:
    """Compare two runs step by step, and find the first step that departs.

    Parameters
    ----------
    run_a, run_b : Tensor, Tape or Stepper
        A loss (its graph is replayed, and backward runs once; every `.grad` is as before afterwards), a recorded run
        (``with viz.record() as tape``), or a stepper.
    rtol : float
        Numbers that differ by less, relative to themselves, are the same.
    **options
        As for `viz.step`: direction, max_nodes.

    Returns
    -------
    Comparison

    Raises
    ------
    TypeError
        A run is something else.
    ValueError
        A negative rtol.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([3.0])
    >>> a, b = ndl.tanh(x * 2), ndl.tanh(x * 2 + 0.5)
    >>> ndl.viz.compare(a, b)
    The runs depart at step 3: the first does a = tanh(v1), the second does v2 = v1 + 0.5.
    """
    if not isinstance(rtol, (int, float)) or not rtol >= 0:
        raise ValueError(f"viz.compare: rtol={rtol!r}; it is a number from 0 on, such as 1e-4")
    names = variable_names(sys._getframe(1))
    (graph_a, steps_a), (graph_b, steps_b) = (_told(run, names) for run in (run_a, run_b))
    keys_a, keys_b = _keys(graph_a, steps_a), _keys(graph_b, steps_b)
    both = min(len(steps_a), len(steps_b))
    other = next(
        (k for k in range(both) if keys_a[k] != keys_b[k]), both
    )  # the first that does something else
    parted = None if other == len(steps_a) == len(steps_b) else other
    results = [
        tuple(s.result.numbers if s.result else None for s in (steps_a[k], steps_b[k])) for k in range(other)
    ]
    differing = [k for k, (a, b) in enumerate(results) if not alike(b, a, rtol)]
    marked = [replace(step, departs="") for step in steps_b]  # from the first run, not from the engine's pass
    for k in differing:
        here = "Here the runs depart. " if k == differing[0] else "Here they differ, too. "
        marked[k] = replace(steps_b[k], departs=here + _difference(*results[k]), other=steps_a[k].result)
    text = f"The runs are the same: {len(steps_b)} steps."
    if parted is not None:
        what_a, what_b = (s[parted].title if parted < len(s) else "nothing more" for s in (steps_a, steps_b))
        said = f"the first does {what_a}, the second does {what_b}."
        last = min(parted, len(marked) - 1)
        marked[last] = replace(marked[last], departs=f"Here the runs part. {said[0].upper()}{said[1:]}")
        text = f"The runs depart at step {parted + 1}: {said}"
    if differing:
        k = differing[0]
        text = f"The runs depart at step {k + 1}, {steps_b[k].title}. {_difference(*results[k])}"
        rest = len(differing) - 1
        text += f" {rest} further step{' differs' if rest == 1 else 's differ'}." if rest else ""
        text += f" From step {parted + 1} on they do something else." if parted is not None else ""
    stops = "departs" if differing or parted is not None else None
    stepper = Stepper(graph_b, marked, stop_at=stops, compared=True, **options)
    first = differing[0] if differing else parted
    return Comparison(first, differing, text, stepper)


def _told(run: Any, names: list[tuple[Any, str]]) -> tuple[Graph, list[Step]]:
    """The graph and the steps of a run."""
    run = getattr(run, "stepper", run)  # of a live stepper
    if isinstance(run, Stepper):
        return run.graph, run.steps
    called: Mapping[int, str]
    if isinstance(run, recorded.Tape):
        return tell(run.records, run.names)
    if not isinstance(run, Value):
        raise TypeError(f"viz.compare: a run is a Tensor, a Tape or a Stepper; got {type(run).__name__}")
    check_backward(run, "compare")
    assert isinstance(run, Tensor)
    values = history(run, "compare")
    called = names_by_id(names, values)
    return tell(record_backward(run, values), called)


def _keys(graph: Graph, steps: list[Step]) -> list[tuple]:
    """What each step does, without names: comparable between runs."""
    place: dict[int | None, int] = {}
    keys = []
    for step in steps:
        place.setdefault(step.value, len(place))
        shape = graph.nodes[step.value].shape
        attrs = tuple(attribute_texts(step.attrs).items())
        inputs = tuple(place.get(graph.edges[e].source) for e in step.edges)
        keys.append(
            (
                step.kind,
                operation(graph, step),
                place[step.value],
                place.get(step.origin),
                shape,
                attrs,
                inputs,
            )
        )
    return keys


def _difference(a: Snapshot | None, b: Snapshot | None) -> str:
    """How the results of one step differ between the runs."""
    if a is None or b is None or a.parts or b.parts:
        return "Its results differ."
    if a.shape != b.shape:
        return f"The first has shape {a.shape}, the second {b.shape}."
    numbers = f"The first has {card_text(a)}, the second {card_text(b)}"
    if a.array is None or b.array is None:
        return numbers + "."
    with np.errstate(all="ignore"):
        apart = np.abs(a.array.astype(np.float64) - b.array.astype(np.float64))
    return (
        f"{numbers}; they differ by {number(float(np.nanmax(apart)))} at most."
        if np.isfinite(apart).any()
        else numbers + "."
    )
