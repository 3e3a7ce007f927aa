"""What is known of an array before it is computed: its shape and its dtype."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Type(NamedTuple):
    """The shape and the dtype of an array.

    Examples
    --------
    >>> str(Type((2, 3), "float32"))
    'float32[2,3]'
    """

    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=object))

    @property
    def nbytes(self) -> int:
        """Bytes of an array of this type."""
        return self.size * np.dtype(self.dtype).itemsize

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"


Types = Type | tuple[Type, ...]  # of a value: of one array, or of the arrays of a tuple


def array_types(data: Any) -> Types:
    """Return the type of an array, or the types of a tuple of arrays.

    Examples
    --------
    >>> import numpy as np
    >>> array_types((np.zeros(3), np.zeros((2, 1), "float32")))
    (Type(shape=(3,), dtype='float64'), Type(shape=(2, 1), dtype='float32'))
    """
    if isinstance(data, tuple):
        return tuple([Type(tuple(part.shape), part.dtype.name) for part in data])
    return Type(tuple(data.shape), data.dtype.name)


def type_text(types: Types) -> str:
    """Return how a type is written in a program.

    Examples
    --------
    >>> type_text((Type((2,), "float32"), Type((), "int64")))
    '(float32[2], int64[])'
    """
    return str(types) if isinstance(types, Type) else f"({', '.join(map(str, types))})"
