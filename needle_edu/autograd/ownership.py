"""Every `.grad` that `backward` leaves behind has memory of its own.

An op may hand its adjoint on unchanged, or a view of it: the two terms of a sum get one and the same array. While
the walk lasts that saves copies. But a gradient outlives it, and whoever scales one in place must change no other.
So the first value that an array reaches keeps it, and the next one gets a copy. A view that repeats elements (the
gradient of a sum) is copied too: nothing could be written to it.
"""

from . import arrays
from .value import Value


class Owners:
    """The memory that belongs to somebody already, during one backward pass.

    Parameters
    ----------
    seed : Value
        The adjoint the pass starts with; it may be the caller's.
    """

    __slots__ = ("taken",)

    def __init__(self, seed: Value):
        self.taken: dict = {}
        data = seed.realize_cached_data()
        for part in data if isinstance(data, tuple) else (data,):
            memory = arrays.memory(part)
            self.taken[id(memory)] = memory  # kept, so that the number stays this memory's

    def own(self, g):
        """Return the adjoint `g` for keeps: itself if its memory is nobody else's, else a copy.

        A copied graph node is the same operation's result once more, so it can be differentiated likewise.
        """
        data = g.realize_cached_data()
        if data.__class__ is tuple:
            own = tuple([self._array(part) for part in data])
            if all([one is part for one, part in zip(own, data, strict=True)]):
                return g
        else:
            own = self._array(data)
            if own is data:
                return g
        copy = g.make_const(own, g.requires_grad)
        copy.op, copy.inputs = g.op, g.inputs
        return copy

    def _array(self, array):
        memory = arrays.memory(array)
        if id(memory) in self.taken or not arrays.gapless(array):
            array = array.copy()
            memory = arrays.memory(array)
        self.taken[id(memory)] = memory
        return array
