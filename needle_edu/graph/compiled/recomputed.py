"""Recomputation: what a rectifier's slope alone would keep from the forward pass is computed again.

A residual block is y = x + relu(b), where b is a convolution's result c, normalised. The backward pass needs c, and of
b only the sign, once. Keeping b costs an array through half of the step; computing it again costs one walk over c:

    b = batch_norm(c)   ...   relu_backward(g, b)      becomes      b' = batch_norm(c);  relu_backward(g, b')

The same kernel is called with the same operands, so the numbers are the same to the last bit. It is done only where
these operands are kept anyway, and where nobody else reads b in the backward pass.
"""

from __future__ import annotations

from dataclasses import replace

from .call_tools import last_places, pairs, with_buffers, writers, written
from .fusion import pointwise
from .lowering import Buffer, Call, Lowered, buffers

LEAST_BYTES = 1 << 16  # of an array that is worth another call
FAR = 8  # calls: what is read again sooner is not worth it
SLOPES = ("relu_backward_dense", "relu_backward")


def recomputed(lowered: Lowered) -> Lowered:
    """Return the program in which slopes of rectifiers ask for nothing that is kept for them alone.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu.graph.compiled.lowering import lower
    >>> norm = ndl.nn.BatchNorm2d(8)
    >>> def f(x):
    ...     (x + norm(x * 2).relu()).exp().exp().exp().exp().sum().backward()
    ...     return x.grad
    >>> lowered = lower(ndl.graph.capture(f, ndl.zeros(4, 8, 32, 32)))
    >>> [sum(call.kernel == "batch_norm_dense" for call in one.calls) for one in (lowered, recomputed(lowered))]
    [1, 2]
    """
    last, wrote = last_places(lowered), writers(lowered)
    read: dict[Buffer, list[int]] = {}
    for place, call in enumerate(lowered.calls):
        for one in {one for _, given in pairs(call) for one in buffers((given,))}:
            read.setdefault(one, []).append(place)
    calls: list[Call] = []
    for place, call in enumerate(lowered.calls):
        if call.kernel in SLOPES:
            sign = _before_relu(call.arguments[-1], lowered, wrote)
            maker = _maker(sign, lowered, wrote)
            if (
                maker is not None
                and _pays(call.arguments[-1], sign, maker, place, read, last)
                and _unchanged(maker, wrote)
            ):
                again = {one: Buffer(one.dtype, one.n) for one in written(maker)}
                calls.append(replace(with_buffers(maker, again), of=call.of))
                call = replace(call, arguments=(*call.arguments[:-1], again[sign]))
        calls.append(call)
    return replace(lowered, calls=calls)


def _before_relu(one: Buffer, lowered: Lowered, wrote: dict[Buffer, list[int]]) -> Buffer:
    """Return the x of one = relu(x), which has the same sign; or what was given."""
    if len(wrote.get(one, ())) != 1:
        return one
    call = lowered.calls[wrote[one][0]]
    return call.arguments[3] if call.kernel == "relu_dense" and call.arguments[3].n == one.n else one


def _maker(one: Buffer, lowered: Lowered, wrote: dict[Buffer, list[int]]) -> Call | None:
    """Return the cheap call that makes a temporary, if it alone writes what it writes."""
    if one.kind != "temporary" or len(wrote.get(one, ())) != 1:
        return None
    call = lowered.calls[wrote[one][0]]
    cheap = call.kernel == "batch_norm_dense" or pointwise(call)
    alone = all(len(wrote[out]) == 1 for out in written(call))
    return call if cheap and alone and _unchanged(call, wrote) else None


def _pays(
    kept: Buffer,
    sign: Buffer,
    maker: Call,
    place: int,
    read: dict[Buffer, list[int]],
    last: dict[Buffer, int],
) -> bool:
    """Whether an array would be kept for this slope alone, and its maker's operands are there anyway."""
    if sign.nbytes < LEAST_BYTES or any(place - FAR < last[one] != place for one in (kept, sign)):
        return False
    if any(place - FAR < other < place for one in (kept, sign) for other in read[one]):
        return False
    operands = {one for _, given in pairs(maker) for one in buffers((given,))}
    return all(one.kind != "temporary" or last[one] > place for one in operands)


def _unchanged(maker: Call, wrote: dict[Buffer, list[int]]) -> bool:
    """Whether all that a call reads stays as it is."""
    operands = {one for _, given in pairs(maker) for one in buffers((given,))}
    return all(len(wrote.get(one, ())) <= (one.kind == "temporary") for one in operands)
