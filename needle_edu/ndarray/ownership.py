"""Does anybody else still hold an array? If not, writing over it changes nothing that anybody could see.

CPython counts the references to every object. An array that one tensor holds and nothing else has a certain count, and
so has its storage, unless a view, a host view or another library looks into it: each of these keeps the storage. What
the counts are then is measured once, on objects that are surely held once; the numbers differ between versions of
Python. Where references are not counted (other Pythons, builds without the global lock), every array counts as shared.
"""

from __future__ import annotations

import sys
from typing import Any

from needle_edu.backend import accelerator

from .interchange import adopted

getrefcount: Any = getattr(sys, "getrefcount", None)
counted = getrefcount is not None and getattr(sys, "_is_gil_enabled", lambda: True)()


class _Holder:
    """Stands for a tensor (which has `cached_data`) and for an array (which has `storage`)."""

    __slots__ = ("cached_data", "storage")
    cached_data: Any
    storage: Any


def _counts(tensor: Any) -> tuple[int, int]:
    array = tensor.cached_data
    return getrefcount(array), getrefcount(array.storage)


def _counts_of_one_holder() -> tuple[int, int]:
    tensor = _Holder()
    tensor.cached_data = _Holder()
    tensor.cached_data.storage = _Holder()
    return _counts(tensor)


_alone = _counts_of_one_holder() if counted else None


def held_once(tensor: Any) -> bool:
    """Whether the array of a tensor, and the memory under it, is held by this tensor alone.

    Memory that was NumPy's before it was ours never is: NumPy still looks into it.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> w = Tensor([1.0, 2.0])
    >>> held_once(w)
    True
    >>> view = w.cached_data[:1]
    >>> held_once(w)
    False
    """
    array = tensor.cached_data  # a local name, then an argument: as in `_counts`
    if array is None or _alone is None or id(array.storage) in adopted:
        return False
    return (getrefcount(array), getrefcount(array.storage)) == _alone


def _accelerate(module: Any) -> None:
    """Hand over what `held_once`, and reading an address, need in C (csrc/python/launch.c)."""
    if module is not None:
        import _cffi_backend

        of_cffi = vars(_cffi_backend)["_C_API"]  # its functions for C
        module.memory(of_cffi, _cffi_backend.FFI().typeof("void *"), adopted if counted else None)


accelerator.connect(_accelerate)
