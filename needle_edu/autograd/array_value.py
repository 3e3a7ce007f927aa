"""ArrayValue: a value that holds one array, and what can be said of it without an operation.

Its shape, dtype and device, and the ways out of the graph: to NumPy, to a Python number, to text. Tensor, in
tensor.py, is one of these with operators and gradients.
"""

import numpy as np

from needle_edu.backend import compatibility

from . import arrays
from .value import Value


class ArrayValue(Value):
    """A node of the computation graph that holds one array: the base of Tensor."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Extent of each axis."""
        return self.realize_cached_data().shape

    @property
    def dtype(self) -> np.dtype:
        """Element type, a `numpy.dtype`; it equals its name, such as "float32"."""
        return self.realize_cached_data().dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.realize_cached_data().size

    @property
    def device(self):
        """The device the data is on (in np mode there is only one)."""
        return arrays.device_of(self.realize_cached_data())

    @property
    def name(self) -> str | None:
        """A label for graphs and messages; None unless set."""
        return self.extra.get("name") if self.extra else None

    @name.setter
    def name(self, label: str | None) -> None:
        if label is not None and not isinstance(label, str):
            raise TypeError(f"Tensor.name: wanted a str or None, got {label!r}")
        self._remember("name", label)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a tensor without axes")
        return self.shape[0]

    def item(self):
        """Return the only element as a Python number."""
        if self.size != 1:
            raise arrays.ShapeError(f"item: wanted a tensor with one element, got shape {self.shape}")
        return self.numpy().reshape(())[()].item()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        if compatibility.tensors_are_true:
            return True
        if self.size != 1:
            raise arrays.ShapeError(
                f"a tensor of shape {self.shape} is neither true nor false; use .numpy().any() or .all()"
            )
        return bool(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def numpy(self) -> np.ndarray:
        """Return a copy of the data as a NumPy array."""
        return arrays.to_numpy(self.realize_cached_data())

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        data = self.realize_cached_data()
        return np.array(data, dtype=dtype, copy=copy) if copy is not None else np.asarray(data, dtype=dtype)

    def __repr__(self) -> str:
        text = np.array2string(arrays.readable(self), separator=", ", prefix="Tensor(")
        facts = [f"dtype={self.dtype}"] if self.dtype.name not in ("float32", "int64", "bool") else []
        if self.op is not None:
            facts.append(f"op={self.op.name}")
        elif not self.requires_grad:
            facts.append("requires_grad=False")
        return f"Tensor({', '.join([text, *facts])})"

    def __str__(self) -> str:
        return str(self.realize_cached_data())
