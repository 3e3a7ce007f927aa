"""What Python gives to a kernel or a host function, as C takes it: numbers, and addresses in the device's memory.

An array is whatever has `shape`, `strides` (in elements), `offset`, `dtype`, `device` and `storage`, as NDArrays have,
or whatever gives one when its data are asked for, as Tensors do. A kernel sees an address and nothing else: so the
elements must lie row by row, and be of the type that the kernel reads.
"""

from typing import Any, NamedTuple

import numpy as np

from .storage import new_version


class Memory(NamedTuple):
    """An array as a kernel sees it."""

    address: int
    dtype: np.dtype
    size: int
    device: Any
    """The `Device` it lives on; None of a `DeviceArray`, which the simulator has."""
    compact: bool
    storage: Any = None

    def written(self) -> None:
        """Say that somebody may have written to it, so that nobody trusts what was computed from it before."""
        if self.storage is not None:
            self.storage.version = new_version()


def memory_of(value: Any) -> Memory | None:
    """Return where an array lies; None if the value is none of ours."""
    if hasattr(value, "realize_cached_data"):
        value = value.realize_cached_data()
    if hasattr(value, "address") and hasattr(value, "dtype"):  # a DeviceArray
        return Memory(value.address, np.dtype(value.dtype), _count(value.shape), None, True)
    if not all(hasattr(value, one) for one in ("storage", "strides", "offset", "device", "dtype")):
        return None
    dtype, device = np.dtype(value.dtype), value.device
    address = device.address(value.storage) + value.offset * dtype.itemsize
    compact = _row_by_row(value.shape, value.strides)
    return Memory(address, dtype, _count(value.shape), device, compact, value.storage)


def _count(shape: tuple) -> int:
    return int(np.prod(shape, dtype=np.int64))


def _row_by_row(shape: tuple, strides: tuple) -> bool:
    step = 1
    for extent, stride in zip(reversed(shape), reversed(strides), strict=True):
        if extent != 1 and stride != step:
            return 0 in shape
        step *= extent
    return True


def number_for(ffi: Any, kind: str, who: str, text: str, value: Any) -> Any:
    """Return a new cffi object with this number, or raise the TypeError that names the parameter."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (bool, int, float)):
        try:
            return ffi.new(f"{kind} *", value)
        except TypeError:
            pass
        except OverflowError:
            raise ValueError(f"{who}: {text} cannot hold {value}") from None
    raise TypeError(f"{who}: {text} takes a number of that type, got {_what(value)}")


def _what(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"a NumPy array of shape {value.shape}"
    return (
        f"{type(value).__name__} {value!r}" if isinstance(value, (int, float, str)) else type(value).__name__
    )


def address_for(who: str, text: str, dtype: np.dtype | None, value: Any) -> Memory:
    """Return the memory that a pointer parameter gets.

    Raises
    ------
    TypeError
        It is no array of a device, or its elements are of another type than the pointer's.
    ValueError
        Its elements do not lie row by row.
    """
    if value is None:
        return Memory(0, np.dtype(np.uint8), 0, None, True)
    if isinstance(value, np.ndarray):
        raise TypeError(
            f"{who}: {text} takes an array in the device's memory, got a NumPy array, which a kernel cannot reach; "
            "copy it: Tensor(x, device=cuda_sim())"
        )
    memory = memory_of(value)
    if memory is None:
        raise TypeError(f"{who}: {text} takes an array in the device's memory, got {_what(value)}")
    if dtype is not None and memory.dtype != dtype:
        raise TypeError(
            f"{who}: {text} points to {dtype} elements, got an array of {memory.dtype}; "
            f'convert it: x.astype("{dtype}")'
        )
    if not memory.compact:
        copy = "compact" if hasattr(value, "compact") else "contiguous"
        raise ValueError(
            f"{who}: {text} takes a compact array, and the elements of this view do not lie row by row; "
            f"copy it: x.{copy}()"
        )
    return memory
