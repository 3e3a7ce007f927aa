"""Donation: a parameter's new numbers are written over its old ones, where nobody else could tell.

p ← p - η g makes a new array, and the old one is given back at once. If the last kernel call that reads p is the one
that computes the new p, element by element, it may as well write to where p lies: no memory is asked for, and less
passes through the caches. Whether somebody else holds the array (a copy of the parameters that a user keeps, say) is
asked at each run.
"""

from __future__ import annotations

from collections.abc import Sequence

from needle_edu.graph.static.places import DataOf

from .call_tools import writers
from .epilogue import Rows
from .fusion import Step, pointwise
from .lowering import Lowered, buffers


def donations(lowered: Lowered, steps: Sequence[Step | Rows] = ()) -> list[tuple[str, str]]:
    """Return (source, result) for each tensor whose new array may lie where its old one does.

    `steps` are the calls as they are joined: a product that goes by rows still reads its factors while it writes.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu.graph.compiled.lowering import lower
    >>> w = ndl.Tensor([1.0, 2.0])
    >>> w.name = "w"
    >>> def step(x):
    ...     w.data = w - x * 0.1
    >>> donations(lower(ndl.graph.capture(step, ndl.Tensor([1.0, 1.0]))))
    [('w', '2')]
    """
    program = lowered.program
    wrote = writers(lowered)
    last = {one: place for place, call in enumerate(lowered.calls) for one in buffers(call.arguments)}
    kept = [buffer for buffer, _ in lowered.results.values()]
    sources = {
        source.owner: name for name, (_, source) in program.sources.items() if isinstance(source, DataOf)
    }
    found: list[tuple[str, str]] = []
    for name, target in program.updates:
        source = sources.get(target.owner) if isinstance(target, DataOf) else None
        if source is None:
            continue
        (old, old_layout), (new, new_layout) = lowered.arguments[source], lowered.results[name]
        same = old_layout is new_layout and old_layout.dense and new.n == old.n == old_layout.size
        if not same or new.kind != "temporary" or old in kept or kept.count(new) > 1:
            continue
        places = wrote[new]
        call = lowered.calls[places[0]]
        reads = call.kernel == "optimizer_steps" or pointwise(call)
        by_rows = any(
            isinstance(step, Rows) and old in buffers(step.calls[0].arguments) and call in step.calls
            for step in steps
        )
        if reads and not by_rows and last.get(old, -1) <= places[0] and places[0] == places[-1]:
            found.append((source, name))
    return found
