"""Every `.grad` that `backward` leaves behind has memory of its own.

An op may hand its adjoint on unchanged, or a view of it: the two terms of a sum get one and the same array. While
the walk lasts that saves copies. But a gradient outlives it, and whoever scales one in place must change no other.
So the first value that an array reaches keeps it, and the next one gets a copy. A view that repeats elements (the
gradient of a sum) is copied too: nothing could be written to it.

What is taken is kept as a set of `id`s. They stay valid during the walk: who took the memory keeps it alive.
"""

from . import arrays


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
    copy = g.make_const(kept, g.requires_grad)
    copy.op, copy.inputs = g.op, g.inputs
    return copy
