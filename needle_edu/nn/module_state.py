"""What a module saves and loads: its parameters, buffers, and how a state of another model is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..autograd import Tensor
from ..autograd.arrays import readable, xp
from ..backend import Device
from ..backend.arguments import floating, switch
from ..backend.errors import DataError, DeviceError, DTypeError, ShapeError


class Mismatch(NamedTuple):
    """What a saved state and a model did not have in common: names of the model's, and of the state's, alone."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def named_state(module: Any) -> dict[str, Tensor]:
    """Every parameter and buffer of a module by name."""
    named: list[tuple[str, Tensor]] = [*module.named_parameters(), *module.saved_buffers()]
    found = dict(named)
    if len(found) < len(named):
        names = [name for name, _ in named]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DataError(
            f"{type(module).__name__}: two tensors have the same name {twice[0]!r}; "
            "give dict keys and attributes names without dots"
        )
    return found


def load(module: Any, saved: Mapping[str, Any], strict: bool) -> Mismatch:
    """Take over saved numbers; see Module.load_state_dict."""
    own, who = named_state(module), f"{type(module).__name__}.load_state_dict"
    missing = [name for name in own if name not in saved]
    unknown = [name for name in saved if name not in own]
    if strict and (missing or unknown):
        raise DataError(
            f"{who}: the saved state is of another model: missing {missing or 'nothing'}, "
            f"unknown {unknown or 'nothing'}"
        )
    own = {name: tensor for name, tensor in own.items() if name in saved}
    arrays = {name: _array(who, name, saved[name]) for name in own}
    for error, fact in ((ShapeError, "shape"), (DTypeError, "dtype")):
        pairs = [(name, getattr(arrays[name], fact), getattr(own[name], fact)) for name in own]
        wrong = [f"{name}: got {fact} {got}, wanted {wanted}" for name, got, wanted in pairs if got != wanted]
        if wrong:
            raise error(f"{who}: {'; '.join(wrong)}")
    new = [Tensor(arrays[name], device=t.device, dtype=t.dtype).cached_data for name, t in own.items()]
    before = [tensor.cached_data for tensor in own.values()]
    try:
        replace(own.values(), new)
    except BaseException:  # an interrupt, for instance
        replace(own.values(), before)
        raise
    return Mismatch(missing, unknown)


def _array(who: str, name: str, value: Any) -> np.ndarray:
    """A saved value as an array, or an error that names it."""
    try:
        return readable(value)
    except ValueError as error:
        raise DataError(f"{who}: {name}: rows of different lengths make no array") from error


def replace(tensors: Iterable[Tensor], arrays: list) -> None:
    """Let each tensor hold another array."""
    for tensor, array in zip(tensors, arrays, strict=True):
        tensor.replace_data(array)


def move(module: Any, device: Any, dtype: Any) -> Any:
    """Move parameters, buffers and gradients; see Module.to."""
    if device is not None and not isinstance(device, Device):
        raise DeviceError(f"{type(module).__name__}.to: device is a Device such as cpu(), got {device!r}")
    if dtype is not None:
        floating(f"{type(module).__name__}.to", "parameters", dtype)
    tensors = [*module.parameters(), *dict(module.named_buffers()).values()]
    places = [(device or t.device, dtype if dtype and t.dtype.kind == "f" else t.dtype) for t in tensors]
    grads = [
        None if t.grad is None else _moved(t.grad, *place) for t, place in zip(tensors, places, strict=True)
    ]
    replace(tensors, [_moved(t, *place).cached_data for t, place in zip(tensors, places, strict=True)])
    for tensor, grad in zip(tensors, grads, strict=True):
        tensor.grad = grad
    return module


def _moved(tensor: Tensor, device: Any, dtype: Any) -> Tensor:
    return Tensor(tensor, device=device, dtype=dtype, requires_grad=False)


def forget_gradients(who: str, parameters: Iterable[Tensor], set_to_none: bool = True) -> None:
    """Set `grad` of the parameters to None, or those that there are to zeros.

    Examples
    --------
    >>> w = Tensor([3.0])
    >>> (w * w).sum().backward()
    >>> forget_gradients("zero_grad", [w], set_to_none=False)
    >>> w.grad.numpy()
    array([0.], dtype=float32)
    """
    switch(who, set_to_none=set_to_none)
    for parameter in parameters:
        old = parameter.grad
        if set_to_none or old is None:
            parameter.grad = None
        else:
            parameter.grad = Tensor.make_const(xp.zeros_like(old.realize_cached_data()))
