"""Optimiser steps within the backward pass: a weight is updated as soon as its gradient is there.

An optimiser is called when all gradients are known, and then walks through all of them. But the step of a weight needs
no other's gradient. Behind the product that makes it, it finds it in the cache, and epilogue.py lets both go block by
block:

    g = xᵀ d   ...   p, m, v = adam(p, g, m, v)      becomes      for each block of rows:  g = xᵀ d
                                                                                           p, m, v = adam(p, g, m, v)

The formula is computed element by element, so the numbers are the same to the last bit. A weight waits for the end if
somebody still asks for its old numbers, or its gradient is more than one product: it is clipped, or a sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .call_tools import writers, written
from .epilogue import LEAST_BYTES, product_shape
from .lowering import Buffer, Call, Lowered, buffers


def steps_in_backward(lowered: Lowered) -> Lowered:
    """Return the program with the steps of large weights right behind the products that make their gradients.

    On the CPU only: on a card one launch for all parameters is worth more.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu.graph.compiled.lowering import lower
    >>> layer = ndl.nn.Linear(256, 512)
    >>> optimizer = ndl.optim.Adam(layer.parameters())
    >>> def step(x):
    ...     optimizer.reset_grad()
    ...     layer(x).sum().backward()
    ...     optimizer.step()
    >>> lowered = lower(ndl.graph.capture(step, ndl.zeros(8, 256)))
    >>> kernels = lambda lowered: [call.kernel for call in lowered.calls]
    >>> kernels(lowered)[-2:], kernels(steps_in_backward(lowered))[-3:]
    (['matmul', 'optimizer_steps'], ['matmul', 'optimizer_steps', 'optimizer_steps'])
    """
    runtime: Any = lowered.program.device.runtime
    if runtime.program_language != "C":
        return lowered
    wrote = writers(lowered)
    behind: dict[int, list[Call]] = {}  # place of a product → the steps that follow it
    left: dict[int, Call | None] = {}  # place of an optimiser's call → the same with fewer parameters
    for place, call in enumerate(lowered.calls):
        if call.kernel != "optimizer_steps":
            continue
        code, _, rows = call.arguments
        late = []
        for row in rows:
            product = _product_of(row, lowered.calls, place, wrote)
            if product is None:
                late.append(row)
            else:
                behind.setdefault(product, []).append(replace(call, arguments=(code, 1, [row])))
        left[place] = replace(call, arguments=(code, len(late), late)) if late else None
    calls: list[Call] = []
    for place, call in enumerate(lowered.calls):
        kept = left.get(place, call)
        calls += [kept] if kept is not None else []
        calls += behind.get(place, [])
    return replace(lowered, calls=calls)


def _product_of(row: Any, calls: Sequence[Call], here: int, wrote: dict[Buffer, list[int]]) -> int | None:
    """Return the place of the large product behind which a parameter's step may stand; None if there is none."""
    _, n, out, p, g, memories, numbers = row
    made = wrote.get(g, [])
    shape = product_shape(calls[made[0]], LEAST_BYTES) if len(made) == 1 and made[0] < here else None
    if shape is None or shape[0] * shape[1] != n:
        return None
    place = int(made[0])
    own = {out, p, *memories}
    others = [other for other in calls[here].arguments[2] if other is not row]
    named = {one for call in calls[place + 1 : here] for one in buffers(call.arguments)}
    named |= set(buffers([other[:-1] for other in others])) | set(buffers(calls[place].arguments))
    changed = {one for call in calls[place:here] for one in written(call)}
    return None if own & named or numbers in changed else place
