"""Module: a piece of a network, made of parameters and of smaller modules.

A module keeps its parts as plain attributes: parameters, other modules, and dicts, lists or tuples of them.
Everything else follows from looking at those attributes in the order they were set: the list of parameters an
optimiser needs, a name for each ("modules.0.weight" is `model.modules[0].weight`), switching between training
and evaluation, saving and loading, and the tree that `repr` prints.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..autograd import Tensor, state
from ..autograd.arrays import readable
from ..backend import Device
from ..backend.arguments import floating
from ..backend.errors import DataError, DeviceError, DTypeError, ShapeError
from .hooks import HookHandle, Hooks
from .parameter import Parameter


class Module:
    """The base of all layers and models: define `forward`, and `__init__` if there are parts to make.

    Attributes
    ----------
    training : bool
        True while the model learns; Dropout and BatchNorm behave differently when it is False.
    buffer_names : tuple of str
        Names of attributes that are no parameters but belong to the saved state (running averages).

    Examples
    --------
    >>> from needle_edu import nn
    >>> class Twice(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layer = nn.Linear(3, 3)
    ...     def forward(self, x):
    ...         return self.layer(self.layer(x))
    >>> model = Twice()
    >>> [name for name, parameter in model.named_parameters()]
    ['layer.weight', 'layer.bias']
    >>> model
    Twice() · 12 parameters
    └─ layer: Linear(3, 3) · 12 parameters: weight (3, 3), bias (1, 3)
    """

    training = True
    buffer_names: tuple[str, ...] = ()
    _hooks: Hooks | None = None

    def __init__(self, *, device: Any = None, dtype: Any = None) -> None:
        # Every layer takes device and dtype, so that one set of keywords makes a whole model; a layer without
        # parameters, such as ReLU, has no use for them.
        self.training = True

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; called by `module(...)`."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, ...)")

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        if state.hook is None:
            if self._hooks is None:
                return self.forward(*args, **kwargs)
            return self._hooks.around(self, args, kwargs)
        return self._call_watched(args, kwargs)

    def register_forward_pre_hook(self, hook: Callable) -> HookHandle:
        """Call ``hook(module, args)`` before each `forward`; unless it returns None, that is the new input.

        Returns
        -------
        HookHandle
            `remove()` takes the hook out.
        """
        self._hooks = self._hooks or Hooks()
        return HookHandle(self._hooks.before, hook, f"{type(self).__name__}.register_forward_pre_hook")

    def register_forward_hook(self, hook: Callable) -> HookHandle:
        """Call ``hook(module, args, output)`` after each `forward`; unless it returns None, that is the output.

        Returns
        -------
        HookHandle
            `remove()` takes the hook out.
        """
        self._hooks = self._hooks or Hooks()
        return HookHandle(self._hooks.after, hook, f"{type(self).__name__}.register_forward_hook")

    # ---- the parts ------------------------------------------------------------------------------

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module (name "") and all modules inside it, each once, parents before children."""
        seen: set[int] = set()
        stack = [("", self)]
        while stack:
            name, module = stack.pop()
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module
                children = [(_join(name, key), part) for key, part in module._parts(Module)]
                stack.extend(reversed(children))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(name, parameter) for every parameter in this module and those inside it, each once.

        They come in the order of attributes, a module's parts where the module stands.
        """
        yield from _walk_parameters("", self, set())

    def parameters(self) -> list[Parameter]:
        """Every parameter in this module and those inside it, each once: what an optimiser wants."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """(name, tensor) for every buffer, such as a running average, in this module and those inside it."""
        for name, module in self.named_modules():
            for buffer in module.buffer_names:
                yield _join(name, buffer), getattr(module, buffer)

    def apply(self, fn: Callable[[Module], Any]) -> Module:
        """Call ``fn(module)`` for all modules inside this one, each once, then for this one; returns the module.

        Examples
        --------
        >>> from needle_edu import nn
        >>> model = nn.Sequential(nn.ReLU(), nn.Tanh())
        >>> model.apply(lambda module: print(type(module).__name__)).training
        ReLU
        Tanh
        Sequential
        True
        """
        for module in _children_first(self, set()):
            fn(module)
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Switch the wish for gradients of all parameters on or off, to freeze a part; returns the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def to(self, device: Any = None, dtype: Any = None) -> Module:
        """Move parameters, buffers and gradients to a device, or to another floating dtype; returns the module.

        Integer and bool tensors keep their dtype. The tensors stay the same objects, so an optimiser that has
        them goes on with them.

        Raises
        ------
        DTypeError
            If `dtype` is not floating-point.

        Examples
        --------
        >>> from needle_edu import nn
        >>> nn.Linear(2, 3).to(dtype="float64").weight.dtype
        dtype('float64')
        """
        if device is not None and not isinstance(device, Device):
            raise DeviceError(f"{type(self).__name__}.to: device is a Device such as cpu(), got {device!r}")
        if dtype is not None:
            floating(f"{type(self).__name__}.to", "parameters", dtype)
        tensors = [*self.parameters(), *dict(self.named_buffers()).values()]
        places = [(device or t.device, dtype if dtype and t.dtype.kind == "f" else t.dtype) for t in tensors]
        grads = [
            None if t.grad is None else _moved(t.grad, *place)
            for t, place in zip(tensors, places, strict=True)
        ]
        _replace(tensors, [_moved(t, *place).cached_data for t, place in zip(tensors, places, strict=True)])
        for tensor, grad in zip(tensors, grads, strict=True):
            tensor.grad = grad
        return self

    def _children(self) -> list[Module]:
        """All modules inside this one, at any depth (Needle's name)."""
        return [module for name, module in self.named_modules() if module is not self]

    def _parts(self, kind: type | tuple[type, ...]) -> list[tuple[str, Any]]:
        """(name, part) for attributes of this kind, also in dicts, lists, tuples, but not inside modules."""
        found, seen = [], set()
        stack = [("", vars(self))]
        while stack:
            name, value = stack.pop()
            if isinstance(value, kind):
                found.append((name, value))
            elif isinstance(value, (dict, list, tuple)) and id(value) not in seen:
                seen.add(id(value))
                items = value.items() if isinstance(value, dict) else enumerate(value)
                stack.extend(reversed([(_join(name, key), part) for key, part in items]))
        return found

    # ---- training and evaluation ----------------------------------------------------------------

    def train(self, mode: bool = True) -> Module:
        """Switch this module and all inside it to training, or with False to evaluation; returns the module."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Switch this module and all inside it to evaluation; returns the module."""
        return self.train(False)

    # ---- saving and loading ---------------------------------------------------------------------

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name → copy of the numbers, for every parameter and buffer: all that training has changed.

        Examples
        --------
        >>> from needle_edu import nn
        >>> {name: array.shape for name, array in nn.Linear(2, 3).state_dict().items()}
        {'weight': (2, 3), 'bias': (1, 3)}
        """
        return {name: tensor.numpy() for name, tensor in self._named_state().items()}

    def load_state_dict(self, saved: Mapping[str, Any], strict: bool = True) -> Mismatch:
        """Take over the numbers that `state_dict` gave. All of them, or, after an error, none.

        Parameters
        ----------
        saved : mapping from name to array_like
        strict : bool
            Whether every name must be there and no other; if False, what both have is taken over.

        Returns
        -------
        Mismatch
            The names that were missing and those that were unknown: two empty lists if strict.

        Raises
        ------
        DataError
            If names are missing or unknown.
        ShapeError, DTypeError
            If arrays do not have the shape or dtype of the tensors they belong to; all of them are named.
        """
        own, who = self._named_state(), f"{type(self).__name__}.load_state_dict"
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
            wrong = [
                f"{name}: got {fact} {got}, wanted {wanted}" for name, got, wanted in pairs if got != wanted
            ]
            if wrong:
                raise error(f"{who}: {'; '.join(wrong)}")
        new = [Tensor(arrays[name], device=t.device, dtype=t.dtype).cached_data for name, t in own.items()]
        before = [tensor.cached_data for tensor in own.values()]
        try:
            _replace(own.values(), new)
        except BaseException:  # an interrupt, for instance
            _replace(own.values(), before)
            raise
        return Mismatch(missing, unknown)

    def _named_state(self) -> dict[str, Tensor]:
        """Every parameter and buffer by name."""
        named: list[tuple[str, Tensor]] = [*self.named_parameters(), *self.named_buffers()]
        found = dict(named)
        if len(found) < len(named):
            names = [name for name, _ in named]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise DataError(
                f"{type(self).__name__}: two tensors have the same name {twice[0]!r}; "
                "give dict keys and attributes names without dots"
            )
        return found

    # ---- printing -------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the brackets in `repr`; a layer returns its sizes."""
        return ""

    def __repr__(self) -> str:
        return "\n".join(_tree(self, "", "", ()))

    # ---- events ---------------------------------------------------------------------------------

    def _call_watched(self, args: tuple, kwargs: dict) -> Any:
        """`forward`, while somebody listens to events and wants to know which module they belong to."""
        name = type(self).__name__
        if _calling.modules:
            parts = _calling.modules[-1].named_modules()
            name = next((path for path, module in parts if module is self and path), name)
        modules, names = _calling.modules, state.module_path.names
        depth, length = len(modules), len(names)
        try:
            modules.append(self)
            names.append(name)
            return (
                self.forward(*args, **kwargs)
                if self._hooks is None
                else self._hooks.around(self, args, kwargs)
            )
        finally:
            del modules[depth:], names[length:]  # plain: an interrupt falls into calls and loops only


class Mismatch(NamedTuple):
    """What a saved state and a model did not have in common: names of the model's, and of the state's, alone."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def _children_first(module: Module, seen: set[int]) -> Iterator[Module]:
    """All modules inside this one, each once, and then this one."""
    seen.add(id(module))
    for _, child in module._parts(Module):
        if id(child) not in seen:
            yield from _children_first(child, seen)
    yield module


def _moved(tensor: Tensor, device: Any, dtype: Any) -> Tensor:
    return Tensor(tensor, device=device, dtype=dtype, requires_grad=False)


def _array(who: str, name: str, value: Any) -> np.ndarray:
    """A saved value as an array, or an error that names it."""
    try:
        return readable(value)
    except ValueError as error:
        raise DataError(f"{who}: {name}: rows of different lengths make no array") from error


def _replace(tensors: Iterable[Tensor], arrays: list) -> None:
    for tensor, array in zip(tensors, arrays, strict=True):
        tensor.replace_data(array)


class _Calling(threading.local):
    """The modules being called right now in this thread, outermost first."""

    def __init__(self) -> None:
        self.modules: list[Module] = []


_calling = _Calling()


def _join(name: str, key: Any) -> str:
    return f"{name}.{key}" if name else str(key)


def _walk_parameters(prefix: str, module: Module, seen: set[int]) -> Iterator[tuple[str, Parameter]]:
    """The named parameters of `module` that are not yet in `seen`, depth first."""
    seen.add(id(module))
    for key, part in module._parts((Module, Parameter)):
        if id(part) in seen:
            continue
        if isinstance(part, Module):
            yield from _walk_parameters(_join(prefix, key), part, seen)
        else:
            seen.add(id(part))
            yield _join(prefix, key), part


def _tree(module: Module, head: str, indent: str, ancestors: tuple[Module, ...]) -> Iterator[str]:
    """The lines of `repr`: one per module, with its own parameters' shapes and the count of all inside."""
    count = sum(parameter.size for parameter in module.parameters())
    own = ", ".join(f"{name} {parameter.shape}" for name, parameter in module._parts(Parameter))
    line = f"{head}{type(module).__name__}({module.extra_repr()})"
    if count:
        line += f" · {count:,} parameters"
    yield line + (f": {own}" if own else "")
    if any(module is ancestor for ancestor in ancestors):
        return
    children = module._parts(Module)
    for number, (name, child) in enumerate(children, start=1):
        branch, below = ("└─ ", "   ") if number == len(children) else ("├─ ", "│  ")
        yield from _tree(child, f"{indent}{branch}{name}: ", indent + below, (*ancestors, module))
