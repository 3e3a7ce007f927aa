"""What the values of a captured function are called: arguments, sources, constants, and results of instructions.

A value is known by identity, or by its array: `detach` makes another value of the same array. A leaf that was never
heard of is a *source*, which each run looks up anew, or a *constant*, if the function made it.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from needle_edu.autograd import Tensor
from needle_edu.backend import storage
from needle_edu.ndarray import array
from needle_edu.ndarray.host import host_values

from .array_type import Type, array_types
from .flags import Flags
from .places import DataOf
from .unknown import UNKNOWN, CaptureError, stand_in, where


class Names:
    """The names of a function's values, and for each name an array without numbers, its stand-in."""

    def __init__(self, called: dict[int, str]) -> None:
        self.called = called  # what the caller's variables call a tensor, by id
        self.start = storage.new_version()  # leaves made from now on have this version or a later one
        self.device: Any = None
        self.inputs: dict[str, Type] = {}
        self.sources: dict[str, tuple[Type, Any]] = {}
        self.constants: dict[str, np.ndarray] = {}
        self.names: dict[int, str] = {}  # of values, by id
        self.arrays: dict[int, str] = {}  # of arrays, by id
        self.stand_ins: dict[str, Any] = {}
        self.kept: list[Any] = []  # what `names` and `arrays` know stays alive: an id is used again otherwise
        # Tensors, with the data and the gradient they came with.
        self.before: dict[int, tuple[Tensor, Any, Any]] = {}
        self.flags = Flags()

    def input(self, example: Tensor, label: str) -> Tensor:
        """Return a tensor in the place of an argument."""
        array = example.realize_cached_data()
        self._compute_on(array.device)
        name = _free(label, self.inputs)
        self.inputs[name] = array_types(array)  # type: ignore[assignment]
        value = Tensor.make_const(stand_in(array.shape, array.dtype), example.requires_grad)
        self._know(value, name, value.cached_data)
        return value

    def source(self, label: str, source: Any, shape: tuple, dtype: Any) -> Tensor:
        """Return a tensor in the place of an array that each run looks up."""
        name = _free(label, {**self.inputs, **self.sources})
        value = Tensor.make_const(stand_in(shape, dtype), False)
        self.sources[name] = array_types(value.cached_data), source  # type: ignore[assignment]
        self._know(value, name, value.cached_data)
        return value

    def name_of(self, value: Any) -> str:
        """Return the name of a value; one that was never heard of is a source or a constant."""
        known = self.names.get(id(value))
        if known is not None and (value.op is not None or self._unchanged(value, known)):
            return known
        data = value.realize_cached_data()
        name = self.arrays.get(id(data))
        if name is None:
            name = self._leaf(value, data)
        elif value.op is None and id(value) not in self.before:
            self.before[id(value)] = value, data, value.grad
        self._know(value, name, data)
        return name

    def _unchanged(self, value: Any, name: str) -> bool:
        return self.arrays.get(id(value.cached_data)) == name

    def _name_of_array(self, array: Any) -> str:
        name = self.arrays.get(id(array))
        return name if name is not None else self.name_of(Tensor.make_const(array))

    def _leaf(self, value: Any, data: Any) -> str:
        """Return a name for a leaf that the function did not compute."""
        if isinstance(data, tuple):
            raise CaptureError(f"capture: a tuple of tensors comes from outside the function{where()}")
        if data.layout.device is UNKNOWN:
            if data.storage.ptr.unknown:
                raise CaptureError(
                    "capture: an array was computed from the arguments by something that is no op, so the program "
                    f"could not compute it again; use ops on tensors{where()}"
                )
            return self._constant(data)
        if value.version >= self.start:
            return self._constant(data)
        if value.op is not None and value.requires_grad:
            raise CaptureError(
                f"capture: a tensor that was computed outside the function, by {value.op.name}, takes part in it; "
                f"compute it inside, or give detach() of it{where()}"
            )
        return self._source(value, data)

    def _constant(self, data: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = numbers = np.array(host_values(data))
        stand_in = (
            data if data.layout.device is UNKNOWN else array(numbers, dtype=numbers.dtype, device=UNKNOWN)
        )
        self._name(data, name, stand_in)
        return name

    def _source(self, value: Any, data: Any) -> str:
        self._compute_on(data.device)
        called = value.name or self.called.get(id(value)) or f"p{len(self.sources)}"
        name = _free(re.sub(r"[^\w.]", "_", called), {**self.inputs, **self.sources})
        self.sources[name] = array_types(data), DataOf(value)  # type: ignore[assignment]
        self.flags.add(value, "requires_grad")
        self.before.setdefault(id(value), (value, data, value.grad))
        self._name(data, name, stand_in(data.shape, data.dtype))
        return name

    def _name(self, data: Any, name: str, stand_in: Any) -> None:
        self.arrays[id(data)] = self.arrays[id(stand_in)] = name
        self.stand_ins[name] = stand_in
        self.kept += [data, stand_in]

    def _know(self, value: Any, name: str, data: Any) -> None:
        self.names[id(value)] = name
        self.kept.append(value)
        if name not in self.stand_ins:
            self._name(data, name, data)

    def _compute_on(self, device: Any) -> None:
        if self.device is None:
            self.device = device
        if device is not self.device:
            raise CaptureError(
                f"capture: some tensors are on {self.device!r}, others on {device!r}; move them with .to()"
            )


def _free(wanted: str, taken: Any) -> str:
    name, k = wanted, 1
    while name in taken:
        k += 1
        name = f"{wanted}_{k}"
    return name
