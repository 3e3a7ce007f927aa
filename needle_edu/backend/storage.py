"""Storage: one block of memory, shared by every array that looks into it.

An array is a storage seen through a layout (shape, strides, offset); a view is another layout over the same
storage. The block goes back when the last reference to its `Storage` goes: reference counting does it at
once, there is no destructor to write. Each storage also has a version, which every in-place write raises, so that
`backward()` can refuse to use a value that changed after the forward pass.
"""

from typing import Any

from .arguments import integer

latest_version = 0  # the version counter: counts in-place writes, over all storages


class Storage:
    """A block of memory.

    Attributes
    ----------
    ptr : cdata or numpy.ndarray
        What a kernel takes: a C pointer on a native device, a one-dimensional NumPy array on the reference.
    nbytes : int
        Size of the block as asked for.
    version : int
        Value of the version counter at the last in-place write; 0 for a block never overwritten.

    Examples
    --------
    >>> from needle_edu.backend import cpu
    >>> storage = cpu().allocate(0, 3)                      # three elements of dtype code 0, float32
    >>> storage.nbytes, storage.version
    (12, 0)
    """

    # No __init__: `allocate` fills the slots itself, which is 60 ns faster and happens at every operation.
    __slots__ = ("ptr", "nbytes", "version", "__weakref__")
    ptr: Any
    nbytes: int
    version: int

    def stay(self, block: Any) -> None:
        """Do nothing; whoever keeps this method keeps the storage."""


def check_count(n: Any) -> None:
    """Raise unless `n` is a number of elements that a storage may have.

    Examples
    --------
    >>> check_count(-3)
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.ShapeError: allocate: the number of elements is a whole number of at least 0, got -3
    """
    integer("allocate", "the number of elements", n, 0)


def new_version() -> int:
    """Raise the version counter and return it: ``storage.version = new_version()`` after an in-place write."""
    global latest_version
    latest_version += 1
    return latest_version
