"""Slopes of rectifiers from results: relu(x) is positive exactly where x is, so the backward pass can do without x.

    r = relu(x)  ...  relu_backward(g, x)        becomes        relu_backward(g, r)

What follows a rectifier nearly always keeps r for its own gradient: a convolution for that of its weights. Then x is
not needed after the forward pass, r may be written over it, and a layer keeps one array less.
"""

from __future__ import annotations

from dataclasses import replace

from .call_tools import last_places, writers
from .lowering import Buffer, Lowered


def relu_slopes(lowered: Lowered) -> Lowered:
    """Return the program in which slopes look at results that are kept anyway, or for no longer than x would be.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu.graph.compiled.in_place import in_place
    >>> from needle_edu.graph.compiled.lowering import lower
    >>> from needle_edu.graph.compiled.memory_plan import plan_memory
    >>> def f(x, w):
    ...     ((x @ w).relu() @ w).sum().backward()
    ...     return w.grad
    >>> x, w = ndl.Tensor([[0.0] * 32] * 32), ndl.Tensor([[0.0] * 32] * 32)
    >>> lowered = lower(ndl.graph.capture(f, x, w))
    >>> nbytes = lambda lowered: plan_memory(lowered, lowered.calls).nbytes
    >>> nbytes(in_place(lowered)), nbytes(in_place(relu_slopes(lowered)))
    (12352, 8256)
    """
    last, wrote = last_places(lowered), writers(lowered)
    made: dict[Buffer, Buffer] = {}  # x → relu(x), in the forward pass
    calls = list(lowered.calls)
    for place, call in enumerate(calls):
        if call.kernel == "relu_dense":
            _, _, r, x = call.arguments
            if r.n == x.n and len(wrote[r]) == 1 and len(wrote.get(x, ())) < 2:
                made.setdefault(x, r)
        elif call.kernel in ("relu_backward_dense", "relu_backward"):
            *_, x = call.arguments
            r = made.get(x)
            if r is not None and (last[r] >= place or (last[x] == place and x.kind == "temporary")):
                calls[place] = replace(call, arguments=(*call.arguments[:-1], r))
    return replace(lowered, calls=calls)
