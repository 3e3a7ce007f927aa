"""Module: a piece of a network, made of parameters and of smaller modules.

A module keeps its parts as plain attributes: parameters, other modules, and dicts, lists or tuples of them.
Everything else follows from looking at those attributes in the order they were set: the list of parameters an
optimiser needs, a name for each ("modules.0.weight" is `model.modules[0].weight`), switching between training
and evaluation, saving and loading, and the tree that `repr` prints.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd import Tensor, state
from ..autograd.noted import noted_call
from ..backend import Device, accelerator
from ..backend.arguments import floating, switch
from ..backend.errors import DeviceError, NeedleError
from ..backend.naming import not_here
from .module_state import Mismatch, forget_gradients, load, move, named_state
from .parameter import Parameter
from .printing import arguments, tree
from .registering import Registering

_noted: Callable[..., Any] = noted_call  # or the same in C, see below
ELSEWHERE = {
    "modules": "model.named_modules(), pairs of name and module",
    "float": "model.to(dtype='float32')",
    "double": "model.to(dtype='float64')",
    "cuda": "model.to(needle_edu.cuda())",
    "cpu": "model.to(needle_edu.cpu())",
    "compile": "needle_edu.compile(model)",
}


class Module(Registering):
    """The base of all layers and models: define `forward`, and `__init__` if there are parts to make.

    Attributes
    ----------
    training : bool
        True while the model learns; Dropout and BatchNorm behave differently when it is False.
    buffer_names : tuple of str
        Names of attributes that are no parameters but belong to the module (running averages); those among
        `transient_names` are not saved. `register_buffer` adds one.

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

    def __init__(self, *, device: Any = None, dtype: Any = None, inplace: bool = False) -> None:
        # Every layer takes device and dtype, so that one set of keywords makes a whole model; a layer without
        # parameters, such as ReLU, has no use for them, but says what is none. PyTorch's activations write over their
        # input if `inplace`; code that counts on that gets an answer.
        not_the_input(self, inplace)
        switch(type(self).__name__, inplace=inplace)
        if inplace:
            raise NeedleError(
                f"{type(self).__name__}: inplace=True is not supported, a layer never writes over its input; "
                "leave it out: the results are the same"
            )
        if device is not None and not isinstance(device, Device):
            raise DeviceError(f"{type(self).__name__}: wanted a device such as cpu(), got {device!r}")
        if dtype is not None:
            floating(type(self).__name__, "parameters", dtype)
        self.training = True

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; called by `module(...)`."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, ...)")

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        if state.watched:
            return _noted(self, self._call_watched, (args, kwargs), {})
        if self._hooks is None:
            return _noted(self, self.forward, args, kwargs)
        return _noted(self, self._hooks.around, (self, args, kwargs), {})

    if not TYPE_CHECKING:  # a type checker goes by what is there

        def __getattr__(self, name: str) -> Any:
            if name in ELSEWHERE:
                raise not_here(self, name, (), ELSEWHERE)
            return super().__getattribute__(name)  # raises what Python raises, also from within a property

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

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) for the modules directly inside this one."""
        yield from self._parts(Module)

    def children(self) -> Iterator[Module]:
        """The modules directly inside this one."""
        return (module for _, module in self._parts(Module))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(name, parameter) for every parameter in this module and those inside it, each once.

        They come in the order of attributes, a module's parts where the module stands.
        """
        yield from _walk_parameters("", self, set())

    def parameters(self) -> list[Parameter]:
        """Every parameter in this module and those inside it, each once: what an optimiser wants."""
        return [parameter for _, parameter in self.named_parameters()]

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

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters: `grad` is None then, or, without `set_to_none`, zeros."""
        forget_gradients(f"{type(self).__name__}.zero_grad", self.parameters(), set_to_none)

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
        DTypeError, DeviceError
            If `dtype` is not floating-point, or `device` no device.

        Examples
        --------
        >>> from needle_edu import nn
        >>> nn.Linear(2, 3).to(dtype="float64").weight.dtype
        dtype('float64')
        """
        return move(self, device, dtype)

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
        switch(f"{type(self).__name__}.train", mode=mode)
        for _, module in self.named_modules():
            module.training = bool(mode)
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
        return load(self, saved, strict)

    def _named_state(self) -> dict[str, Tensor]:
        """Every parameter and buffer by name."""
        return named_state(self)

    # ---- printing -------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the brackets in `repr`: a layer's sizes, and what was chosen when it was made."""
        return arguments(self)

    def __repr__(self) -> str:
        return "\n".join(tree(self))

    # ---- events ---------------------------------------------------------------------------------

    def _call_watched(self, args: tuple, kwargs: dict) -> Any:
        """`forward`, while somebody listens or captures, and wants to know which module an op belongs to."""
        name = type(self).__name__
        if _calling.modules:
            parts = _calling.modules[-1].named_modules()
            name = next((path for path, module in parts if module is self and path), name)
        modules, names = _calling.modules, state.module_path.names
        depth, length = len(modules), len(names)
        if (tracer := state.tracing()) is not None:
            tracer.called_module(self)
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


def _children_first(module: Module, seen: set[int]) -> Iterator[Module]:
    """All modules inside this one, each once, and then this one."""
    seen.add(id(module))
    for _, child in module._parts(Module):
        if id(child) not in seen:
            yield from _children_first(child, seen)
    yield module


class _Calling(threading.local):
    """The modules being called right now in this thread, outermost first."""

    def __init__(self) -> None:
        self.modules: list[Module] = []


_calling = _Calling()


def not_the_input(layer: Module, option: Any) -> None:
    """Raise TypeError if a layer is being made with a tensor for an option, where its input would belong."""
    if isinstance(option, Tensor):
        who = type(layer).__name__
        raise TypeError(f"{who}: got a tensor while being made; first make it, then call it: {who}()(x)")


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


def _accelerate(found: Any) -> None:
    global _noted
    _noted = noted_call if found is None else found.noted_call


accelerator.connect(_accelerate)
