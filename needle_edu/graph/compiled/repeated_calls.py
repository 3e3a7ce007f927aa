"""Common subexpressions among kernel calls: what a kernel has computed before, it does not compute again.

Most repetitions are found among instructions (passes/common_subexpressions.py). Some show only here. The vjp of
max-pooling asks the kernel of the forward pass where each maximum was, which it can note in the same walk:

    max_pool(y, -, x)  ...  max_pool(y', places, x)        becomes        max_pool(y, places, x)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .call_tools import pairs, places_written, with_buffers, writers
from .lowering import Buffer, Call, Lowered, buffers


def repeated_calls(lowered: Lowered) -> Lowered:
    """Return the program with each call made once; a result that the first call left out is asked of it.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu.graph.compiled.lowering import lower
    >>> def f(x):
    ...     ndl.ops.max_pool1d(x, 2).sum().backward()
    ...     return x.grad
    >>> lowered = lower(ndl.graph.capture(f, ndl.Tensor([[[1.0, 2.0, 0.0, 3.0]]])))
    >>> kernels = lambda lowered: [call.kernel for call in lowered.calls]
    >>> kernels(lowered).count("max_pool"), kernels(repeated_calls(lowered)).count("max_pool")
    (2, 1)
    """
    wrote = writers(lowered)
    results = {buffer for buffer, _ in lowered.results.values()}
    new: dict[Buffer, Buffer] = {}
    known: dict[Any, int] = {}
    calls: list[Call] = []
    for place, original in enumerate(lowered.calls):
        call = with_buffers(original, new)
        key = _key(call, place, wrote) if _writes_once(call, wrote) else None
        earlier = known.get(key) if key is not None else None
        if earlier is None or not _merged(calls, earlier, call, results, new):
            if key is not None:
                known.setdefault(key, len(calls))
            calls.append(call)
    return replace(lowered, calls=calls)


def _writes_once(call: Call, wrote: dict[Buffer, list[int]]) -> bool:
    """Whether all that a call writes is written by it alone, to memory that nobody else writes to."""
    if call.kernel == "optimizer_steps":
        return False
    outputs = [call.arguments[place] for place in places_written(call)]
    return all(one.kind == "temporary" and len(wrote[one]) == 1 for one in outputs if type(one) is Buffer)


def _key(call: Call, place: int, wrote: dict[Buffer, list[int]]) -> Any:
    """Return what is equal for two calls that read the same: buffers as they are after so many writes."""
    read = [(at, _seen(one, place, wrote)) for at, one in pairs(call)]
    return call.kernel, repr(read)


def _seen(argument: Any, place: int, wrote: dict[Buffer, list[int]]) -> Any:
    if type(argument) is Buffer:
        return id(argument), sum(1 for write in wrote.get(argument, ()) if write < place)
    if type(argument) in (list, tuple):
        return [_seen(one, place, wrote) for one in argument]
    return (
        argument if isinstance(argument, (int, float)) else id(argument)
    )  # plans are kept, and so are the same


def _merged(calls: list[Call], earlier: int, call: Call, results: set, new: dict[Buffer, Buffer]) -> bool:
    """Let the earlier call do what this one does, if it can: then this one's buffers are the earlier one's."""
    first = list(calls[earlier].arguments)
    for at in places_written(call):
        wanted, there = call.arguments[at], first[at]
        if type(wanted) is Buffer and (wanted in results or (type(there) is Buffer and there.n != wanted.n)):
            return False
    for at in places_written(call):
        wanted, there = call.arguments[at], first[at]
        if type(wanted) is Buffer and type(there) is Buffer:
            new[wanted] = there
        elif type(wanted) is Buffer:
            first[at] = wanted
    calls[earlier] = replace(calls[earlier], arguments=tuple(first))
    assert all(one not in new for one in buffers(first))
    return True
