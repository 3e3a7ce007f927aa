"""What a backward pass leaves behind: every `.grad` it writes has memory of its own.

An op may hand its adjoint on unchanged, or a view of it: the two terms of a sum get one and the same array. While
the walk lasts that saves copies. But a gradient outlives it, and whoever scales one in place must change no other.
So the first value that an array reaches keeps it, and the next one gets a copy. A view that repeats elements (the
gradient of a sum) is copied too: nothing could be written to it.

What is taken is kept as a set of `id`s. They stay valid during the walk: who took the memory keeps it alive.
"""

import os
import threading

from . import arrays
from .arrays import GradientError
from .replaceable import sum_node_list
from .unbroadcast import shape_of
from .value import Value, fill_node

lock = threading.RLock()


def _new_lock() -> None:
    """In a forked child the thread that held the lock may be gone, and would never give it back."""
    global lock
    lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


def write_leaf(leaf, g, taken: set[int], accumulate: bool) -> None:
    """Write the adjoint `g` into a leaf's `.grad`, or add it there.

    Threads may share a parameter, so one at a time reads and writes.
    """
    if not accumulate:
        leaf.grad = own(g, taken)
    else:
        with lock:
            leaf.grad = own(g, taken) if leaf.grad is None else sum_node_list([_earlier(leaf), g])
    if leaf.extra is not None and "written" in leaf.extra:
        for hook in tuple(leaf.extra["written"].values()):
            hook(leaf)


def _earlier(leaf):
    """Return the `.grad` that a leaf has already; somebody may have set it by hand."""
    if not isinstance(leaf.grad, Value) or shape_of(leaf.grad) != shape_of(leaf):
        got = f"shape {shape_of(leaf.grad)}" if isinstance(leaf.grad, Value) else type(leaf.grad).__name__
        raise GradientError(
            f"backward(accumulate=True): the .grad to add to is a tensor of shape {shape_of(leaf)}; got {got}"
        )
    return leaf.grad


def taken_by(*values) -> set[int]:
    """Return the memory of values that somebody holds: the caller's first adjoint, the inputs of a student's op."""
    taken: set[int] = set()
    for value in values:
        data = value.realize_cached_data()
        for array in data if data.__class__ is tuple else (data,):
            arrays.claim(array, taken)
    return taken


def own(g, taken: set[int]):
    """Return the adjoint `g` for keeps: itself if its memory is nobody's yet, else a copy.

    A copied graph node is the same operation's result once more, so it can be differentiated likewise.
    """
    data = g.realize_cached_data()
    if data.__class__ is tuple:
        kept = tuple([array if arrays.claim(array, taken) else array.copy() for array in data])
    elif arrays.claim(data, taken):
        return g
    else:
        kept = data.copy()
    return fill_node(object.__new__(type(g)), g.op, g.inputs, kept, g.requires_grad)
