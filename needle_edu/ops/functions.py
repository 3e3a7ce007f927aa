"""The ops as functions: ``ops.relu(x)``, ``ops.summation(x, axes=0)``, ``ops.where(mask, a, b)``.

A function takes the op's inputs first and its attributes after them, with the names and defaults the op class
gives them. Inputs that are not tensors yet (numbers, lists, arrays) become constants. The function looks the
op up in the registry when it is called, so an override is used at once.
"""

import inspect
from collections.abc import Callable
from typing import Any

from needle_edu.autograd import arrays
from needle_edu.autograd.registry import Slot
from needle_edu.autograd.tensor import Tensor
from needle_edu.autograd.value import Value
from needle_edu.backend.naming import give_name

from .tuples import _MAKE_TUPLE


def make_function(slot: Slot) -> Callable:
    """Return the function of an op."""
    cls = slot.original
    inputs = [p for p in inspect.signature(cls.compute).parameters.values() if p.name != "self"]
    if cls.__init__ is object.__init__:
        attributes = []
    else:
        attributes = list(inspect.signature(cls.__init__).parameters.values())[1:]

    function: Any
    if getattr(cls, "tuple_input", False):
        function = _of_a_tuple(slot)
    elif inputs[0].kind is inspect.Parameter.VAR_POSITIONAL:
        function = _of_any_number(slot)
    elif attributes:
        function = _with_attributes(slot)
    elif len(inputs) == 1:
        function = _of_one(slot)
    else:
        function = _of_several(slot, len(inputs))

    give_name(function, slot.name)
    function.__module__ = "needle_edu.ops"
    function.__doc__ = cls.__doc__
    function.__signature__ = inspect.Signature([p.replace(annotation=p.empty) for p in inputs + attributes])
    return function


def _of_one(slot: Slot) -> Callable:
    return lambda a: slot.instance.apply(a if isinstance(a, Tensor) else _as_tensor(a))


def _of_several(slot: Slot, count: int) -> Callable:
    def function(*args):
        if len(args) != count:
            raise TypeError(f"{slot.name}() takes {count} tensors, got {len(args)}")
        like = next((a for a in reversed(args) if isinstance(a, Tensor)), None)  # not the mask of `where`
        return slot.instance.apply(*[a if isinstance(a, Tensor) else _as_tensor(a, like) for a in args])

    return function


def _of_any_number(slot: Slot) -> Callable:
    return lambda *args: slot.instance.apply(*[_as_tensor(a) for a in args])


def _with_attributes(slot: Slot) -> Callable:
    def function(a, *values, **named):
        return slot.cls(*values, **named).apply(a if isinstance(a, Tensor) else _as_tensor(a))

    return function


def _of_a_tuple(slot: Slot) -> Callable:
    def function(args, *values, **named):
        if isinstance(args, Tensor):
            raise TypeError(
                f"{slot.name}: wanted a list of tensors, got one tensor; write [a, b] or split it"
            )
        return slot.cls(*values, **named).apply(_as_tuple(args))

    return function


def _as_tensor(a, like: Tensor | None = None) -> Value:
    if isinstance(a, Value):
        return a
    if like is not None:
        return Tensor.make_const(arrays.like(a, like.realize_cached_data()))
    return Tensor(a, requires_grad=False)


def _as_tuple(args) -> Value:
    return args if isinstance(args, Value) else _MAKE_TUPLE.instance.apply(*[_as_tensor(a) for a in args])
