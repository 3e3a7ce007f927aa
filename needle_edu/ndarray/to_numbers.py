"""An array of one element as a Python number, any array as nested lists of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from needle_edu.backend import DTypeError, ShapeError

from . import host
from .strided import StridedArray

if TYPE_CHECKING:
    pass


class ToNumbers(StridedArray):
    """What `float(a)`, `int(a)`, `if a:` and `sequence[a]` ask of an NDArray."""

    __slots__ = ()

    def item(self: Any) -> bool | int | float:
        """Return the only element as a Python number."""
        if self.layout.size != 1:
            raise ShapeError(f"item: wanted an array of one element, got shape {self.layout.shape}")
        return host.host_values(self).item()

    def tolist(self: Any) -> Any:
        """Return the elements as nested lists of Python numbers."""
        return host.host_values(self).tolist()

    def __float__(self: Any) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.layout.code not in (2, 3) or self.layout.ndim:
            raise DTypeError(
                f"only an integer array of 0 dimensions is an index, got {self.dtype} {self.shape}"
            )
        return int(self.item())

    def __bool__(self) -> bool:
        if self.layout.size != 1:
            raise ShapeError(
                f"the truth of an array of {self.layout.size} elements is ambiguous; use .any() or .all()"
            )
        return bool(self.item())
